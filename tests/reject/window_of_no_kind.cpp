// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: window: it takes a kind of window. Write window_all(tumbling{hours(1)}).

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

    auto pipeline = from(flights) | event_time(field<&flight::scheduled>)
                    | window_all(hours(1))  // here
                    | count();
    (void)pipeline;
}
