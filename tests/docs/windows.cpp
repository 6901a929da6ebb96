// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The examples of docs/reference and docs/learn: keys, rolling results, event time, windows,
// lateness.

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/millrace.hpp>

using namespace millrace;
using testing::ElementsAre;

namespace {

// [reading]
struct reading {
    int sensor = 0;
    double celsius = 0;
    time_point taken;
};
MILLRACE_RECORD(reading, sensor, celsius, taken);
// [reading]

constexpr time_point at(std::int64_t s) { return time_point{} + seconds(s); }

// [readings]
std::vector<reading> const readings{
    {1, 20.0, at(10)},  {1, 22.0, at(50)}, {1, 21.0, at(70)},  // the next minute
    {1, 19.0, at(55)},   // 15 s behind the newest: within the disorder of 30 s
    {1, 23.0, at(130)},  // the watermark is now 100 s: the first minute is over
    {1, 18.0, at(40)},   // late
};
// [readings]

TEST(docs_learn, rolling_results) {
    std::vector<std::tuple<int, std::int64_t, double>> rows;
    auto const keep = [&](auto const& r) {
        rows.emplace_back(get<"sensor">(r), get<"readings">(r), get<"warmest">(r));
    };
    std::vector<reading> const some{{1, 20.0, {}}, {2, 5.0, {}}, {1, 19.0, {}}};
    // [rolling]
    auto pipeline = from(some) | key_by(field<&reading::sensor>)
                    | aggregate(count<"readings">(), max<"warmest">(field<&reading::celsius>))
                    | to(keep);
    // [rolling]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(rows,
                ElementsAre(std::tuple(1, 1, 20.0), std::tuple(2, 1, 5.0), std::tuple(1, 2, 20.0)));
}

using row_seen = std::tuple<std::int64_t, std::int64_t, std::int64_t, double>;

template <class Row>
row_seen seen(Row const& r) {
    return {get<"window_start">(r).ns / 1'000'000'000, get<"window_end">(r).ns / 1'000'000'000,
            get<"readings">(r), get<"mean">(r)};
}

TEST(docs_learn, windows) {
    std::vector<row_seen> rows;
    std::vector<reading> late;
    auto const keep = [&](auto const& r) { rows.push_back(seen(r)); };
    // [window]
    auto pipeline = from(readings)
                    | event_time(field<&reading::taken>, bounded_disorder{seconds(30)})
                    | key_by(field<&reading::sensor>) | window(tumbling{minutes(1)})
                    | aggregate(count<"readings">(), mean<"mean">(field<&reading::celsius>))
                    | late_to(to<"late">(late)) | to(keep);
    // [window]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result.late, 1U);
    EXPECT_EQ(late.size(), 1U);
    EXPECT_THAT(rows, ElementsAre(row_seen(0, 60, 3, 61.0 / 3), row_seen(60, 120, 1, 21.0),
                                  row_seen(120, 180, 1, 23.0)));
}

TEST(docs_learn, allowed_lateness) {
    std::vector<row_seen> rows;
    auto const keep = [&](auto const& r) { rows.push_back(seen(r)); };
    // [allowed_lateness]
    auto pipeline = from(readings)
                    | event_time(field<&reading::taken>, bounded_disorder{seconds(30)})
                    | key_by(field<&reading::sensor>) | window(tumbling{minutes(1)})
                    | aggregate(count<"readings">(), mean<"mean">(field<&reading::celsius>))
                    | allowed_lateness(minutes(2)) | to(keep);
    // [allowed_lateness]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result.late, 0U);
    // The first minute's row when it is due, and again with the late reading.
    EXPECT_THAT(rows, ElementsAre(row_seen(0, 60, 3, 61.0 / 3), row_seen(0, 60, 4, 79.0 / 4),
                                  row_seen(60, 120, 1, 21.0), row_seen(120, 180, 1, 23.0)));
}

TEST(docs_reference, window_all) {
    std::vector<std::int64_t> counts;
    auto const keep = [&](auto const& r) { counts.push_back(get<"readings">(r)); };
    // [window_all]
    auto per_minute =
        from(readings) | event_time(field<&reading::taken>, bounded_disorder{seconds(30)})
        | window_all(tumbling{minutes(1)}) | aggregate(count<"readings">()) | to(keep);
    auto at_the_end =
        from(readings) | window_all(global{}) | aggregate(count<"readings">()) | to(keep);
    // [window_all]
    ASSERT_TRUE(run(std::move(per_minute)).ok());
    EXPECT_THAT(counts, ElementsAre(3, 1, 1));
    ASSERT_TRUE(run(std::move(at_the_end)).ok());
    EXPECT_EQ(counts.back(), 6);
}

TEST(docs_reference, window_of_constant_size) {
    std::vector<std::int64_t> counts;
    auto const keep = [&](auto const& r) { counts.push_back(get<"readings">(r)); };
    // [tumbling_of]
    auto per_minute = window(tumbling_of<minutes(1)>{}) | aggregate(count<"readings">());
    // [tumbling_of]
    ASSERT_TRUE(run(from(readings) | event_time(field<&reading::taken>)
                    | key_by(field<&reading::sensor>) | per_minute | to(keep))
                    .ok());
    EXPECT_THAT(counts, ElementsAre(2, 1, 1));  // without disorder two readings are late
}

TEST(docs_reference, window_of_no_size) {
    report const result = run(from(readings) | event_time(field<&reading::taken>)
                              | window_all(tumbling{}) | count<"n">() | discard());
    EXPECT_EQ(result.code, exit_code::configuration);
}

TEST(docs_reference, event_time) {
    std::vector<std::int64_t> counts;
    auto const keep = [&](auto const& r) { counts.push_back(get<"n">(r)); };
    // [event_time]
    auto in_order = event_time(field<&reading::taken>);  // monotonic{}: an older record is late
    auto disordered = event_time(field<&reading::taken>, bounded_disorder{seconds(30)});
    auto computed =
        event_time([](reading const& r) { return r.taken + milliseconds(5); }, monotonic{});
    // [event_time]
    for (int i = 0; i < 3; ++i) counts.clear();
    ASSERT_TRUE(
        run(from(readings) | in_order | window_all(tumbling{minutes(1)}) | count<"n">() | to(keep))
            .ok());
    EXPECT_THAT(counts, ElementsAre(2, 1, 1));
    counts.clear();
    ASSERT_TRUE(run(from(readings) | disordered | window_all(tumbling{minutes(1)}) | count<"n">()
                    | to(keep))
                    .ok());
    EXPECT_THAT(counts, ElementsAre(3, 1, 1));
    counts.clear();
    ASSERT_TRUE(
        run(from(readings) | computed | window_all(tumbling{minutes(1)}) | count<"n">() | to(keep))
            .ok());
    EXPECT_THAT(counts, ElementsAre(2, 1, 1));
}

// [strategy]
/// A minute is complete when a record of the next one has come.
struct by_the_minute {
    time_point newest = time_point::min();
    void observe(time_point t) { newest = t > newest ? t : newest; }
    time_point watermark() const {
        if (newest == time_point::min()) return newest;
        return newest - duration{newest.ns % minutes(1).ns};
    }
};
// [strategy]

TEST(docs_reference, a_strategy_of_ones_own) {
    std::vector<std::int64_t> counts;
    auto const keep = [&](auto const& r) { counts.push_back(get<"n">(r)); };
    ASSERT_TRUE(run(from(readings) | event_time(field<&reading::taken>, by_the_minute{})
                    | window_all(tumbling{minutes(1)}) | count<"n">() | to(keep))
                    .ok());
    EXPECT_THAT(counts, ElementsAre(2, 1, 1));
}

TEST(docs_reference, late_to) {
    std::vector<reading> late;
    std::vector<std::int64_t> counts;
    auto const keep = [&](auto const& r) { counts.push_back(get<"n">(r)); };
    // [late_to]
    auto per_minute = window(tumbling{minutes(1)}) | aggregate(count<"n">())
                      | late_to(filter<"warm">(&reading::sensor) | to<"late">(late));
    // [late_to]
    ASSERT_TRUE(run(from(readings)
                    | event_time(field<&reading::taken>, bounded_disorder{seconds(30)})
                    | key_by(field<&reading::sensor>) | per_minute | to(keep))
                    .ok());
    EXPECT_EQ(late.size(), 1U);
}

}  // namespace
