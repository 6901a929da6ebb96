// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The fused loop itself: draining in pieces, marks, and how it is closed.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/dsl/loop.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;

struct event {
    std::int64_t t = 0;
    int key = 0;
};
MILLRACE_RECORD(event, t, key);
time_point time_of(event const& e) { return time_point{e.t}; }

struct environment {};
template <class P>
using loop_of = detail::fused_loop<P, environment, detail::nodes_of<P>>;

/// A sink that sees the ends of batches.
struct piece_sink {
    std::function<void()> on_row;
    std::function<void()> on_batch_end;

    struct opened {
        piece_sink* sink;
        template <class R>
        void write(R const&) {
            sink->on_row();
        }
        void batch_end() { sink->on_batch_end(); }
    };
};
struct piece_part {
    piece_sink* sink;
    template <class Env>
    auto open_sink(Env&) {
        return piece_sink::opened{sink};
    }
};

std::vector<event> keys(int many, std::int64_t t) {
    std::vector<event> out;
    for (int k = 0; k < many; ++k) out.push_back({t, k});
    return out;
}

TEST(loop, drains_a_pane_at_most_a_batch_of_rows_at_a_time) {
    for (std::size_t const piece :
         {std::size_t{1}, std::size_t{7}, std::size_t{64}, std::size_t{4096}}) {
        std::size_t since = 0;
        std::size_t most = 0;
        std::size_t rows = 0;
        piece_sink sink{[&] { ++since, ++rows; },
                        [&] {
                            most = std::max(most, since);
                            since = 0;
                        }};
        std::vector<event> const in = keys(1000, 5);
        auto const r =
            run(from(in) | event_time(time_of) | key_by(field<&event::key>)
                    | window(tumbling{duration{10}}) | count<"n">() | to(piece_part{&sink}),
                {.batch = piece});
        EXPECT_EQ(rows, 1000U);
        EXPECT_EQ(most, std::min<std::size_t>(piece, 1000));
        EXPECT_TRUE(adds_up(r));
    }
}

TEST(loop, drains_several_panes_within_one_piece) {
    std::size_t since = 0;
    std::size_t most = 0;
    piece_sink sink{[&] { ++since; },
                    [&] {
                        most = std::max(most, since);
                        since = 0;
                    }};
    std::vector<event> in;
    for (std::int64_t t = 0; t < 1000; t += 10) in.push_back({t, 0});
    (void)run(from(in) | event_time(time_of) | key_by(field<&event::key>)
                  | window(tumbling{duration{10}}) | count<"n">() | to(piece_part{&sink}),
              {.batch = 128});
    EXPECT_GT(most, 1U);
    EXPECT_LE(most, 128U);
}

TEST(loop, hands_the_watermark_on_only_behind_what_it_released) {
    std::vector<time_point> seen;
    std::function<time_point()> mark;
    auto p = from(keys(20, 5)) | event_time(time_of) | key_by(field<&event::key>)
             | window(tumbling{duration{10}}) | count<"n">()
             | to([&](auto const&) { seen.push_back(mark()); });
    environment env;
    loop_of<decltype(p)> loop(std::move(p), env);
    constexpr std::size_t window_node = 3;
    mark = [&] { return loop.mark(window_node); };
    while (loop.poll<0>(4) == source_state::more) loop.settle(4);
    EXPECT_EQ(loop.mark(window_node), time_point{5});
    EXPECT_TRUE(seen.empty());
    loop.end_source<0>();
    loop.settle(4);
    ASSERT_EQ(seen.size(), 20U);
    for (time_point const t : seen) EXPECT_LT(t, time_point{10});
    EXPECT_EQ(loop.mark(window_node), time_point::max());
    EXPECT_EQ(loop.mark(window_node + 1), time_point::max());
}

TEST(loop, gives_its_state_back_once_end_and_lateness_have_passed) {
    auto p = from(std::vector<event>{{5, 1}, {12, 1}, {15, 1}, {40, 2}}) | event_time(time_of)
             | key_by(field<&event::key>) | window(tumbling{duration{10}}) | count<"n">()
             | allowed_lateness(duration{5}) | discard();
    environment env;
    loop_of<decltype(p)> loop(std::move(p), env);
    auto& window = loop.op<3>();
    auto step = [&] {
        (void)loop.poll<0>(1);
        loop.settle(1);
        return window.open_panes();
    };
    EXPECT_EQ(step(), 1U);  // [0, 10) open
    EXPECT_EQ(step(), 2U);  // out, but may still be updated
    EXPECT_EQ(step(), 1U);  // 15 is 10 and the lateness
    EXPECT_EQ(step(), 1U);  // [40, 50)
    loop.end_source<0>();
    loop.settle(1);
    EXPECT_EQ(window.open_panes(), 0U);
}

// Above 4 MiB of table updates wait and are applied together, above 32 MiB they are sorted by where
// they go; the results must not know.
void expect_deferred(int many, std::size_t table_bytes, std::size_t batch, bool late) {
    std::vector<event> in;
    for (int round = 0; round < 2; ++round)
        for (int k = 0; k < many; ++k) in.push_back({round, k});
    in.push_back({1, 7});
    in.push_back({15, 0});
    if (late) {
        in.push_back({3, 7});  // allowed: what waits for its entry goes first
        in.push_back({3, 7});
    }
    std::vector<std::int64_t> of_seven;
    std::vector<int> seen(static_cast<std::size_t>(many), 0);
    std::int64_t total = 0;
    auto p = from(in) | event_time(time_of) | key_by(field<&event::key>)
             | window(tumbling{duration{10}}) | count<"n">() | allowed_lateness(duration{20})
             | to([&](auto const& row) {
                   ++seen[static_cast<std::size_t>(get<"key">(row))];
                   total += get<"n">(row);
                   if (get<"key">(row) == 7) of_seven.push_back(get<"n">(row));
               });
    environment env;
    loop_of<decltype(p)> loop(std::move(p), env);
    bool large = false;
    while (loop.poll<0>(batch) == source_state::more) {
        loop.settle(batch);
        large = large || loop.op<3>().state_bytes() >= table_bytes;
    }
    EXPECT_TRUE(large) << "the branch was not taken";
    loop.end_source<0>();
    loop.settle(batch);
    EXPECT_EQ(of_seven, (late ? std::vector<std::int64_t>{3, 4, 5} : std::vector<std::int64_t>{3}));
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), many - (late ? 2 : 1));
    EXPECT_EQ(seen[0], 2);  // [0, 10) and [10, 20)
    EXPECT_EQ(total, 2 * many + 2 + (late ? 4 + 5 : 0));
    EXPECT_EQ(loop.op<3>().open_panes(), 0U);
}
TEST(loop, defers_updates_of_large_tables_without_changing_a_result) {
    for (std::size_t const batch : {std::size_t{100}, std::size_t{1024}, std::size_t{65'536}})
        for (bool const late : {false, true})
            expect_deferred(150'000, std::size_t{4} << 20, batch, late);
}
TEST(loop, sorts_updates_of_tables_beyond_the_cache_without_changing_a_result) {
    expect_deferred(1'500'000, std::size_t{40} << 20, 1024, false);
    expect_deferred(1'500'000, std::size_t{40} << 20, 65'536, true);
}

/// What a sink was told, in order.
struct told {
    std::vector<std::string> words;
    std::string fails_at;
};
struct telling_sink {
    std::string name;
    told* all;
    template <class R>
    void operator()(R const&) const {}
    template <class Env>
    auto open_sink(Env&) {
        return *this;
    }
    template <class R>
    void write(R const&) {}
    void say(std::string const& word) {
        all->words.push_back(name + " " + word);
        if (all->words.back() == all->fails_at)
            throw failure(exit_code::io, "millrace: " + all->fails_at);
    }
    void finish() { say("finish"); }
    void close(bool success) { say(success ? "commit" : "take back"); }
};

std::vector<std::string> close_two(std::string const& fails_at) {
    told all{{}, fails_at};
    std::vector<int> const in{1, 2, 3};
    auto const r = run(from(in) | tee(to(telling_sink{"a", &all})) | to(telling_sink{"b", &all}));
    EXPECT_EQ(r.ok(), fails_at.empty());
    if (!r.ok()) {
        EXPECT_EQ(r.code, exit_code::io);
        EXPECT_EQ(r.message, "millrace: " + fails_at);
    }
    EXPECT_TRUE(adds_up(r));
    return all.words;
}
TEST(loop, lets_all_sinks_finish_before_the_first_commits) {
    using strings = std::vector<std::string>;
    EXPECT_EQ(close_two(""), (strings{"a finish", "b finish", "a commit", "b commit"}));
    EXPECT_EQ(close_two("b finish"),
              (strings{"a finish", "b finish", "a take back", "b take back"}));
    EXPECT_EQ(close_two("a commit"), (strings{"a finish", "b finish", "a commit", "b take back"}));
}

}  // namespace
