// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
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

struct at_least {
    int limit;
    bool operator()(int n) const { return n >= limit; }
};
// A pipeline without lambdas has a type that can be written down.
using filtered = decltype(from(numbers) | filter<"large">(std::declval<at_least>()));
struct job {
    filtered records;
};
static_assert(is_pipeline<filtered> && !is_part<filtered>);
static_assert(is_part<decltype(filter(at_least{1}) | discard())>);
static_assert(std::is_same_v<stream_of<filtered const&>::record, int>);

auto make(int limit) { return from(numbers) | filter<"large">(at_least{limit}); }
template <class P>
auto doubled(P pipeline) {
    return std::move(pipeline) | map([](int n) { return 2 * n; });
}

TEST(pipeline, is_a_value_that_is_stored_returned_passed_on_and_extended) {
    job const stored{make(4)};
    std::vector<int> out;
    auto const o = run_by_hand(doubled(stored.records) | to(out));
    EXPECT_EQ(out, (std::vector<int>{8, 10, 12}));
    EXPECT_EQ(o.of("large").filtered, 3U);
    out.clear();
    run_by_hand(doubled(doubled(make(6))) | to(out));
    EXPECT_EQ(out, (std::vector<int>{24}));
}
TEST(pipeline, runs_again_as_a_copy) {
    std::vector<int> out;
    auto const p = make(5) | to(out);
    run_by_hand(p);
    run_by_hand(p);
    EXPECT_EQ(out, (std::vector<int>{5, 6, 5, 6}));
}
TEST(pipeline, prints_short_its_type_names_each_stage_once) {
    static_assert(
        std::is_same_v<filtered, pipeline<from_stage<std::vector<int> const&>,
                                          filter_stage<fixed_string<6>{"large"}, at_least>>>);
}
TEST(pipeline, gives_the_same_for_any_batch) {
    std::vector<int> in;
    for (int i = 0; i < 1000; ++i) in.push_back((i * 7919) % 1000);
    std::vector<std::string> first;
    for (std::size_t const batch : {1U, 2U, 3U, 64U, 999U, 1000U, 1001U, 65'536U}) {
        std::vector<std::string> out;
        run_by_hand(from(in) | filter([](int n) { return n % 3 != 0; })
                        | flat_map<3>([](int n, emitter<int>& emit) {
                              for (int i = 0; i < n % 4; ++i) emit(n + i);
                          })
                        | key_by<"digit">([](int n) { return n % 10; })
                        | aggregate(count<"n">(), sum<"s">([](int n) { return n; }))
                        | to([&](auto const& r) {
                              out.push_back(std::to_string(get<"digit">(r)) + " "
                                            + std::to_string(get<"n">(r)) + " "
                                            + std::to_string(get<"s">(r)));
                          }),
                    batch);
        if (first.empty()) first = out;
        EXPECT_EQ(out, first);
        EXPECT_FALSE(out.empty());
    }
}
TEST(pipeline, of_a_range_by_value_owns_it) {
    auto const p = from(std::vector<int>{1, 2, 3});
    std::vector<int> out;
    run_by_hand(p | to(out));
    run_by_hand(p | to(out));
    EXPECT_EQ(out, (std::vector<int>{1, 2, 3, 1, 2, 3}));
}
}  // namespace
