// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: window: the stream has no event time. Write event_time(field<…>, strategy) before it.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct flight {
    int delay;
    long carrier;
};
MILLRACE_RECORD(flight, delay, carrier);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights) | key_by(field<&flight::carrier>)
                    | window(tumbling{hours(1)});  // here
    (void)pipeline;
}
