// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
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

/// The one row of an aggregate over all records.
template <class T, class Spec>
auto of_all(std::vector<T> const& in, Spec spec) {
    using row_type = typename stream_of<decltype(from(in) | window_all(global{})
                                                 | std::declval<Spec>())>::record;
    std::vector<row_type> out;
    run_by_hand(from(in) | window_all(global{}) | std::move(spec) | to(out));
    return out.empty() ? row_type{} : out[0];
}
constexpr auto itself = [](auto v) { return v; };

TEST(count, counts) {
    EXPECT_EQ(get<"count">(of_all(std::vector<int>(7), count())), 7);
    EXPECT_EQ(get<"n">(of_all(std::vector<std::string>(3), count<"n">())), 3);
}
TEST(sum, is_of_64_bits_by_the_sign_of_its_type) {
    auto const narrow = get<"sum">(of_all(std::vector<std::int8_t>(1000, -100), sum(itself)));
    static_assert(std::is_same_v<decltype(narrow), std::int64_t const>);
    EXPECT_EQ(narrow, -100'000);
    auto const wide =
        get<"sum">(of_all(std::vector<std::uint32_t>{4'000'000'000U, 4'000'000'000U}, sum(itself)));
    static_assert(std::is_same_v<decltype(wide), std::uint64_t const>);
    EXPECT_EQ(wide, 8'000'000'000U);
    auto const real = get<"sum">(of_all(std::vector<float>{0.5F, 0.25F}, sum(itself)));
    static_assert(std::is_same_v<decltype(real), double const>);
    EXPECT_EQ(real, 0.75);
    auto const times =
        get<"sum">(of_all(std::vector<duration>{seconds(1), seconds(-3)}, sum(itself)));
    EXPECT_EQ(times, seconds(-2));
}
TEST(sum, wraps_at_the_ends_of_int64) {
    auto const most = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(get<"sum">(of_all(std::vector<std::int64_t>{most, 1}, sum(itself))),
              std::numeric_limits<std::int64_t>::min());
}
TEST(min_and_max, of_signed_unsigned_and_floating_point) {
    EXPECT_EQ(get<"min">(of_all(std::vector<int>{3, -7, 5}, min(itself))), -7);
    EXPECT_EQ(get<"max">(of_all(std::vector<int>{-3, -7, -5}, max(itself))), -3);
    EXPECT_EQ(get<"min">(of_all(std::vector<unsigned>{3, 7, 5}, min(itself))), 3U);
    EXPECT_EQ(get<"max">(of_all(std::vector<unsigned>{0, 0}, max(itself))), 0U);
    EXPECT_EQ(get<"max">(of_all(std::vector<double>{-3.5, -7, -5}, max(itself))), -3.5);
    EXPECT_EQ(get<"min">(of_all(std::vector<double>{INFINITY, 7}, min(itself))), 7.0);
    EXPECT_EQ(get<"min">(of_all(std::vector<int>{std::numeric_limits<int>::max()}, min(itself))),
              std::numeric_limits<int>::max());
    static_assert(
        std::is_same_v<decltype(get<"max">(of_all(std::vector<short>{}, max(itself)))), short&>
        || std::is_same_v<
            std::remove_cvref_t<decltype(get<"max">(of_all(std::vector<short>{}, max(itself))))>,
            short>);
}
TEST(min_and_max, of_whatever_has_an_order) {
    EXPECT_EQ(get<"max">(of_all(std::vector<std::string>{"b", "c", "a"}, max(itself))), "c");
    EXPECT_EQ(get<"min">(of_all(std::vector<text<4>>{"b", "ab"}, min(itself))), "ab");
    EXPECT_EQ(
        get<"max">(of_all(std::vector<time_point>{time_point{3}, time_point{9}}, max(itself))),
        time_point{9});
    EXPECT_EQ(get<"max">(of_all(std::vector<bool>{false, true}, max([](bool b) { return b; }))),
              true);
}
TEST(mean, is_of_an_exact_sum) {
    auto const m = get<"mean">(of_all(
        std::vector<std::int64_t>{1'000'000'000'000'001, 1'000'000'000'000'003}, mean(itself)));
    EXPECT_EQ(m, 1'000'000'000'000'002.0);
    EXPECT_EQ(get<"mean">(of_all(std::vector<int>{-1, -2}, mean(itself))), -1.5);
    EXPECT_EQ(get<"mean">(of_all(std::vector<unsigned char>{255, 254}, mean(itself))), 254.5);
}

using maybe = std::optional<int>;
TEST(optionals, are_skipped_where_empty) {
    std::vector<maybe> const in{5, std::nullopt, -1, std::nullopt};
    EXPECT_EQ(get<"sum">(of_all(in, sum(itself))), std::optional<std::int64_t>(4));
    EXPECT_EQ(get<"min">(of_all(in, min(itself))), maybe(-1));
    EXPECT_EQ(get<"max">(of_all(in, max(itself))), maybe(5));
    EXPECT_EQ(get<"mean">(of_all(in, mean(itself))), std::optional<double>(2.0));
    EXPECT_EQ(get<"count">(of_all(in, count())), 4);
}
TEST(optionals, give_an_empty_one_where_all_are) {
    std::vector<maybe> const in{std::nullopt, std::nullopt};
    EXPECT_EQ(get<"sum">(of_all(in, sum(itself))), std::nullopt);
    EXPECT_EQ(get<"min">(of_all(in, min(itself))), std::nullopt);
    EXPECT_EQ(get<"max">(of_all(in, max(itself))), std::nullopt);
    EXPECT_EQ(get<"mean">(of_all(in, mean(itself))), std::nullopt);
    std::vector<std::optional<std::string>> const words{std::nullopt, "b", "a"};
    EXPECT_EQ(get<"max">(of_all(words, max(itself))), std::optional<std::string>("b"));
}
TEST(fold, begins_with_its_initial_value_per_key) {
    std::vector<int> const in{1, 2, 3, 4};
    std::vector<long> out;
    run_by_hand(from(in) | key_by([](int n) { return n % 2; })
                | fold<"product">(100L, [](long a, int n) { return a * n; })
                | to([&](auto const& r) { out.push_back(get<"product">(r)); }));
    EXPECT_EQ(out, (std::vector<long>{100, 200, 300, 800}));
}
TEST(count, may_be_written_bare_at_the_head_of_a_part) {
    std::vector<int> const in{1, 2, 3};
    std::int64_t n = 0;
    auto const counted = count<"n">() | to([&](auto const& r) { n = get<"n">(r); });
    run_by_hand(from(in) | key_by([](int) { return 0; }) | tee(counted));
    EXPECT_EQ(n, 3);
    n = 0;
    run_by_hand(from(in) | window_all(global{}) | counted);
    EXPECT_EQ(n, 3);
}
}  // namespace
