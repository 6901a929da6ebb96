// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: to: this sink takes bytes, not records. Write a format before it, such as | csv() or | json().

#include <millrace/dsl.hpp>
#include <millrace/io/file.hpp>

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
                    | late_to(file("late.csv"));  // here
    (void)pipeline;
}
