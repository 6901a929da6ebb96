// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: window: the stream has no key. Write key_by(…) right before it, or window_all(…)

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
                    | window(tumbling{hours(1)});  // here
    (void)pipeline;
}
