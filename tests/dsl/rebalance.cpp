// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Exchanges without a key, on one partition and on several.

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;

std::vector<int> numbers(int n) {
    std::vector<int> out(static_cast<std::size_t>(n));
    std::iota(out.begin(), out.end(), 0);
    return out;
}

TEST(rebalance, hands_on_every_record_once) {
    std::vector<int> const in = numbers(10'000);
    for (unsigned threads = 0; threads <= 4; ++threads) {
        std::vector<int> out;
        auto const r = run(from(in) | rebalance() | map([](int x) { return x * 2; }) | to(out),
                           {.oversubscribed = threads, .lane_slots = 4});
        std::sort(out.begin(), out.end());
        ASSERT_EQ(out.size(), in.size());
        for (int const x : in) EXPECT_EQ(out[static_cast<std::size_t>(x)], 2 * x);
        EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
    }
}

TEST(rebalance, gives_each_partition_its_share) {
    std::vector<int> const in = numbers(999);
    std::vector<std::thread::id> where(in.size());
    auto const r = run(from(in) | rebalance() | inspect([&](int const& x) {
                           where[static_cast<std::size_t>(x)] = std::this_thread::get_id();
                       }) | discard(),
                       {.oversubscribed = 3});
    ASSERT_TRUE(r.ok());
    std::set<std::thread::id> const threads(where.begin(), where.end());
    ASSERT_EQ(threads.size(), 3U);
    for (auto const& id : threads) EXPECT_EQ(std::count(where.begin(), where.end(), id), 333);
}

TEST(broadcast, gives_each_partition_a_copy) {
    std::vector<int> const in = numbers(100);
    for (unsigned threads = 1; threads <= 4; ++threads) {
        std::vector<int> out;
        auto const r = run(from(in) | broadcast() | map([](int x) { return x; }) | to(out),
                           {.oversubscribed = threads, .lane_slots = 1});
        ASSERT_TRUE(r.ok() && adds_up(r)) << to_text(r);
        ASSERT_EQ(out.size(), in.size() * threads);
        for (int const x : in) EXPECT_EQ(std::count(out.begin(), out.end(), x), threads);
    }
}
TEST(broadcast, gives_a_sink_that_runs_alone_one_copy) {
    std::vector<int> out;
    auto const r = run(from(numbers(100)) | broadcast() | to(out), {.oversubscribed = 3});
    EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
    EXPECT_EQ(out, numbers(100));
}

TEST(rebalance, stands_in_the_plan_as_an_exchange) {
    using plan_type = decltype(from(std::vector<int>{}) | rebalance() | discard());
    static_assert(plan_of<plan_type>.exchanges == 1);
    static_assert(plan_of<plan_type>.loops == 2);
}

}  // namespace
