// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: binary: partitions{n} cuts a file at line ends, and this format has none.

#include <millrace/dsl.hpp>
#include <millrace/io/binary.hpp>
#include <millrace/io/file.hpp>

using namespace millrace;

struct flight {
    int delay;
};
MILLRACE_RECORD(flight, delay);

int main() {
    auto pipeline = file("flights.bin", partitions{4})
                    | binary<flight>()  // here
                    | discard();
    (void)pipeline;
}
