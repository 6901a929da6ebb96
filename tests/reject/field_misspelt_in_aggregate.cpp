// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: aggregate: one of its fields or functions can't be read from the record
// expect: delya

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
                    | key_by(field<"carrier">)
                    | aggregate(count<"n">(), mean<"delay">(field<"delya">));  // here
    (void)pipeline;
}
