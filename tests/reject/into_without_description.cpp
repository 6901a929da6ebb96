// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: into: a record has no description. Write MILLRACE_RECORD(type, fields…) behind it.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct flight {
    int delay;
    long carrier;
};
MILLRACE_RECORD(flight, delay, carrier);
struct result {
    int delay;
};

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights)
                    | into<result>();  // here
    (void)pipeline;
}
