// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Firing with credit (SEMANTICS 11 to 13): nothing enters a loop without room for all that it can
// become, so nothing blocks inside, lanes stay as small as the plan says, and everything drains.
//
// MILLRACE_SEED=n begins with another seed.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

#include "scheduler/by_hand.hpp"

namespace {
using namespace millrace;
using by_hand::beds;

std::vector<int> up_to(int n) {
    std::vector<int> out;
    for (int i = 0; i < n; ++i) out.push_back(i);
    return out;
}
constexpr auto itself = [](int x) { return x; };
constexpr auto eight = [](int x, emitter<int>& emit) {
    for (int i = 0; i < 8; ++i) emit(x * 8 + i);
};
/// A sink that several partitions of one thread, or one partition, fill.
struct total {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;
    bool operator==(total const&) const = default;
};
/// Behind a stage that runs on all partitions: else the exchange only gathers.
auto into_total(total& t) {
    return map([](int x) { return x; }) | to([&t](int x) {
               ++t.count;
               t.sum += static_cast<std::uint64_t>(x);
           });
}
/// Records that left a stage and records that came to the next, all along a chain.
void expect_unbroken(report const& r) {
    EXPECT_TRUE(adds_up(r)) << to_text(r);
    for (std::size_t i = 1; i < r.stages.size(); ++i)
        EXPECT_EQ(r.stages[i - 1].counts.out, r.stages[i].counts.in) << to_text(r);
}

/// `make(t)` is a pipeline into total `t`; over random orders of turns and 2 to 4 partitions.
template <class Make>
void check_by_hand(Make make, std::size_t batch, unsigned seeds, bool chain = true) {
    total expected;
    ASSERT_TRUE(run(make(expected)).ok());
    std::uint64_t starved = 0;
    for (std::uint64_t seed = by_hand::first_seed(); seed < by_hand::first_seed() + seeds; ++seed) {
        SCOPED_TRACE(seed);
        unsigned const partitions = 2 + static_cast<unsigned>(seed % 3);
        total t;
        unsigned const cores = 1 + static_cast<unsigned>(seed / 3) % partitions;
        auto const o =
            by_hand::turn(make(t), partitions, {.batch = batch, .lane_slots = 1}, seed, {}, cores);
        ASSERT_TRUE(o.ended) << to_text(o.counts);
        EXPECT_EQ(o.spills, 0U);
        EXPECT_EQ(t, expected);
        if (chain)
            expect_unbroken(o.counts);
        else
            EXPECT_TRUE(adds_up(o.counts)) << to_text(o.counts);
        starved += o.starved;
    }
    EXPECT_GT(starved, 0U) << "no lane was ever full: the test shows nothing";
}

TEST(credits, a_diamond_with_lanes_of_one_slot_drains) {
    auto const numbers = up_to(2000);
    check_by_hand(
        [&](total& t) {
            return from(numbers) | key_by(itself)
                   | merge(filter<"none">([](int) { return false; }), map([](int x) { return -x; }))
                   | map([](int x) { return 5000 - x; }) | key_by(itself) | into_total(t);
        },
        64, 20, false);
}
TEST(credits, a_tee_whose_side_goes_over_a_lane_of_its_own_drains) {
    auto const numbers = up_to(2000);
    check_by_hand(
        [&](total& t) {
            return from(numbers) | key_by(itself)
                   | tee(filter([](int x) { return x % 7 == 0; }) | discard())
                   | filter([](int x) { return x % 2 == 0; }) | into_total(t);
        },
        64, 20, false);
}
TEST(credits, three_flat_maps_before_an_exchange_have_room_for_one_record_at_least) {
    auto const numbers = up_to(30);
    check_by_hand(
        [&](total& t) {
            return from(numbers) | flat_map<8>(eight) | flat_map<8>(eight) | flat_map<8>(eight)
                   | key_by(itself) | into_total(t);
        },
        64, 12);
}
TEST(credits, three_flat_maps_behind_an_exchange_have_room_for_one_record_at_least) {
    auto const numbers = up_to(30);
    check_by_hand(
        [&](total& t) {
            return from(numbers) | key_by(itself) | flat_map<8>(eight) | flat_map<8>(eight)
                   | flat_map<8>(eight) | into_total(t);
        },
        64, 12);
}
TEST(credits, exchanges_in_a_row_drain) {
    auto const numbers = up_to(1000);
    check_by_hand(
        [&](total& t) {
            return from(numbers) | key_by(itself) | flat_map<8>(eight)
                   | key_by([](int x) { return x / 3; }) | map(itself)
                   | key_by([](int x) { return x % 5; }) | into_total(t);
        },
        7, 10);
}
struct event {
    std::int64_t t = 0;
    int key = 0;
};
MILLRACE_RECORD(event, t, key);
TEST(credits, windows_that_release_much_at_once_drain) {
    std::vector<event> events;
    for (int i = 0; i < 3000; ++i) events.push_back({i / 100, i % 50});
    check_by_hand(
        [&](total& t) {
            return from(events) | event_time([](event const& e) { return time_point{e.t}; })
                   | key_by(field<&event::key>) | window(tumbling(nanoseconds(5)))
                   | aggregate(count<"n">())
                   | map([](auto const& row) { return static_cast<int>(get<"n">(row)); })
                   | into_total(t);
        },
        16, 10, false);
}

// --- lost wakes ---

TEST(credits, a_lost_wake_for_room_would_be_seen) {
    auto const numbers = up_to(2000);
    total t;
    // Nothing comes back that could wake the producer instead.
    auto const pipeline = [&] {
        return from(numbers) | key_by(itself) | filter([](int) { return false; }) | into_total(t);
    };
    beds faulty;
    faulty.loses_room_after = 5;
    auto const lost =
        by_hand::turn(pipeline(), 2, {.lane_slots = 1}, by_hand::first_seed(), faulty);
    EXPECT_FALSE(lost.ended) << "room is never waited for: the wake for it is not tested";
    EXPECT_GT(lost.slept.wakes_for_room, 5U);
    EXPECT_TRUE(adds_up(lost.counts)) << to_text(lost.counts);
    auto const whole = by_hand::turn(pipeline(), 2, {.lane_slots = 1}, by_hand::first_seed());
    EXPECT_TRUE(whole.ended);
    EXPECT_GT(whole.slept.wakes_for_room, 100U);
}
TEST(credits, a_lost_wake_for_input_would_be_seen) {
    auto const numbers = up_to(2000);
    total t;
    beds faulty;
    faulty.loses_input_after = 5;
    auto const lost = by_hand::turn(from(numbers) | key_by(itself) | into_total(t), 2,
                                    {.lane_slots = 1}, by_hand::first_seed(), faulty);
    EXPECT_FALSE(lost.ended);
}

// --- on threads ---

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int short_runs = 1000;
#else
constexpr int short_runs = 10'000;
#endif

TEST(credits, ten_thousand_short_runs_on_two_threads_end) {
    auto const numbers = up_to(12);
    std::uint64_t sum = 0;
    auto const first = by_hand::first_seed();
    for (std::uint64_t seed = first; seed < first + short_runs; ++seed) {
        total t;
        auto const r =
            run(from(numbers) | key_by(itself) | into_total(t), {.batch = 1 + seed % 5,
                                                                 .oversubscribed = 2,
                                                                 .lane_slots = 1,
                                                                 .watchdog = nanoseconds(0),
                                                                 .yield_seed = seed});
        ASSERT_TRUE(r.ok()) << "seed " << seed << ": " << r.message;
        ASSERT_EQ(t.count, numbers.size()) << "seed " << seed;
        sum += t.sum;
    }
    EXPECT_EQ(sum, static_cast<std::uint64_t>(66 * short_runs));
}
TEST(credits, a_million_rows_drain_without_further_input) {
    constexpr int keys = 1'000'000;
    auto const events = [] {
        std::vector<event> out;
        for (int i = 0; i < keys; ++i) out.push_back({0, i});
        return out;
    }();
    for (unsigned const threads : {1U, 2U, 3U}) {
        std::uint64_t rows = 0;
        auto const r = run(from(events) | event_time([](event const& e) { return time_point{e.t}; })
                               | key_by(field<&event::key>) | window(tumbling(seconds(1)))
                               | aggregate(count<"n">()) | to([&](auto const&) { ++rows; }),
                           {.oversubscribed = threads, .lane_slots = 16});
        EXPECT_TRUE(r.ok()) << r.message;
        EXPECT_EQ(rows, std::uint64_t{keys});
        EXPECT_TRUE(adds_up(r)) << to_text(r);
    }
}

// --- a sink that takes nothing for a while ---

/// Takes what it has room for: none while `open` is false.
struct gate_sink {
    std::atomic<bool>* open;
    std::atomic<std::uint64_t>* count;
    template <class Env>
    gate_sink open_sink(Env&) {
        return *this;
    }
    [[nodiscard]] std::size_t room() const {
        return open->load(std::memory_order_acquire) ? 1'000'000 : 0;
    }
    template <class R>
    void write(R const&) {
        count->fetch_add(1, std::memory_order_relaxed);
    }
    /// Looks again each millisecond: nobody wakes it.
    [[nodiscard]] std::int64_t next_deadline() const {
        return open->load() ? INT64_MAX : detail::read_clock(CLOCK_MONOTONIC) + 1'000'000;
    }
    void close(bool) {}
};
/// Resident bytes of this process.
std::uint64_t resident() {
    unsigned long long size = 0, pages = 0;
    if (std::FILE* const f = std::fopen("/proc/self/statm", "re")) {
        if (std::fscanf(f, "%llu %llu", &size, &pages) != 2) pages = 0;
        std::fclose(f);
    }
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}
TEST(credits, memory_stays_flat_under_a_sink_that_stalls_and_nothing_is_lost) {
    std::atomic<bool> open{true};
    std::atomic<std::uint64_t> written{0};
    std::atomic<std::uint64_t> made{0};
    auto service = start(generate([&]() -> std::optional<std::string> {
                             return "a record of some length, number "
                                    + std::to_string(made.fetch_add(1, std::memory_order_relaxed));
                         }) | key_by([](std::string const& s) {
                             return s.size() + static_cast<unsigned char>(s.back());
                         }) | to(gate_sink{&open, &written}),
                         {.oversubscribed = 2});
    auto const wait_for = [](auto&& what) {
        auto const deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (!what() && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return what();
    };
    ASSERT_TRUE(wait_for([&] { return written.load() > 200'000; }));
    std::uint64_t warm = 0;  // the most under load: rings and heap are as large as they get
    for (int i = 0; i < 200; ++i) {
        warm = std::max(warm, resident());
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    open = false;
    std::uint64_t stalled_at = ~std::uint64_t{0};
    EXPECT_TRUE(wait_for([&] {  // full: nothing is made for 100 ms
        std::uint64_t const before = std::exchange(stalled_at, made.load());
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        return before == made.load();
    }));
    std::uint64_t most = 0;
    for (int i = 0; i < 6000; ++i) {  // a minute
        most = std::max(most, resident());
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(made.load(), stalled_at) << "the source was read although nothing had room";
    std::uint64_t const taken = written.load();
    EXPECT_LE(static_cast<double>(most), 1.05 * static_cast<double>(warm));
    open = true;
    EXPECT_TRUE(wait_for([&] { return written.load() > taken + 200'000; }));
    service.stop();
    auto const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    expect_unbroken(r);
    EXPECT_EQ(r.records_in, made.load());
    EXPECT_EQ(r.records_out, made.load());
    EXPECT_EQ(written.load(), made.load());
}

/// Room for four, for ever.
struct tiny_sink {
    struct opened {
        void write(int const&) {}
        [[nodiscard]] std::size_t room() const { return 4; }
    };
    template <class Env>
    opened open_sink(Env&) const {
        return {};
    }
};
TEST(credits, a_sink_too_small_for_what_one_record_becomes_is_refused) {
    auto const r = run(from(std::vector<int>{1}) | flat_map<8>([](int x, emitter<int>& e) { e(x); })
                           | to(tiny_sink{}),
                       {});
    EXPECT_EQ(r.code, exit_code::configuration);
    EXPECT_NE(r.message.find("room for 4 records"), std::string::npos) << r.message;
}

}  // namespace
