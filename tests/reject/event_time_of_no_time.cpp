// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: event_time: the field or function does not give a time_point of this record.

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

    auto pipeline = from(flights)
                    | event_time(field<&flight::delay>);  // here
    (void)pipeline;
}
