// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

auto times_itself() {
    return [](int n, emitter<int>& emit) {
        for (int i = 0; i < n; ++i) emit(10 * n + i);
    };
}

TEST(flat_map, emits_from_none_to_its_bound_in_order) {
    std::vector<int> const in{2, 0, 3, 1};
    for (std::size_t const batch : {1U, 2U, 100U}) {
        std::vector<int> out;
        auto const o = run_by_hand(from(in) | flat_map<3>(times_itself()) | to(out), batch);
        EXPECT_EQ(out, (std::vector<int>{20, 21, 30, 31, 32, 10}));
        EXPECT_EQ(o.of("flat_map").in, 4U);
        EXPECT_EQ(o.of("flat_map").passed, 4U);
        EXPECT_EQ(o.of("flat_map").out, 6U);
        EXPECT_EQ(o.of("to").in, 6U);
    }
}
TEST(flat_map, takes_a_range) {
    std::vector<int> const in{1, 2};
    std::vector<int> out;
    run_by_hand(from(in) | flat_map<4>([](int n) {
                    return std::vector<int>(static_cast<std::size_t>(n), n);
                })
                | flat_map<2, "pairs">([](int n) { return std::array<int, 2>{n, -n}; }) | to(out));
    EXPECT_EQ(out, (std::vector<int>{1, -1, 2, -2, 2, -2}));
}
TEST(flat_map, takes_a_reference_to_a_range_and_leaves_it_alone) {
    std::vector<std::vector<std::string>> const in{{"a", "b"}, {}, {"c"}};
    std::vector<std::string> out;
    run_by_hand(from(in)
                | flat_map<2>([](std::vector<std::string> const& v) -> auto const& { return v; })
                | to(out));
    EXPECT_EQ(out, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(in[0][1], "b");
}
TEST(flat_map, does_not_move_out_of_a_view) {
    std::vector<std::string> words{"a long enough string to live on the heap", "b"};
    std::vector<int> const in{1, 2};
    std::vector<std::string> out;
    run_by_hand(from(in) | flat_map<2>([&](int) { return std::span<std::string>(words); })
                | to(out));
    EXPECT_EQ(out.size(), 4U);
    EXPECT_EQ(out[2], words[0]);
    EXPECT_EQ(words[0], "a long enough string to live on the heap");
}
TEST(flat_map, emits_move_only_records_from_a_range_and_by_an_emitter) {
    std::vector<int> const in{1, 2};
    int sum = 0;
    run_by_hand(
        from(in) | flat_map<2>([](int n) {
            std::vector<std::unique_ptr<int>> v;
            for (int i = 0; i < n; ++i) v.push_back(std::make_unique<int>(n));
            return v;
        })
        | flat_map<1>([](std::unique_ptr<int> const& p, emitter<std::unique_ptr<int>>& emit) {
              emit(std::make_unique<int>(*p * 10));
          })
        | to([&](std::unique_ptr<int> p) { sum += *p; }));
    EXPECT_EQ(sum, 50);
}
TEST(flat_map, builds_records_in_place_and_takes_a_generic_emitter_with_a_type) {
    std::vector<int> const in{3};
    std::vector<std::string> out;
    run_by_hand(from(in) | flat_map<2, "words", std::string>([](int n, auto& emit) {
                    emit(static_cast<std::size_t>(n), 'x');
                    emit("y");
                })
                | to(out));
    EXPECT_EQ(out, (std::vector<std::string>{"xxx", "y"}));
}
TEST(flat_map, refuses_a_record_whole_when_it_exceeds_the_bound) {
    std::vector<int> const in{2, 3, 4, 1};
    std::vector<int> out;
    std::vector<std::string> reasons;
    auto const o =
        run_by_hand(from(in) | flat_map<3, "burst">(times_itself())
                    | on_error(to([&](dead_letter<int> const& d) {
                          reasons.push_back(std::to_string(d.input()) + " " + std::string(d.stage)
                                            + ": " + std::string(d.reason));
                      }))
                    | to(out));
    EXPECT_EQ(out, (std::vector<int>{20, 21, 30, 31, 32, 10}));
    EXPECT_EQ(reasons,
              (std::vector<std::string>{"4 burst: flat_map emitted more records than its bound"}));
    EXPECT_EQ(o.of("burst").dead, 1U);
    EXPECT_EQ(o.of("burst").out, 6U);
}
TEST(flat_map, refuses_a_range_beyond_the_bound_by_any_policy) {
    std::vector<int> const in{1, 2, 1};
    auto const twice = [](int n) { return std::vector<int>(static_cast<std::size_t>(n), n); };
    std::vector<int> out;
    auto const dropped = run_by_hand(from(in) | flat_map<1>(twice) | on_error(drop) | to(out));
    EXPECT_EQ(out, (std::vector<int>{1, 1}));
    EXPECT_EQ(dropped.of("flat_map").dropped, 1U);
    auto const stopped = run_by_hand(from(in) | flat_map<1>(twice) | discard());
    EXPECT_EQ(stopped.code, 65);
    EXPECT_NE(stopped.stopped.find("more records than its bound"), std::string::npos);
    EXPECT_EQ(stopped.of("flat_map").dead, 1U);
    EXPECT_EQ(stopped.of("discard").in, 1U);
}
TEST(flat_map, destroys_what_it_had_made_when_its_function_throws) {
    auto const shared = std::make_shared<int>(1);
    std::vector<int> const in{1, 2, 3};
    int got = 0;
    run_by_hand(from(in) | flat_map<4>([&](int n, emitter<std::shared_ptr<int>>& emit) {
                    emit(shared);
                    emit(shared);
                    if (n == 2) throw std::runtime_error("half-way");
                })
                | on_error(drop) | to([&](std::shared_ptr<int> const&) { ++got; }));
    EXPECT_EQ(got, 4);
    EXPECT_EQ(shared.use_count(), 1);
}
TEST(flat_map, can_be_chained) {
    std::vector<int> const in{1, 2};
    auto const twice = [](int n, emitter<int>& emit) { emit(n), emit(n); };
    auto const o = run_by_hand(from(in) | flat_map<2>(twice) | flat_map<2>(twice)
                               | flat_map<2>(twice) | discard());
    EXPECT_EQ(o.of("discard").in, 16U);
}
}  // namespace
