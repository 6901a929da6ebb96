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
std::vector<int> const numbers{1, 2, 3, 4, 5};

TEST(tee, sends_every_record_into_each_part_and_on) {
    for (std::size_t const batch : {1U, 2U, 100U}) {
        std::vector<int> a;
        std::vector<int> b;
        std::vector<int> c;
        auto const o = run_by_hand(
            from(numbers) | tee(filter<"odd">([](int n) { return n % 2 == 1; }) | to(a), to(b))
                | map([](int n) { return 10 * n; }) | to(c),
            batch);
        EXPECT_EQ(a, (std::vector<int>{1, 3, 5}));
        EXPECT_EQ(b, numbers);
        EXPECT_EQ(c, (std::vector<int>{10, 20, 30, 40, 50}));
        EXPECT_EQ(o.of("from").out, 5U);  // the source is read once
        EXPECT_EQ(o.of("odd").in, 5U);
        EXPECT_EQ(o.of("to", 1).in, 5U);
        EXPECT_EQ(o.of("map").in, 5U);
    }
}
TEST(tee, runs_its_parts_in_the_order_of_writing_record_by_record) {
    std::vector<int> order;
    run_by_hand(
        from(std::vector<int>{1, 2})
        | tee(to([&](int n) { order.push_back(n); }), to([&](int n) { order.push_back(10 * n); }))
        | to([&](int n) { order.push_back(100 * n); }));
    EXPECT_EQ(order, (std::vector<int>{1, 10, 100, 2, 20, 200}));
}
TEST(tee, may_end_a_pipeline) {
    std::vector<int> a;
    std::vector<int> b;
    run_by_hand(from(numbers) | tee(to(a), to(b)));
    EXPECT_EQ(a, numbers);
    EXPECT_EQ(b, numbers);
}
TEST(tee, takes_containers_callables_and_parts_as_sinks) {
    std::vector<int> a;
    int sum = 0;
    auto const part = map([](int n) { return -n; }) | to([&](int n) { sum += n; });
    run_by_hand(from(numbers) | tee(a, [&](int n) { sum += 2 * n; }, part, discard()));
    EXPECT_EQ(a, numbers);
    EXPECT_EQ(sum, 15);
}
TEST(tee, shows_no_part_what_another_one_does_to_its_record) {
    std::vector<std::string> const words{"a", "b"};
    std::vector<std::string> a;
    std::vector<std::string> b;
    std::vector<std::string> c;
    auto const shout = [](std::string s) { return s += "!"; };
    run_by_hand(from(words) | tee(map(shout) | to(a), map(shout) | map(shout) | to(b)) | to(c));
    EXPECT_EQ(a, (std::vector<std::string>{"a!", "b!"}));
    EXPECT_EQ(b, (std::vector<std::string>{"a!!", "b!!"}));
    EXPECT_EQ(c, words);
}
TEST(tee, can_be_nested) {
    int sum = 0;
    auto const add = [&](int n) { sum += n; };
    auto const o =
        run_by_hand(from(numbers) | tee(tee(to(add), to(add)) | to(add), tee(to(add))) | discard());
    EXPECT_EQ(sum, 60);
    EXPECT_EQ(o.of("discard").in, 5U);
}
TEST(tee, accounts_for_each_branch_when_one_ends_the_run) {
    for (int const where : {0, 1, 2}) {
        auto const stop_in = [where](int branch) {
            return map([where, branch](int n) {
                if (n == 3 && branch == where) throw std::runtime_error("three");
                return n;
            });
        };
        auto const o = run_by_hand(from(numbers)
                                   | tee(stop_in(0) | discard<"a">(), stop_in(1) | discard<"b">())
                                   | stop_in(2) | discard<"c">());
        EXPECT_EQ(o.code, 65);
        EXPECT_EQ(o.of("from").out, 3U);
        EXPECT_EQ(o.of("tee").in, 3U);
        EXPECT_EQ(o.of("a").in, where == 0 ? 2U : 3U);
        EXPECT_EQ(o.of("b").in, where <= 1 ? 2U : 3U);
        EXPECT_EQ(o.of("c").in, 2U);
        EXPECT_EQ(o.of("map", static_cast<std::size_t>(where)).dead, 1U);
    }
}
}  // namespace
