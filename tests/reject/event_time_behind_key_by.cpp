// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: event_time: it stands behind key_by or a stage that holds records

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

    auto pipeline = from(flights) | key_by(field<&flight::delay>)
                    | event_time(field<&flight::scheduled>);  // here
    (void)pipeline;
}
