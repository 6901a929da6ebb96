// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: merge: one of its pipelines ends in a sink. Merge before | to(…).

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = merge(from(numbers), from(numbers) | discard());  // here
    (void)pipeline;
}
