// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

struct sale {
    int shop = 0;
    int amount = 0;
    friend bool operator==(sale const&, sale const&) = default;
};
MILLRACE_RECORD(sale, shop, amount);

sale add(sale const& so_far, sale const& next) {
    if (next.amount < 0) throw std::runtime_error("a negative amount");
    return {so_far.shop, so_far.amount + next.amount};
}

TEST(reduce, rolls_per_key) {
    std::vector<sale> const in{{1, 10}, {2, 5}, {1, 1}, {1, 2}, {2, 5}};
    std::vector<sale> out;
    for (std::size_t const batch : {1U, 2U, 100U}) {
        out.clear();
        auto const o = run_by_hand(
            from(in) | key_by(field<&sale::shop>) | reduce<"total">(add) | to(out), batch);
        EXPECT_EQ(out, (std::vector<sale>{{1, 10}, {2, 5}, {1, 11}, {1, 13}, {2, 10}}));
        EXPECT_EQ(o.of("total").passed, 5U);
    }
}
TEST(reduce, folds_all_records_of_a_global_window) {
    std::vector<sale> const in{{1, 10}, {2, 5}, {3, 1}};
    std::vector<sale> out;
    auto const o = run_by_hand(from(in) | window_all(global{}) | reduce(add) | to(out));
    EXPECT_EQ(out, (std::vector<sale>{{1, 16}}));
    EXPECT_EQ(o.of("window").passed, 3U);
    EXPECT_EQ(o.of("window").out, 1U);
}
TEST(reduce, folds_per_key_in_a_global_window) {
    std::vector<sale> const in{{1, 10}, {2, 5}, {1, 1}};
    std::vector<sale> out;
    run_by_hand(from(in) | key_by(field<"shop">) | window(global{}) | reduce(add) | to(out));
    EXPECT_EQ(out.size(), 2U);
    EXPECT_EQ(out[0].amount + out[1].amount, 16);
}
TEST(reduce, of_an_empty_input_gives_nothing) {
    std::vector<sale> const in;
    std::vector<sale> out;
    run_by_hand(from(in) | window_all(global{}) | reduce(add) | to(out));
    run_by_hand(from(in) | key_by(field<"shop">) | reduce(add) | to(out));
    EXPECT_TRUE(out.empty());
}
TEST(reduce, keeps_its_state_when_its_function_throws) {
    std::vector<sale> const in{{1, 10}, {1, -1}, {2, 3}, {1, 5}, {1, -1}};
    std::vector<sale> out;
    auto const o =
        run_by_hand(from(in) | key_by(field<"shop">) | reduce(add) | on_error(drop) | to(out));
    EXPECT_EQ(out, (std::vector<sale>{{1, 10}, {2, 3}, {1, 15}}));
    EXPECT_EQ(o.of("reduce").dropped, 2U);
    EXPECT_EQ(o.of("to").in, 3U);
}
TEST(reduce, keeps_its_state_when_the_assignment_of_strings_would_have_changed_it) {
    struct named {
        std::string name;
        int n = 0;
    };
    std::vector<named> const in{{"a", 1}, {"b", 2}, {"c", 3}};
    std::vector<std::string> out;
    run_by_hand(from(in) | key_by([](named const&) { return 0; })
                | reduce([](named const& a, named const& b) {
                      if (b.n == 2) throw std::runtime_error("two");
                      return named{a.name + b.name, b.n};
                  })
                | on_error(drop) | to([&](named const& n) { out.push_back(n.name); }));
    EXPECT_EQ(out, (std::vector<std::string>{"a", "ac"}));
}
}  // namespace
