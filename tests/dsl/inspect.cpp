// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

TEST(inspect, sees_every_record_and_hands_it_on_as_it_is) {
    std::vector<int> const in{3, 1, 2};
    std::vector<int> seen;
    std::vector<int> out;
    auto const o =
        run_by_hand(from(in) | inspect<"look">([&](int n) { seen.push_back(n); }) | to(out));
    EXPECT_EQ(seen, in);
    EXPECT_EQ(out, in);
    EXPECT_EQ(o.of("look").passed, 3U);
}
TEST(inspect, runs_before_what_follows_record_by_record) {
    std::vector<int> const in{1, 2};
    std::vector<int> order;
    run_by_hand(from(in) | inspect([&](int n) { order.push_back(n); })
                | inspect([&](int n) { order.push_back(10 * n); })
                | to([&](int n) { order.push_back(100 * n); }));
    EXPECT_EQ(order, (std::vector<int>{1, 10, 100, 2, 20, 200}));
}
TEST(inspect, may_return_what_nobody_takes) {
    std::vector<int> const in{1};
    auto const o = run_by_hand(from(in) | inspect([](int n) { return n; }) | discard());
    EXPECT_EQ(o.of("discard").in, 1U);
}
TEST(inspect, keeps_the_key) {
    std::vector<int> const in{1, 1, 2};
    std::vector<std::int64_t> out;
    run_by_hand(from(in) | key_by([](int n) { return n; }) | inspect([](int) {}) | count<"n">()
                | to([&](auto const& r) { out.push_back(get<"n">(r)); }));
    EXPECT_EQ(out, (std::vector<std::int64_t>{1, 2, 1}));
}
}  // namespace
