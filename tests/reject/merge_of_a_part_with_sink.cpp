// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: merge: one of its parts ends in a sink, so nothing of it can come back. Write tee(…) for it.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | merge(map([](int n) { return n; }), discard());  // here
    (void)pipeline;
}
