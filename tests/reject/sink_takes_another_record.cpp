// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: to: the sink can't take the record of this stream.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    std::vector<std::vector<int>> out;
    auto pipeline = from(numbers)
                    | to<"out">(out);  // here
    (void)pipeline;
}
