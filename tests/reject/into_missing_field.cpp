// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: into: the struct has a field that the row does not. Remove it, or name a column like it.
// expect: missing<
// expect: {"mean"}

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct flight {
    int delay;
    long carrier;
};
MILLRACE_RECORD(flight, delay, carrier);
struct result {
    long carrier;
    long flights;
    double mean;
};
MILLRACE_RECORD(result, carrier, flights, mean);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights) | key_by(field<"carrier">) | aggregate(count<"flights">())
                    | into<result>();  // here
    (void)pipeline;
}
