// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: on_error: its part does not end in a sink. End it with | to(…).

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers) | map([](int n) { return n; })
                    | on_error(filter([](dead_letter<int> const& d) { return d.input() > 0; }));  // here
    (void)pipeline;
}
