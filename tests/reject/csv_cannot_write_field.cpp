// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: csv: a field has a type that CSV can't hold.
// expect: unsupported_field<
// expect: {"stops"}

#include <millrace/dsl.hpp>
#include <millrace/io/csv.hpp>
#include <millrace/io/file.hpp>

#include <vector>

using namespace millrace;

struct flight {
    int delay;
    std::vector<int> stops;
};
MILLRACE_RECORD(flight, delay, stops);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights)
                    | csv()  // here
                    | to(file("flights.csv"));
    (void)pipeline;
}
