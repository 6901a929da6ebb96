// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: aggregate: two columns of its row have the same name.

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
                    | aggregate(max(field<"delay">), max(field<"carrier">));  // here
    (void)pipeline;
}
