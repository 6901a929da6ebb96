// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: to: the sink can't take the record of this stream.

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

    std::vector<int> late;
    auto pipeline = from(flights) | event_time(field<&flight::scheduled>) | key_by(field<&flight::delay>)
                    | window(tumbling{hours(1)}) | aggregate(count<"flights">())
                    | late_to(late);  // here
    (void)pipeline;
}
