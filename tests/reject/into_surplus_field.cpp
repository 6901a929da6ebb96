// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: into: the row has a column that the struct does not take.
// expect: missing<
// expect: {"flights"}

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
};
MILLRACE_RECORD(result, carrier);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights) | key_by(field<"carrier">) | aggregate(count<"flights">())
                    | into<result>();  // here
    (void)pipeline;
}
