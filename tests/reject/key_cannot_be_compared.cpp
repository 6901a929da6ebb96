// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: key_by: the key can't be compared. Give its type an operator==
// expect: route

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct route {
    int from;
    int to;
};
unsigned long hash_value(route const& r) { return static_cast<unsigned long>(r.from ^ r.to); }
struct flight {
    route way;
};
MILLRACE_RECORD(flight, way);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights)
                    | key_by(field<&flight::way>);  // here
    (void)pipeline;
}
