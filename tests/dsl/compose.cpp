// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;
std::vector<int> const numbers{1, 2, 3, 4, 5, 6};

struct event {
    std::int64_t at = 0;
    int n = 0;
};
MILLRACE_RECORD(event, at, n);
std::vector<event> const events{{5, 1}, {12, 2}, {9, 3}, {25, 4}, {11, 5}};
auto timed() {
    return from(events) | event_time([](event const& e) { return time_point{e.at}; });
}

TEST(parts, compose_before_they_are_attached_in_any_grouping) {
    auto const odd = filter<"odd">([](int n) { return n % 2 == 1; });
    auto const tenfold = map<"tenfold">([](int n) { return 10 * n; });
    std::vector<int> a;
    std::vector<int> b;
    std::vector<int> c;
    run_by_hand(from(numbers) | odd | tenfold | to(a));
    run_by_hand(from(numbers) | (odd | tenfold) | to(b));
    run_by_hand(from(numbers) | (odd | (tenfold | to(c))));
    EXPECT_EQ(a, (std::vector<int>{10, 30, 50}));
    EXPECT_EQ(b, a);
    EXPECT_EQ(c, a);
    // The type is the flat list of the stages, however it was grouped.
    static_assert(std::is_same_v<decltype(from(numbers) | odd | tenfold),
                                 decltype(from(numbers) | (odd | tenfold))>);
}
TEST(parts, are_values_that_may_be_used_again) {
    auto const clean = filter([](int n) { return n > 2; }) | map([](int n) { return n - 2; });
    std::vector<int> out;
    run_by_hand(from(numbers) | clean | clean | to(out));
    EXPECT_EQ(out, (std::vector<int>{1, 2}));
}
TEST(parts, may_begin_with_what_changes_the_stage_before) {
    std::vector<event> late;
    auto const tail = count<"n">() | allowed_lateness(duration{3}) | late_to(late);
    std::vector<std::int64_t> out;
    auto const o = run_by_hand(timed() | window_all(tumbling{duration{10}})
                               | (tail | to([&](auto const& r) { out.push_back(get<"n">(r)); })));
    // 9 is allowed: its pane has given its row, and gives another one. 11 comes behind 25.
    EXPECT_EQ(out, (std::vector<std::int64_t>{1, 2, 1, 1}));
    ASSERT_EQ(late.size(), 1U);
    EXPECT_EQ(late[0].at, 11);
    EXPECT_EQ(o.of("window").late, 1U);
}
TEST(parts, may_begin_with_modifiers_alone) {
    std::vector<event> late;
    auto const tail = allowed_lateness(duration{3}) | late_to(late) | on_error(drop);
    std::vector<std::int64_t> out;
    run_by_hand(timed() | window_all(tumbling{duration{10}}) | count<"n">() | tail
                | to([&](auto const& r) { out.push_back(get<"n">(r)); }));
    EXPECT_EQ(out, (std::vector<std::int64_t>{1, 2, 1, 1}));
    EXPECT_EQ(late.size(), 1U);
}
TEST(parts, may_begin_with_on_error) {
    auto const forgiving = on_error(drop) | map([](int n) { return -n; });
    auto const refuse = map([](int n) {
        if (n == 3) throw std::runtime_error("three");
        return n;
    });
    std::vector<int> out;
    run_by_hand(from(numbers) | refuse | forgiving | to(out));
    EXPECT_EQ(out, (std::vector<int>{-1, -2, -4, -5, -6}));
}
TEST(parts, hold_windows_and_their_modifiers_as_one_stage) {
    std::vector<event> late;
    auto const hourly = window_all(tumbling{duration{10}}) | count<"n">() | late_to(late);
    static_assert(decltype(hourly.stages)::size == 1);
    std::vector<std::int64_t> out;
    run_by_hand(timed() | hourly | to([&](auto const& r) { out.push_back(get<"n">(r)); }));
    EXPECT_EQ(out, (std::vector<std::int64_t>{1, 1, 1}));
    EXPECT_EQ(late.size(), 2U);
}
TEST(parts, that_end_in_a_sink_are_taken_wherever_a_sink_is) {
    std::vector<int> seen;
    auto const sink = map([](auto const& v) {
                          if constexpr (std::is_same_v<std::remove_cvref_t<decltype(v)>, int>)
                              return v;
                          else if constexpr (requires { v.input(); })
                              return -v.input();
                          else
                              return 100 + v.n;
                      })
                      | to(seen);
    run_by_hand(from(numbers) | filter([](int n) { return n < 3; }) | tee(sink) | map([](int n) {
                    if (n == 2) throw std::runtime_error("two");
                    return n;
                })
                | on_error(sink) | to(sink));
    EXPECT_EQ(seen, (std::vector<int>{1, 1, 2, -2}));
    seen.clear();
    run_by_hand(timed() | window_all(tumbling{duration{10}}) | count() | late_to(sink) | discard());
    EXPECT_EQ(seen, (std::vector<int>{103, 105}));
}
TEST(parts, may_hold_forks) {
    std::vector<int> odd;
    std::vector<int> even;
    std::vector<int> all;
    auto const is_odd = [](int n) { return n % 2 == 1; };
    auto const sort_out = tee(all) | split(when(is_odd, odd), otherwise(even));
    auto const signs = merge(filter([](int n) { return n > 0; }), map([](int n) { return -n; }));
    run_by_hand(from(numbers) | signs | sort_out);
    EXPECT_EQ(all.size(), 12U);
    EXPECT_EQ(odd, (std::vector<int>{1, 3, 5}));
    EXPECT_EQ(even, (std::vector<int>{-1, 2, -2, -3, 4, -4, -5, 6, -6}));
}
TEST(parts, made_of_move_only_functions_can_be_moved_on) {
    auto factor = std::make_unique<int>(3);
    auto part = map([f = std::move(factor)](int n) { return *f * n; })
                | filter([](int n) { return n > 9; });
    std::vector<int> out;
    run_by_hand(from(numbers) | std::move(part) | to(out));
    EXPECT_EQ(out, (std::vector<int>{12, 15, 18}));
}
}  // namespace
