// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: late_to: its part does not end in a sink. End it with | to(…).

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct flight {
    millrace::time_point scheduled;
    int delay;
};
MILLRACE_RECORD(flight, scheduled, delay);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights) | event_time(field<&flight::scheduled>) | key_by(field<&flight::delay>)
                    | window(tumbling{hours(1)}) | aggregate(count<"flights">())
                    | late_to(filter([](flight const& f) { return f.delay > 0; }));  // here
    (void)pipeline;
}
