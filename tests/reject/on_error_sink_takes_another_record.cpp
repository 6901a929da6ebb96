// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: to: the sink can't take the record of this stream.
// expect: dead_letter<int>

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    std::vector<std::vector<int>> dead;
    auto pipeline = from(numbers) | map([](int n) { return n; })
                    | on_error(dead);  // here
    (void)pipeline;
}
