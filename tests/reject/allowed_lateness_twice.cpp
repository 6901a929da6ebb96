// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: allowed_lateness: it stands behind the wrong stage.

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
                    | window(tumbling{hours(1)}) | aggregate(count<"flights">()) | allowed_lateness(minutes(5))
                    | allowed_lateness(minutes(9));  // here
    (void)pipeline;
}
