// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;
std::vector<int> const numbers{1, 2, 3, 4, 5, 6};
auto divisible_by(int d) {
    return [d](int n) { return n % d == 0; };
}

TEST(split, sends_each_record_into_the_first_case_that_takes_it) {
    for (std::size_t const batch : {1U, 4U, 100U}) {
        std::vector<int> twos;
        std::vector<int> threes;
        std::vector<int> rest;
        auto const o = run_by_hand(
            from(numbers)
                | split(when<"twos">(divisible_by(2), to(twos)),
                        when<"threes">(divisible_by(3), map([](int n) { return -n; }) | to(threes)),
                        otherwise(rest)),
            batch);
        EXPECT_EQ(twos, (std::vector<int>{2, 4, 6}));
        EXPECT_EQ(threes, (std::vector<int>{-3}));
        EXPECT_EQ(rest, (std::vector<int>{1, 5}));
        EXPECT_EQ(o.of("split").passed, 6U);
        EXPECT_EQ(o.of("to", 0).in, 3U);
        EXPECT_EQ(o.of("map").in, 1U);
        EXPECT_EQ(o.of("to", 2).in, 2U);
    }
}
TEST(split, hands_on_what_no_case_takes) {
    std::vector<int> twos;
    std::vector<int> rest;
    auto const o = run_by_hand(from(numbers) | split(when(divisible_by(2), twos))
                               | filter([](int n) { return n > 1; }) | to(rest));
    EXPECT_EQ(twos.size(), 3U);
    EXPECT_EQ(rest, (std::vector<int>{3, 5}));
    EXPECT_EQ(o.of("filter").in, 3U);
}
TEST(split, counts_as_filtered_what_no_case_takes_where_nothing_follows) {
    auto const o = run_by_hand(from(numbers) | split(when(divisible_by(2), discard())));
    EXPECT_EQ(o.of("split").filtered, 3U);
    EXPECT_EQ(o.of("split").passed, 3U);
}
TEST(split, moves_move_only_records) {
    std::vector<std::unique_ptr<int>> in;
    for (int const n : numbers) in.push_back(std::make_unique<int>(n));
    std::vector<std::unique_ptr<int>> small;
    std::vector<std::unique_ptr<int>> large;
    int rest = 0;
    run_by_hand(from(std::move(in))
                | split(when([](std::unique_ptr<int> const& p) { return *p < 3; }, to(small)),
                        when([](std::unique_ptr<int> const& p) { return *p > 4; },
                             map([](std::unique_ptr<int> p) { return p; }) | to(large)))
                | to([&](std::unique_ptr<int> p) { rest += *p; }));
    EXPECT_EQ(small.size(), 2U);
    EXPECT_EQ(large.size(), 2U);
    EXPECT_EQ(rest, 7);
}
TEST(split, goes_by_its_policy_when_a_predicate_throws) {
    auto const picky = [](int n) {
        if (n == 3 || n == 6) throw std::runtime_error("picky");
        return n % 2 == 0;
    };
    std::vector<int> even;
    std::vector<int> odd;
    std::vector<int> dead;
    auto const o = run_by_hand(
        from(numbers) | split(when(picky, even))
        | on_error(map([](dead_letter<int> const& d) { return d.input(); }) | to<"dead">(dead))
        | to(odd));
    EXPECT_EQ(even, (std::vector<int>{2, 4}));
    EXPECT_EQ(odd, (std::vector<int>{1, 5}));
    EXPECT_EQ(dead, (std::vector<int>{3, 6}));
    EXPECT_EQ(o.of("split").dead, 2U);
    EXPECT_EQ(o.of("dead").in, 2U);
    EXPECT_EQ(o.of("dead").out, 2U);
    auto const dropped =
        run_by_hand(from(numbers) | split(when(picky, discard())) | on_error(drop));
    EXPECT_EQ(dropped.of("split").dropped, 2U);
    EXPECT_EQ(dropped.of("split").filtered, 2U);
    auto const stopped = run_by_hand(from(numbers) | split(when(picky, discard())));
    EXPECT_EQ(stopped.code, 65);
    EXPECT_EQ(stopped.of("split").dead, 1U);
}
}  // namespace
