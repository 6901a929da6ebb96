// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: filter: the predicate does not return bool. Return true for what is to pass.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | filter<"late">([](int number) { return std::vector<int>{number}; });  // here
    (void)pipeline;
}
