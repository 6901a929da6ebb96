// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: map: the function can't be called with the record of this stream.
// expect: train::delay

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct flight {
    int delay;
    long carrier;
};
MILLRACE_RECORD(flight, delay, carrier);
struct train {
    int delay;
};

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights)
                    | map(field<&train::delay>);  // here
    (void)pipeline;
}
