// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

struct flight {
    text<3> origin;
    int delay = 0;
    time_point at;
};
MILLRACE_RECORD(flight, origin, delay, at);
std::vector<flight> const flights{
    {"EWR", 10, time_point{0}}, {"JFK", -4, time_point{5}}, {"EWR", 20, time_point{15}}};

template <class... Part>
using record_behind =
    typename stream_of<decltype((from(flights) | ... | std::declval<Part>()))>::record;

// Columns: the key's, the bounds of the pane, then the aggregates in the order of writing, by name.
using rolling =
    record_behind<decltype(key_by(field<&flight::origin>)),
                  decltype(aggregate(count<"flights">(), mean<"delay">(field<"delay">)))>;
static_assert(
    std::is_same_v<rolling, row<column<"origin", text<3>>, column<"flights", std::int64_t>,
                                column<"delay", double>>>);
using windowed = record_behind<
    decltype(event_time(field<&flight::at>)), decltype(key_by(field<&flight::origin>)),
    decltype(window(tumbling{duration{10}})), decltype(aggregate(max(field<"delay">)))>;
static_assert(
    std::is_same_v<windowed, row<column<"origin", text<3>>, column<"window_start", time_point>,
                                 column<"window_end", time_point>, column<"max", int>>>);
using overall = record_behind<decltype(window_all(global{})), decltype(count())>;
static_assert(std::is_same_v<overall, row<column<"count", std::int64_t>>>);
static_assert(described<windowed> && field_count<windowed> == 4);

TEST(aggregate, rolls_per_key_in_one_pass) {
    std::vector<rolling> out;
    run_by_hand(from(flights) | key_by(field<&flight::origin>)
                | aggregate(count<"flights">(), mean<"delay">(field<"delay">)) | to(out));
    ASSERT_EQ(out.size(), 3U);
    EXPECT_EQ(get<"origin">(out[1]), "JFK");
    EXPECT_EQ(get<"delay">(out[1]), -4.0);
    EXPECT_EQ(get<"flights">(out[2]), 2);
    EXPECT_EQ(get<"delay">(out[2]), 15.0);
}
TEST(aggregate, gives_a_row_per_key_and_pane_of_a_window) {
    std::vector<windowed> out;
    auto const o =
        run_by_hand(from(flights) | event_time(field<&flight::at>) | key_by(field<&flight::origin>)
                    | window(tumbling{duration{10}}) | aggregate(max(field<"delay">)) | to(out));
    ASSERT_EQ(out.size(), 3U);
    EXPECT_EQ(get<"window_end">(out[0]).ns, 10);
    EXPECT_EQ(get<"window_start">(out[2]).ns, 10);
    EXPECT_EQ(get<"max">(out[2]), 20);
    EXPECT_EQ(o.of("window").passed, 3U);
    EXPECT_EQ(o.of("window").out, 3U);
}
TEST(aggregate, over_all_records_gives_one_row_at_the_end) {
    int rows = 0;
    run_by_hand(
        from(flights) | window_all(global{})
        | aggregate(count<"n">(), sum<"total">(field<"delay">), min<"least">(field<"delay">))
        | to([&](auto const& r) {
              ++rows;
              EXPECT_EQ(get<"n">(r), 3);
              EXPECT_EQ(get<"total">(r), 26);
              EXPECT_EQ(get<"least">(r), -4);
          }));
    EXPECT_EQ(rows, 1);
}
TEST(aggregate, folds_into_an_accumulator_of_ones_own) {
    std::vector<std::string> out;
    run_by_hand(from(flights) | key_by(field<"origin">)
                | aggregate(count<"n">(), fold<"list">(std::string("delays"),
                                                       [](std::string const& s, flight const& f) {
                                                           return s + " " + std::to_string(f.delay);
                                                       }))
                | to([&](auto const& r) { out.push_back(get<"list">(r)); }));
    EXPECT_EQ(out, (std::vector<std::string>{"delays 10", "delays -4", "delays 10 20"}));
}
TEST(aggregate, keeps_all_its_columns_when_one_function_throws) {
    std::vector<int> const in{1, 2, 3, 4};
    std::vector<std::string> out;
    auto const o = run_by_hand(
        from(in) | key_by([](int) { return 0; })
        | aggregate(count<"n">(), sum<"sum">([](int n) { return n; }),
                    fold<"last">(0,
                                 [](int, int n) {
                                     if (n == 2) throw std::runtime_error("two");
                                     return n;
                                 }),
                    max<"max">([](int n) {
                        if (n == 3) throw std::runtime_error("three");
                        return n;
                    }))
        | on_error(drop) | to([&](auto const& r) {
              out.push_back(std::to_string(get<"n">(r)) + " " + std::to_string(get<"sum">(r)) + " "
                            + std::to_string(get<"last">(r)) + " " + std::to_string(get<"max">(r)));
          }));
    EXPECT_EQ(out, (std::vector<std::string>{"1 1 1 1", "2 5 4 4"}));
    EXPECT_EQ(o.of("aggregate").dropped, 2U);
}
TEST(aggregate, may_be_stored_and_used_twice) {
    auto const totals = aggregate(count<"n">(), sum<"s">(field<"delay">));
    int rows = 0;
    run_by_hand(from(flights) | key_by(field<"origin">) | totals
                | to([&](auto const&) { ++rows; }));
    run_by_hand(from(flights) | window_all(global{}) | totals | to([&](auto const&) { ++rows; }));
    EXPECT_EQ(rows, 4);
}
}  // namespace
