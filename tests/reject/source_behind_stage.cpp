// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: from: a source stands behind a stage. Write it first; merge(…) joins several pipelines

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = map([](int n) { return n; })
                    | from(numbers);  // here
    (void)pipeline;
}
