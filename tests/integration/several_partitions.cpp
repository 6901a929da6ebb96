// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What runs on one partition alone, behind what runs on several: windows over all records, forks,
// writers with headings, dead letters and late records in files.

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/io.hpp>
#include <millrace/scheduler/run.hpp>

#include "io/scratch.hpp"

namespace {
using namespace millrace;
using millrace_test::content_of;
using millrace_test::scratch;

struct event {
    std::int64_t t = 0;
    int key = 0;
};
MILLRACE_RECORD(event, t, key);
time_point time_of(event const& e) { return time_point{e.t}; }
std::vector<event> events(int n) {
    std::vector<event> out;
    for (int i = 0; i < n; ++i) out.push_back({i, i % 5});
    return out;
}
std::vector<std::string> lines(std::string const& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

class partitions : public testing::TestWithParam<unsigned> {};

TEST_P(partitions, meet_in_a_window_over_all_records) {
    std::vector<std::int64_t> counts;
    auto const r = run(from(events(1000)) | event_time(time_of) | key_by(field<&event::key>)
                           | map([](event e) { return e; }) | window_all(tumbling{duration{100}})
                           | count<"n">() | to([&](auto const& row) {
                                 counts.push_back(static_cast<std::int64_t>(get<"n">(row)));
                             }),
                       {.oversubscribed = GetParam(), .lane_slots = 8});
    EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
    EXPECT_EQ(counts, std::vector<std::int64_t>(10, 100));
}

TEST_P(partitions, each_have_the_predicates_of_a_split) {
    std::vector<int> small;
    std::vector<int> rest;
    std::vector<int> const wanted{1, 3};
    auto const r = run(
        from(events(500)) | key_by(field<&event::key>) | map([](event const& e) { return e.key; })
            | split(when(
                        [wanted](int k) {
                            return std::find(wanted.begin(), wanted.end(), k) != wanted.end();
                        },
                        to<"wanted">(small)),
                    otherwise(to<"rest">(rest))),
        {.oversubscribed = GetParam(), .lane_slots = 4});
    EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
    EXPECT_EQ(small.size(), 200U);
    EXPECT_EQ(rest.size(), 300U);
}

TEST_P(partitions, write_one_heading_and_every_row_into_one_file) {
    scratch const dir;
    auto const r =
        run(from(events(300)) | event_time(time_of) | key_by(field<&event::key>)
                | map([](event const& e) {
                      if (e.t == 7) throw std::runtime_error("seven");
                      return e;
                  })
                | on_error(csv() | to<"dead">(file(dir / "dead"))) | csv() | to(file(dir / "out")),
            {.oversubscribed = GetParam(), .lane_slots = 2});
    EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
    std::vector<std::string> out = lines(content_of(dir / "out"));
    ASSERT_EQ(out.size(), 300U);
    EXPECT_EQ(out.front(), "t,key");
    EXPECT_EQ(std::count(out.begin(), out.end(), "t,key"), 1);
    for (std::int64_t t = 0; t < 300; ++t)
        EXPECT_EQ(
            std::count(out.begin(), out.end(), std::to_string(t) + "," + std::to_string(t % 5)),
            t == 7 ? 0 : 1)
            << t;
    EXPECT_EQ(lines(content_of(dir / "dead")).size(), 2U);
    EXPECT_EQ(r.records_out, 299U);
    EXPECT_EQ(r.dead, 1U);
}

TEST_P(partitions, hand_a_key_by_on_to_a_sink_that_runs_alone) {
    std::vector<event> out;
    auto const r = run(from(events(100)) | key_by(field<&event::key>) | to(out),
                       {.oversubscribed = GetParam()});
    EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
    EXPECT_EQ(out.size(), 100U);
}

TEST_P(partitions, each_have_the_functions_of_the_key) {
    // The key's function holds something: a copy of it must stand on every partition.
    std::string const names[] = {"a", "b", "c", "d", "e"};
    std::vector<std::string> const known(names, names + 5);
    std::vector<std::string> keys;
    auto const r =
        run(from(events(500)) | event_time(time_of) | key_by<"name">([known](event const& e) {
                return known[static_cast<std::size_t>(e.key)];
            }) | window(tumbling{duration{1000}})
                | count<"n">() | to([&](auto const& row) {
                      if (get<"n">(row) == 100) keys.push_back(get<"name">(row));
                  }),
            {.oversubscribed = GetParam()});
    EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
    std::sort(keys.begin(), keys.end());
    EXPECT_EQ(keys, known);
}

INSTANTIATE_TEST_SUITE_P(threads, partitions, testing::Values(0U, 1U, 2U, 3U, 4U));

}  // namespace
