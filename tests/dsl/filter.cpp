// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

struct flight {
    int delay = 0;
    bool cancelled = false;
};
MILLRACE_RECORD(flight, delay, cancelled);

TEST(filter, keeps_what_the_predicate_is_true_for_in_order_and_counts_the_rest) {
    std::vector<int> const in{5, 1, 4, 2, 3};
    std::vector<int> out;
    auto const o = run_by_hand(from(in) | filter<"big">([](int n) { return n > 2; }) | to(out));
    EXPECT_EQ(out, (std::vector<int>{5, 4, 3}));
    EXPECT_EQ(o.of("big").in, 5U);
    EXPECT_EQ(o.of("big").filtered, 2U);
    EXPECT_EQ(o.of("big").passed, 3U);
    EXPECT_EQ(o.of("big").out, 3U);
    EXPECT_EQ(o.of("to").in, 3U);
}
TEST(filter, passes_all_or_nothing) {
    std::vector<int> const in{1, 2, 3};
    std::vector<int> out;
    auto const o = run_by_hand(from(in) | filter<"all">([](int) { return true; })
                               | filter<"none">([](int) { return false; }) | to(out));
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(o.of("all").filtered, 0U);
    EXPECT_EQ(o.of("none").filtered, 3U);
}
TEST(filter, takes_fields_and_whatever_converts_to_bool) {
    std::vector<flight> const in{{1, true}, {0, false}, {3, true}};
    int by_field = 0;
    int by_name = 0;
    int by_number = 0;
    run_by_hand(from(in)
                | tee(filter(field<&flight::cancelled>) | to([&](flight const&) { ++by_field; }),
                      filter(field<"cancelled">) | to([&](flight const&) { ++by_name; }),
                      filter(&flight::delay) | to([&](flight const&) { ++by_number; })));
    EXPECT_EQ(by_field, 2);
    EXPECT_EQ(by_name, 2);
    EXPECT_EQ(by_number, 2);
}
TEST(filter, keeps_move_only_records_whole) {
    std::vector<std::unique_ptr<std::string>> in;
    for (char const* s : {"a", "b", "c"}) in.push_back(std::make_unique<std::string>(s));
    std::string out;
    run_by_hand(from(std::move(in))
                | filter([](std::unique_ptr<std::string> const& s) { return *s != "b"; })
                | to([&](std::unique_ptr<std::string> s) { out += *s; }));
    EXPECT_EQ(out, "ac");
}
TEST(filter, keeps_the_key) {
    std::vector<int> const in{1, 2, 3, 4, 5, 6};
    std::vector<std::int64_t> out;
    run_by_hand(from(in) | key_by([](int n) { return n % 2; })
                | filter([](int n) { return n != 3; }) | count<"n">()
                | map([](auto const& r) { return get<"n">(r); }) | to(out));
    EXPECT_EQ(out, (std::vector<std::int64_t>{1, 1, 2, 2, 3}));
}
}  // namespace
