// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: csv: csv<T>() reads bytes, and here come records.

#include <millrace/dsl.hpp>
#include <millrace/io/csv.hpp>

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
                    | csv<flight>()  // here
                    | discard();
    (void)pipeline;
}
