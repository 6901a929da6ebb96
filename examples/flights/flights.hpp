// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Departures from New York, counted per airline, airport and hour: the job that the README shows.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <millrace/json.hpp>
#include <millrace/millrace.hpp>

namespace flights {

using namespace millrace;

// The columns of the file that the job needs, by their names there.
struct flight {
    text<3> origin = {};
    text<2> carrier = {};
    time_point time_hour;          // the hour of the scheduled departure, UTC
    int minute = 0;                // and its minute
    std::optional<int> dep_delay;  // minutes; none if the flight never left
};
MILLRACE_RECORD(flight, origin, carrier, time_hour, minute, dep_delay);

struct carrier_hour {
    std::int64_t window_start_ms = 0;
    std::int64_t window_end_ms = 0;
    text<3> origin = {};
    text<2> carrier = {};
    std::int64_t flights = 0;
    double mean_delay_min = 0;
    int max_delay_min = 0;
};
MILLRACE_RECORD(carrier_hour, window_start_ms, window_end_ms, origin, carrier, flights,
                mean_delay_min, max_delay_min);

// The command line: `flights --input a.csv b.csv --window 1h`.
struct config {
    std::vector<std::string> input;
    duration window = hours(1);
    duration disorder = minutes(30);
    duration lateness = {};
    std::string output = "carrier-hours.ndjson";
    std::string late = "late.csv";
    std::string dead = "dead.csv";
};
MILLRACE_RECORD(config, input, window, disorder, lateness, output, late, dead);

// [delays]
inline auto delays(config const& c) {
    return file(c.input) | csv<flight>() | on_error(original() | to<"dead">(file(c.dead)))
           | filter<"departed">([](flight const& f) { return f.dep_delay.has_value(); })
           | event_time([](flight const& f) { return f.time_hour + minutes(f.minute); },
                        bounded_disorder{c.disorder})
           | key_by(field<&flight::origin>, field<&flight::carrier>) | window(tumbling{c.window})
           | aggregate(count<"flights">(), mean<"mean_delay">(field<&flight::dep_delay>),
                       max<"max_delay">(field<&flight::dep_delay>))
           | allowed_lateness(c.lateness) | late_to(original() | to<"late">(file(c.late)))
           | map<"in milliseconds">([](auto const& r) {
                 return carrier_hour{get<"window_start">(r).ns / 1'000'000,
                                     get<"window_end">(r).ns / 1'000'000,
                                     get<"origin">(r),
                                     get<"carrier">(r),
                                     get<"flights">(r),
                                     *get<"mean_delay">(r),
                                     *get<"max_delay">(r)};
             })
           | json() | to<"hours">(file(c.output));
}
// [delays]

}  // namespace flights
