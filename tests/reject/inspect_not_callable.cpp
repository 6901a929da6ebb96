// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: inspect: the function can't be called with the record of this stream.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | inspect([](std::vector<int> const&) {});  // here
    (void)pipeline;
}
