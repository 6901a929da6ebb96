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
    [[nodiscard]] int twice() const { return 2 * delay; }
};
MILLRACE_RECORD(flight, delay);

static_assert(std::is_same_v<stream_of<decltype(from(std::declval<std::vector<int>&>())
                                                | map([](int n) { return n * 0.5; }))>::record,
                             double>);

TEST(map, makes_one_record_of_each_in_their_order) {
    std::vector<int> const in{1, 2, 3, 4, 5, 6, 7};
    for (std::size_t const batch : {1U, 3U, 7U, 100U}) {
        std::vector<std::string> out;
        auto const o =
            run_by_hand(from(in) | map([](int n) { return std::to_string(n); }) | to(out), batch);
        EXPECT_EQ(out, (std::vector<std::string>{"1", "2", "3", "4", "5", "6", "7"}));
        EXPECT_EQ(o.of("map").in, 7U);
        EXPECT_EQ(o.of("map").out, 7U);
    }
}
TEST(map, of_an_empty_input_makes_nothing) {
    std::vector<int> const in;
    std::vector<int> out;
    auto const o = run_by_hand(from(in) | map([](int n) { return n; }) | to(out));
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(o.of("map").in, 0U);
}
TEST(map, takes_fields_member_pointers_and_member_functions) {
    std::vector<flight> const in{{3}, {4}};
    std::vector<int> a;
    std::vector<int> b;
    std::vector<int> c;
    std::vector<int> d;
    run_by_hand(from(in)
                | tee(map(field<&flight::delay>) | to(a), map(field<"delay">) | to(b),
                      map(&flight::delay) | to(c), map(&flight::twice) | to(d)));
    EXPECT_EQ(a, (std::vector<int>{3, 4}));
    EXPECT_EQ(b, a);
    EXPECT_EQ(c, a);
    EXPECT_EQ(d, (std::vector<int>{6, 8}));
}
TEST(map, takes_the_record_by_value_to_change_it) {
    std::vector<flight> const in{{3}, {4}};
    std::vector<flight> out;
    run_by_hand(from(in) | map([](flight f) { return ++f.delay, f; }) | to(out));
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(out[0].delay, 4);
    EXPECT_EQ(in[0].delay, 3);
}
TEST(map, hands_on_move_only_records) {
    std::vector<std::unique_ptr<int>> in;
    for (int i = 0; i < 5; ++i) in.push_back(std::make_unique<int>(i));
    std::vector<std::unique_ptr<int>> out;
    run_by_hand(from(std::move(in)) | map([](std::unique_ptr<int> p) {
                    ++*p;
                    return p;
                }) | filter([](std::unique_ptr<int> const& p) { return *p != 2; })
                    | inspect([](std::unique_ptr<int> const&) {}) | to(out),
                2);
    ASSERT_EQ(out.size(), 4U);
    EXPECT_EQ(*out[0], 1);
    EXPECT_EQ(*out[1], 3);
    EXPECT_EQ(*out[3], 5);
}
TEST(map, keeps_the_state_of_its_function_object) {
    std::vector<int> const in{10, 20, 30};
    std::vector<int> out;
    run_by_hand(from(in) | map([n = 0](int v) mutable { return v + ++n; }) | to(out));
    EXPECT_EQ(out, (std::vector<int>{11, 22, 33}));
}
TEST(map, destroys_each_record_once) {
    auto const shared = std::make_shared<int>(7);
    std::vector<int> const in{1, 2, 3};
    long seen = 0;
    run_by_hand(from(in) | map([&](int n) {
                    if (n == 2) throw std::runtime_error("two");
                    return shared;
                })
                | on_error(drop)
                | to([&](std::shared_ptr<int> const& p) { seen += p.use_count(); }));
    EXPECT_EQ(seen, 4);  // twice: ours and the record
    EXPECT_EQ(shared.use_count(), 1);
}
}  // namespace
