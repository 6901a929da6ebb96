// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: key_by: the field or function can't be read from the record of this stream.
// expect: carier

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

    auto pipeline = from(flights)
                    | key_by(field<"carier">);  // here
    (void)pipeline;
}
