// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// build: -O3

// Runs: a source in memory and a window take records without a call between them; what they leave
// undone is completed before the next record, so that nothing differs from the plain loop.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/dsl/loop.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/state/memory_budget.hpp>

namespace {
using namespace millrace;

struct event {
    std::int64_t t = 0;
    std::uint32_t key = 0;
    std::int64_t value = 0;
};
MILLRACE_RECORD(event, t, key, value);

struct environment {
    memory_budget budget;
    memory_budget& state_budget() { return budget; }
};
template <class P>
using loop_of = detail::fused_loop<P, environment, detail::nodes_of<P>>;

using rows_type = std::vector<std::array<std::int64_t, 5>>;
struct limited {
    std::size_t bytes = ~std::size_t{0};
    state_policy policy = state_policy::stop;
};
struct outcome {
    rows_type rows;
    rows_type late;
    std::vector<stage_counts> counts;
    bool failed = false;
};

/// The same stages behind a source with runs (`from`) and one without (`generate`).
auto stages(rows_type& late, duration disorder) {
    return filter([](event const& e) { return e.value != 13; })
           | event_time([](event const& e) { return time_point{e.t}; }, bounded_disorder{disorder})
           | key_by(field<&event::key>) | window(tumbling{duration{100}})
           | aggregate(count<"n">(), sum<"sum">(field<&event::value>), max(field<&event::value>))
           | late_to(to([&late](event const& e) { late.push_back({e.t, e.key, e.value}); }));
}
auto out_to(rows_type& out) {
    return to([&out](auto const& r) {
        out.push_back(
            {get<"window_start">(r).ns, get<"key">(r), get<"n">(r), get<"sum">(r), get<"max">(r)});
    });
}
template <class P>
void run(P pipeline, std::size_t batch, limited budget, outcome& out) {
    environment env{memory_budget(budget.bytes, budget.policy)};
    constexpr std::size_t nodes = loop_of<P>::size;
    stage_counts counts[nodes];
    {
        loop_of<P> loop(std::move(pipeline), env);
        try {
            while (loop.template poll<0>(batch) == source_state::more) loop.settle(batch);
            loop.template end_source<0>();
            while (loop.settle(batch)) {
            }
        } catch (failure const&) {
            out.failed = true;
        }
        loop.account(counts);
    }
    out.counts.assign(counts, counts + nodes);
}
template <bool Runs, bool Lateness>
outcome run_of(std::vector<event> const& events, duration disorder, std::size_t batch,
               limited budget = {}) {
    outcome out;
    auto const body = [&] {
        if constexpr (Lateness)
            return stages(out.late, disorder) | allowed_lateness(duration{150});
        else
            return stages(out.late, disorder);
    };
    if constexpr (Runs) {
        auto pipeline = from(events) | body() | out_to(out.rows);
        using loop = loop_of<decltype(pipeline)>;
        static_assert(detail::window_of_runs<loop, 0>() > 0, "it is this that is tested");
        run(std::move(pipeline), batch, budget, out);
    } else {
        std::size_t at = 0;
        auto pipeline = generate([&]() -> std::optional<event> {
                            if (at == events.size()) return std::nullopt;
                            return events[at++];
                        })
                        | body() | out_to(out.rows);
        using loop = loop_of<decltype(pipeline)>;
        static_assert(detail::window_of_runs<loop, 0>() < 0);
        run(std::move(pipeline), batch, budget, out);
    }
    return out;
}
void expect_same(outcome const& a, outcome const& b) {
    EXPECT_EQ(a.rows, b.rows);
    EXPECT_EQ(a.late, b.late);
    EXPECT_EQ(a.failed, b.failed);
    ASSERT_EQ(a.counts.size(), b.counts.size());
    for (std::size_t i = 0; i < a.counts.size(); ++i) {
        EXPECT_EQ(a.counts[i].in, b.counts[i].in) << i;
        EXPECT_EQ(a.counts[i].passed, b.counts[i].passed) << i;
        EXPECT_EQ(a.counts[i].late, b.counts[i].late) << i;
        EXPECT_EQ(a.counts[i].dead, b.counts[i].dead) << i;
        EXPECT_EQ(a.counts[i].dropped, b.counts[i].dropped) << i;
        EXPECT_EQ(a.counts[i].held, b.counts[i].held) << i;
        EXPECT_EQ(a.counts[i].out, b.counts[i].out) << i;
    }
}

std::uint64_t random_of(std::uint64_t& state) {  // xorshift64
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}
/// `spread`: how far times lie behind the newest; one in 50 ten times as far.
std::vector<event> events_of(std::uint64_t seed, std::uint64_t keys, std::uint64_t spread) {
    std::uint64_t state = 0x9E37'79B9'7F4A'7C15 ^ seed;
    std::vector<event> out;
    for (std::int64_t i = 0; i < 6000; ++i) {
        std::uint64_t back = random_of(state) % (spread + 1);
        if (random_of(state) % 50 == 0) back *= 10;
        out.push_back({1000 + i / 4 - static_cast<std::int64_t>(back),
                       static_cast<std::uint32_t>(random_of(state) % keys),
                       static_cast<std::int64_t>(random_of(state) % 100) - 20});
    }
    return out;
}
template <bool Lateness>
void compare_random() {
    char const* const replay = std::getenv("MILLRACE_SEED");
    std::uint64_t const first = replay != nullptr ? std::strtoull(replay, nullptr, 10) : 1;
    for (std::uint64_t seed = first; seed < first + (replay != nullptr ? 1 : 60); ++seed) {
        SCOPED_TRACE("replay: MILLRACE_SEED=" + std::to_string(seed));
        std::uint64_t const keys = seed % 3 == 0 ? 3 : seed % 3 == 1 ? 200 : 3000;
        auto const events = events_of(seed, keys, seed % 4 * 40);
        duration const disorder{static_cast<std::int64_t>(seed % 5 * 25)};
        std::size_t const batch = std::array<std::size_t, 4>{1, 17, 256, 4096}[seed % 4];
        expect_same(run_of<true, Lateness>(events, disorder, batch),
                    run_of<false, Lateness>(events, disorder, batch));
        if (::testing::Test::HasFailure()) return;
    }
}

TEST(loop_run, gives_what_the_plain_loop_gives) { compare_random<false>(); }

TEST(loop_run, gives_the_same_updates_of_late_records) { compare_random<true>(); }

TEST(loop_run, accounts_for_every_record_where_the_state_may_not_grow) {
    auto const events = events_of(7, 3000, 40);
    using enum state_policy;
    for (std::size_t const bytes : {std::size_t{10'000}, std::size_t{30'000}})
        for (state_policy const policy : {stop, shed_new_keys, evict_oldest}) {
            limited const budget{bytes, policy};
            outcome const a = run_of<true, false>(events, duration{50}, 256, budget);
            EXPECT_EQ(a.failed, policy == stop);
            expect_same(a, run_of<false, false>(events, duration{50}, 256, budget));
        }
}

TEST(run_pacing, leaves_more_batches_to_the_plain_loop_while_runs_are_short) {
    detail::run_pacing pacing;
    EXPECT_TRUE(pacing.runs());
    pacing.ran(1024, 64);
    EXPECT_TRUE(pacing.runs()) << "one in 16 is no harm";
    for (unsigned const wait : {1U, 2U, 4U, 8U, 16U, 32U, 64U, 64U}) {
        pacing.ran(1024, 65);
        for (unsigned i = 0; i < wait; ++i) EXPECT_FALSE(pacing.runs()) << wait << ' ' << i;
        EXPECT_TRUE(pacing.runs());
    }
    pacing.ran(1024, 1);
    EXPECT_TRUE(pacing.runs());
}
}  // namespace
