// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: window: the stream has no event time.

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

    auto windows = key_by(field<"carrier">) | window(tumbling{hours(1)}) | count<"n">() | discard();
    auto pipeline = from(flights)
                    | tee(discard(), split(when([](flight const&) { return true; }, tee(windows)), otherwise(discard())) | discard());  // here
    (void)pipeline;
}
