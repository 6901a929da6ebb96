// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: reduce: the function does not make one record of two.

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

    auto pipeline = from(flights) | key_by(field<"carrier">)
                    | reduce([](flight const& a, flight const& b) { return a.delay + b.delay; });  // here
    (void)pipeline;
}
