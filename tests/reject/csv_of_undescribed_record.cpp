// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: csv: the record has no description. Write MILLRACE_RECORD(type, field, …) behind it.

#include <millrace/dsl.hpp>
#include <millrace/io/csv.hpp>
#include <millrace/io/file.hpp>

using namespace millrace;

struct flight {
    int delay;
};

int main() {
    auto pipeline = file("flights.csv")
                    | csv<flight>()  // here
                    | discard();
    (void)pipeline;
}
