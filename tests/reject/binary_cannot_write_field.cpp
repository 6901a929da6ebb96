// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: binary: a field has no fixed number of bytes.
// expect: unsupported_field<
// expect: {"carrier"}

#include <millrace/dsl.hpp>
#include <millrace/io/binary.hpp>
#include <millrace/io/file.hpp>

#include <string>
#include <vector>

using namespace millrace;

struct flight {
    int delay;
    std::string carrier;
};
MILLRACE_RECORD(flight, delay, carrier);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights)
                    | binary()  // here
                    | to(file("flights.bin"));
    (void)pipeline;
}
