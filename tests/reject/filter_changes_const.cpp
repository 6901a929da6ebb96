// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: filter: the predicate wants to change the record, and records are const.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | filter([](int& number) { return ++number > 2; });  // here
    (void)pipeline;
}
