// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: on_error: merge(…) of pipelines has no errors of its own.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = merge(from(numbers), from(numbers))
                    | on_error(drop);  // here
    (void)pipeline;
}
