// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

TEST(merge, of_pipelines_takes_a_batch_of_each_in_turn_in_the_order_of_writing) {
    std::vector<int> const a{1, 2, 3, 4, 5};
    std::vector<int> const b{10, 20};
    std::vector<int> const c{100, 200, 300};
    std::vector<int> out;
    auto const o = run_by_hand(merge(from(a), from(b), from(c)) | to(out), 2);
    EXPECT_EQ(out, (std::vector<int>{1, 2, 10, 20, 100, 200, 3, 4, 300, 5}));
    EXPECT_EQ(o.of("merge").in, 10U);
    EXPECT_EQ(o.of("from", 1).out, 2U);
    EXPECT_EQ(o.of("to").in, 10U);
}
TEST(merge, of_pipelines_keeps_the_order_of_each_for_any_batch) {
    std::vector<int> a;
    for (int i = 1; i < 50; ++i) a.push_back(i);
    for (std::size_t const batch : {1U, 3U, 7U, 1000U}) {
        std::vector<int> out;
        run_by_hand(merge(from(a) | filter([](int n) { return n % 3 != 0; }),
                          from(a) | map([](int n) { return -n; }))
                        | to(out),
                    batch);
        std::vector<int> positive;
        std::vector<int> negative;
        for (int const n : out) (n > 0 ? positive : negative).push_back(n);
        EXPECT_EQ(positive.size(), 33U);
        EXPECT_EQ(negative.size(), 49U);
        for (std::size_t i = 1; i < positive.size(); ++i) EXPECT_LT(positive[i - 1], positive[i]);
        for (std::size_t i = 1; i < negative.size(); ++i) EXPECT_GT(negative[i - 1], negative[i]);
    }
}
TEST(merge, of_one_pipeline_is_that_pipeline) {
    std::vector<int> const a{1, 2};
    std::vector<int> out;
    run_by_hand(merge(from(a)) | to(out));
    EXPECT_EQ(out, a);
}
TEST(merge, of_merges_counts_its_sources_in_the_order_of_writing) {
    std::vector<int> const a{1};
    std::vector<int> const b{2};
    std::vector<int> const c{3};
    std::vector<int> out;
    auto const both = merge(from(a), from(b)) | map([](int n) { return 10 * n; });
    static_assert(stream_of<decltype(merge(both, from(c)))>::traits.inputs == 3);
    run_by_hand(merge(both, from(c)) | to(out));
    EXPECT_EQ(out, (std::vector<int>{10, 20, 3}));
}
TEST(merge, of_the_same_pipeline_twice_reads_it_twice) {
    std::vector<int> const a{1, 2};
    auto const p = from(a);
    std::vector<int> out;
    auto const o = run_by_hand(merge(p, p) | to(out), 1);
    EXPECT_EQ(out, (std::vector<int>{1, 1, 2, 2}));
    EXPECT_EQ(o.of("from", 0).out + o.of("from", 1).out, 4U);
}
TEST(merge, of_parts_forks_and_joins_record_by_record_and_reads_its_source_once) {
    std::vector<int> const in{1, 2, 3};
    for (std::size_t const batch : {1U, 2U, 100U}) {
        int read = 0;
        std::vector<int> out;
        auto const o = run_by_hand(
            from(in) | inspect([&](int) { ++read; })
                | merge(filter<"odd">([](int n) { return n % 2 == 1; }),
                        map<"minus">([](int n) { return -n; }),
                        flat_map<2>([](int n, emitter<int>& emit) { emit(10 * n), emit(100 * n); }))
                | to(out),
            batch);
        EXPECT_EQ(out, (std::vector<int>{1, -1, 10, 100, -2, 20, 200, 3, -3, 30, 300}));
        EXPECT_EQ(read, 3);
        EXPECT_EQ(o.of("from").out, 3U);
        EXPECT_EQ(o.of("odd").in, 3U);
        EXPECT_EQ(o.of("minus").in, 3U);
        EXPECT_EQ(o.of("merge", 1).in, 11U);  // the join
        EXPECT_EQ(o.of("to").in, 11U);
    }
}
TEST(merge, of_parts_can_be_nested_and_repeated) {
    std::vector<int> const in{1, 2};
    std::vector<int> out;
    auto const same = map([](int n) { return n; });
    run_by_hand(from(in) | merge(merge(same, same), same)
                | merge(same, map([](int n) { return -n; })) | to(out));
    EXPECT_EQ(out, (std::vector<int>{1, -1, 1, -1, 1, -1, 2, -2, 2, -2, 2, -2}));
}
TEST(merge, joins_the_halves_of_a_stream) {
    std::vector<int> const in{1, 2, 3, 4};
    std::vector<int> out;
    run_by_hand(
        from(in)
        | merge(filter([](int n) { return n % 2 == 0; }) | map([](int n) { return n / 2; }),
                filter([](int n) { return n % 2 == 1; }) | map([](int n) { return 3 * n + 1; }))
        | to(out));
    EXPECT_EQ(out, (std::vector<int>{4, 1, 10, 2}));
}
TEST(merge, accounts_for_each_part_when_one_ends_the_run) {
    std::vector<int> const in{1, 2, 3};
    auto const o = run_by_hand(from(in)
                               | merge(map<"a">([](int n) { return n; }), map<"b">([](int n) {
                                           if (n == 2) throw std::runtime_error("two");
                                           return n;
                                       }),
                                       map<"c">([](int n) { return n; }))
                               | discard());
    EXPECT_EQ(o.code, 65);
    EXPECT_EQ(o.of("from").out, 2U);
    EXPECT_EQ(o.of("a").in, 2U);
    EXPECT_EQ(o.of("b").in, 2U);
    EXPECT_EQ(o.of("b").dead, 1U);
    EXPECT_EQ(o.of("c").in, 1U);
    EXPECT_EQ(o.of("discard").in, 4U);
}
}  // namespace
