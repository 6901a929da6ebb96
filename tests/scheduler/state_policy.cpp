// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What gives way when state has no more room (SEMANTICS 14): nothing is lost without a count.

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;

struct event {
    std::int64_t t = 0;
    std::int64_t key = 0;
};
MILLRACE_RECORD(event, t, key);
auto time_of() {
    return [](event const& e) { return time_point{e.t}; };
}

constexpr std::size_t budget = std::size_t{4} << 20;
constexpr std::int64_t many = 400'000;  // of 24 bytes an entry and more: beyond the budget

/// Key 0 at every other place, and between them keys that come once.
auto known_and_new(std::int64_t count, std::int64_t time_a_record = 0) {
    return generate([at = std::int64_t{0}, count, time_a_record]() mutable -> std::optional<event> {
        if (at == count) return {};
        ++at;
        return event{at * time_a_record, at % 2 == 0 ? 0 : at};
    });
}
stage_counts of(report const& r, std::string const& word) {
    for (stage_line const& s : r.stages)
        if (s.word == word) return s.counts;
    ADD_FAILURE() << "no stage " << word;
    return {};
}

TEST(shed_new_keys, refuses_records_of_new_keys_in_a_window_and_counts_them) {
    for (unsigned const threads : {0U, 1U, 2U, 3U}) {
        std::mutex mutex;
        std::int64_t rows = 0;
        std::int64_t of_key_0 = 0;
        auto const r = run(known_and_new(many) | event_time(time_of()) | key_by(field<&event::key>)
                               | window(tumbling{duration{10}}) | aggregate(count<"n">())
                               | to([&](auto const& row) {
                                     std::lock_guard const lock(mutex);
                                     ++rows;
                                     if (get<"key">(row) == 0) of_key_0 += get<"n">(row);
                                 }),
                           {.oversubscribed = threads,
                            .state_memory = budget,
                            .when_full = state_policy::shed_new_keys});
        ASSERT_TRUE(r.ok()) << r.message;
        EXPECT_TRUE(adds_up(r)) << to_text(r);
        EXPECT_EQ(of_key_0, many / 2) << "a known key goes on";
        EXPECT_GT(r.shed, 0U);
        EXPECT_EQ(of(r, "window").dropped, r.shed);
        EXPECT_EQ(static_cast<std::uint64_t>(rows) + r.shed, std::uint64_t{many / 2 + 1});
        EXPECT_THAT(to_text(r), testing::HasSubstr("had no room for the keys of"));
    }
}
TEST(shed_new_keys, takes_new_keys_again_when_a_pane_has_gone) {
    // Four panes of 200,000 records each; one is more than the budget.
    auto const r =
        run(known_and_new(4 * 200'000, 1) | event_time(time_of()) | key_by(field<&event::key>)
                | window(tumbling{duration{200'000}}) | aggregate(count<"n">()) | discard(),
            {.state_memory = budget, .when_full = state_policy::shed_new_keys});
    ASSERT_TRUE(r.ok()) << r.message;
    EXPECT_TRUE(adds_up(r)) << to_text(r);
    auto const first =
        run(known_and_new(200'000, 1) | event_time(time_of()) | key_by(field<&event::key>)
                | window(tumbling{duration{200'000}}) | aggregate(count<"n">()) | discard(),
            {.state_memory = budget, .when_full = state_policy::shed_new_keys});
    EXPECT_GT(first.shed, 0U);
    EXPECT_LT(r.shed, 5 * first.shed);
    EXPECT_GT(r.records_out, 3 * first.records_out);
}
TEST(shed_new_keys, sends_the_records_to_the_sink_of_on_error) {
    std::uint64_t letters = 0;
    bool all_new = true;
    auto const r = run(known_and_new(many) | event_time(time_of()) | key_by(field<&event::key>)
                           | window(tumbling{duration{10}}) | aggregate(count<"n">())
                           | on_error(to<"shed">([&](dead_letter<event> const& l) {
                                 ++letters;
                                 all_new = all_new && l.record->key != 0;
                             }))
                           | discard(),
                       {.state_memory = budget, .when_full = state_policy::shed_new_keys});
    ASSERT_TRUE(r.ok()) << r.message;
    EXPECT_TRUE(adds_up(r)) << to_text(r);
    EXPECT_GT(letters, 0U);
    EXPECT_EQ(letters, r.shed);
    EXPECT_EQ(r.dead, r.shed);
    EXPECT_TRUE(all_new);
}
TEST(shed_new_keys, holds_for_rolling_state) {
    std::int64_t newest = 0;
    auto const r = run(known_and_new(many) | key_by(field<&event::key>) | aggregate(count<"n">())
                           | to([&](auto const& row) {
                                 if (get<"key">(row) == 0) newest = get<"n">(row);
                             }),
                       {.state_memory = budget, .when_full = state_policy::shed_new_keys});
    ASSERT_TRUE(r.ok()) << r.message;
    EXPECT_TRUE(adds_up(r)) << to_text(r);
    EXPECT_EQ(newest, many / 2);
    EXPECT_GT(r.shed, 0U);
    EXPECT_EQ(r.records_out + r.shed, std::uint64_t{many});
}
TEST(shed_new_keys, holds_for_state_whose_function_may_throw) {
    auto const r =
        run(known_and_new(many) | key_by(field<&event::key>)
                | aggregate(fold<"n">(0, [](int n, event const&) { return n + 1; })) | discard(),
            {.state_memory = budget, .when_full = state_policy::shed_new_keys});
    ASSERT_TRUE(r.ok()) << r.message;
    EXPECT_TRUE(adds_up(r)) << to_text(r);
    EXPECT_GT(r.shed, 0U);
}

TEST(evict_oldest, gives_up_the_oldest_pane_and_goes_on) {
    for (unsigned const threads : {0U, 2U}) {
        std::mutex mutex;
        std::map<std::int64_t, std::int64_t> counted;  // by pane
        auto const r =
            run(known_and_new(many, 1) | event_time(time_of(), bounded_disorder{duration{many}})
                    | key_by(field<&event::key>) | window(tumbling{duration{40'000}})
                    | aggregate(count<"n">()) | to([&](auto const& row) {
                          std::lock_guard const lock(mutex);
                          counted[get<"window_start">(row).ns] += get<"n">(row);
                      }),
                {.oversubscribed = threads,
                 .state_memory = budget,
                 .when_full = state_policy::evict_oldest});
        ASSERT_TRUE(r.ok()) << r.message;
        EXPECT_TRUE(adds_up(r)) << to_text(r);
        EXPECT_GT(r.evicted, 0U);
        EXPECT_EQ(r.shed, 0U);
        std::int64_t sum = 0;
        for (auto const& [start, n] : counted) sum += n;
        EXPECT_EQ(static_cast<std::uint64_t>(sum) + of(r, "window").dropped, std::uint64_t{many});
        ASSERT_TRUE(counted.contains(360'000));
        EXPECT_EQ(counted[360'000], 40'000) << "the youngest whole pane is whole";
        EXPECT_LT(counted[0], 40'000) << "the oldest is not";
    }
}
TEST(evict_oldest, empties_the_only_pane_when_it_must) {
    auto const r = run(known_and_new(many) | event_time(time_of()) | key_by(field<&event::key>)
                           | window(tumbling{duration{10}}) | aggregate(count<"n">()) | discard(),
                       {.state_memory = budget, .when_full = state_policy::evict_oldest});
    ASSERT_TRUE(r.ok()) << r.message;
    EXPECT_TRUE(adds_up(r)) << to_text(r);
    EXPECT_GT(r.evicted, 0U);
    EXPECT_GT(of(r, "window").dropped, 0U);
}
TEST(evict_oldest, takes_rolling_keys_that_were_not_seen_for_long) {
    std::int64_t newest = 0;
    auto const r = run(known_and_new(many) | key_by(field<&event::key>) | aggregate(count<"n">())
                           | to([&](auto const& row) {
                                 if (get<"key">(row) == 0) newest = get<"n">(row);
                             }),
                       {.state_memory = budget, .when_full = state_policy::evict_oldest});
    ASSERT_TRUE(r.ok()) << r.message;
    EXPECT_TRUE(adds_up(r)) << to_text(r);
    EXPECT_EQ(newest, many / 2) << "a key that is seen all the time stays";
    EXPECT_EQ(r.records_out, std::uint64_t{many});
    EXPECT_GT(r.evicted, 0U);
    EXPECT_THAT(to_text(r), testing::HasSubstr("gave up"));
}
TEST(state_policy, of_a_budget_too_small_for_one_key_ends_the_run) {
    for (state_policy const p :
         {state_policy::stop, state_policy::shed_new_keys, state_policy::evict_oldest}) {
        auto const r = run(
            known_and_new(100) | key_by(field<&event::key>) | aggregate(count<"n">()) | discard(),
            {.state_memory = 8, .when_full = p});
        EXPECT_TRUE(adds_up(r)) << to_text(r);
        if (p == state_policy::shed_new_keys)
            EXPECT_EQ(r.shed, 100U);
        else
            EXPECT_EQ(r.code, exit_code::software);
    }
}
}  // namespace
