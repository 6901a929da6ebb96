// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: aggregate: one of its fields or functions can't be read from the record of this stream, or is no number
// expect: {"names"}

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct flight {
    int delay;
    text<3> carrier;
};
MILLRACE_RECORD(flight, delay, carrier);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights)
                    | key_by(field<"delay">)
                    | aggregate(sum<"names">(field<"carrier">));  // here
    (void)pipeline;
}
