// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Words that std has too, called with 1 to 6 operands of types from std, with everything included
// that could take the call for itself (LANGUAGE, 15).

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

using record = std::pair<std::string, int>;
std::vector<record> const records{{"a", 1}, {"b", 2}, {"a", 3}};
auto const number = [](record const& r) { return r.second; };
auto const letter =
    std::function<std::string(record const&)>([](record const& r) { return r.first; });
auto const positive =
    std::function<bool(record const&)>([](record const& r) { return r.second > 0; });
auto const same = std::identity{};

template <std::size_t N>
std::uint64_t rows_of(auto pipeline) {
    return run_by_hand(std::move(pipeline) | discard<"end">(), N).of("end").in;
}

TEST(words, merge_takes_one_to_six_pipelines) {
    auto const p = from(records);
    EXPECT_EQ(rows_of<2>(merge(p)), 3U);
    EXPECT_EQ(rows_of<2>(merge(p, p)), 6U);
    EXPECT_EQ(rows_of<2>(merge(p, p, p)), 9U);
    EXPECT_EQ(rows_of<2>(merge(p, p, p, p)), 12U);
    EXPECT_EQ(rows_of<2>(merge(p, p, p, p, p)), 15U);
    EXPECT_EQ(rows_of<2>(merge(p, p, p, p, p, p)), 18U);
}
TEST(words, merge_takes_one_to_six_parts) {
    auto const p = from(records);
    auto const f = filter(positive);
    EXPECT_EQ(rows_of<2>(p | merge(f)), 3U);
    EXPECT_EQ(rows_of<2>(p | merge(f, f)), 6U);
    EXPECT_EQ(rows_of<2>(p | merge(f, f, f)), 9U);
    EXPECT_EQ(rows_of<2>(p | merge(f, f, f, f)), 12U);
    EXPECT_EQ(rows_of<2>(p | merge(f, f, f, f, f)), 15U);
    EXPECT_EQ(rows_of<2>(p | merge(f, f, f, f, f, f)), 18U);
}
TEST(words, tee_and_split_take_one_to_six_parts) {
    auto const p = from(records);
    std::vector<record> v;
    std::list<record> l;
    std::deque<record> d;
    auto const f = std::function<void(record const&)>([](record const&) {});
    auto const s = discard();
    EXPECT_EQ(rows_of<2>(p | tee(v)), 3U);
    EXPECT_EQ(rows_of<2>(p | tee(v, l)), 3U);
    EXPECT_EQ(rows_of<2>(p | tee(v, l, d)), 3U);
    EXPECT_EQ(rows_of<2>(p | tee(v, l, d, f)), 3U);
    EXPECT_EQ(rows_of<2>(p | tee(v, l, d, f, s)), 3U);
    EXPECT_EQ(rows_of<2>(p | tee(v, l, d, f, s, s)), 3U);
    EXPECT_EQ(v.size() + l.size() + d.size(), 18U + 15U + 12U);
    auto const w = when(std::not_fn(positive), v);
    EXPECT_EQ(rows_of<2>(p | split(w)), 3U);
    EXPECT_EQ(rows_of<2>(p | split(w, w)), 3U);
    EXPECT_EQ(rows_of<2>(p | split(w, w, w)), 3U);
    EXPECT_EQ(rows_of<2>(p | split(w, w, w, w)), 3U);
    EXPECT_EQ(rows_of<2>(p | split(w, w, w, w, w)), 3U);
    EXPECT_EQ(rows_of<2>(p | split(w, w, w, w, w, otherwise(l))), 0U);
}
TEST(words, aggregate_takes_one_to_six_columns_and_key_by_one_to_six_keys) {
    auto const p = from(records);
    auto const all = window_all(global{});
    EXPECT_EQ(rows_of<2>(p | all | aggregate(count())), 1U);
    EXPECT_EQ(rows_of<2>(p | all | aggregate(count(), sum(number))), 1U);
    EXPECT_EQ(rows_of<2>(p | all | aggregate(count(), sum(number), min(number))), 1U);
    EXPECT_EQ(rows_of<2>(p | all | aggregate(count(), sum(number), min(letter), max(letter))), 1U);
    EXPECT_EQ(rows_of<2>(p | all
                         | aggregate(count(), sum(number), min(number), max(number), mean(number))),
              1U);
    EXPECT_EQ(
        rows_of<2>(p | all
                   | aggregate(count(), sum(number), min(number), max(number), mean(number),
                               fold(std::string(), [](std::string const& s,
                                                      record const& r) { return s + r.first; }))),
        1U);
    auto const k = count();
    EXPECT_EQ(rows_of<2>(p | key_by(letter) | k), 3U);
    EXPECT_EQ(rows_of<2>(p | key_by(letter, number) | k), 3U);
    EXPECT_EQ(rows_of<2>(p | key_by(letter, number, letter) | k), 3U);
    EXPECT_EQ(rows_of<2>(p | key_by(letter, number, letter, number) | k), 3U);
    EXPECT_EQ(rows_of<2>(p | key_by(letter, number, letter, number, letter) | k), 3U);
    EXPECT_EQ(rows_of<2>(p | key_by(letter, number, letter, number, letter, same) | k), 3U);
}
TEST(words, of_one_operand_work_bare_and_named) {
    auto const p = from(records);
    EXPECT_EQ(rows_of<2>(p | key_by(letter) | count()), 3U);
    EXPECT_EQ(rows_of<2>(p | key_by(letter) | sum(number)), 3U);
    EXPECT_EQ(rows_of<2>(p | key_by(letter) | min(number)), 3U);
    EXPECT_EQ(rows_of<2>(p | key_by(letter) | max<"most">(number)), 3U);
    EXPECT_EQ(rows_of<2>(p | key_by(letter) | mean(number)), 3U);
    EXPECT_EQ(
        rows_of<2>(p | key_by(letter) | reduce([](record const&, record const& b) { return b; })),
        3U);
    EXPECT_EQ(rows_of<2>(p | map(same) | filter(positive) | inspect(letter)
                         | flat_map<2>([](record const& r) { return std::vector<record>{r, r}; })),
              6U);
    EXPECT_EQ(rows_of<2>(p | map(&record::second) | filter(same)), 3U);
    EXPECT_EQ(rows_of<2>(generate([n = 0]() mutable {
                  return n++ < 3 ? std::optional<std::string>("x") : std::nullopt;
              })),
              3U);
    EXPECT_EQ(rows_of<2>(from(std::array<std::tuple<int>, 2>{})), 2U);
    EXPECT_EQ(rows_of<2>(from(std::map<std::string, int>{{"a", 1}})), 1U);
    EXPECT_EQ(rows_of<2>(from(std::vector<std::filesystem::path>{"a"}) | tee(discard())), 1U);
}
TEST(words, of_errors_and_time_take_types_of_std) {
    auto const p = from(records);
    std::vector<record> late;
    auto const when_it_was = [](record const& r) { return time_point{r.second}; };
    auto const o = run_by_hand(p | on_error(drop) | event_time(when_it_was) | key_by(letter)
                               | window(tumbling{duration{10}}) | aggregate(count())
                               | allowed_lateness(duration{1}) | late_to(late)
                               | on_error(std::function<void(dead_letter<record> const&)>(
                                   [](dead_letter<record> const&) {}))
                               | discard());
    EXPECT_EQ(o.of("discard").in, 2U);
    EXPECT_TRUE(late.empty());
}
}  // namespace
