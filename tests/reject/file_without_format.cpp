// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: to: this sink takes bytes, not records. Write a format before it, such as | csv() or | json().

#include <millrace/dsl.hpp>
#include <millrace/io/file.hpp>

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
                    | to(file("flights.csv"));  // here
    (void)pipeline;
}
