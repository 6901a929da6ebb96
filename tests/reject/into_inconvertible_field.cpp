// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: into: a field can't be made of the column of its name. Give it that type.

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
    text<3> carrier;
};
MILLRACE_RECORD(result, delay, carrier);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights)
                    | into<result>();  // here
    (void)pipeline;
}
