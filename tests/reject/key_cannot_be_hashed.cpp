// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: key_by: the key can't be hashed. Give its type an operator== and a hash_value(key) beside it
// expect: route

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct route {
    int from;
    int to;
    bool operator==(route const&) const = default;
};
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
