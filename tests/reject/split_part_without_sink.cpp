// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: split: a part does not end in a sink. End it with | to(…)

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | split(when([](int n) { return n > 2; }, map([](int n) { return n; })));  // here
    (void)pipeline;
}
