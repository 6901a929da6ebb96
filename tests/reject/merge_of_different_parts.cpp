// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: merge: the streams have different records. Map them to one record first.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | merge(map([](int n) { return n; }), map([](int n) { return n * 0.5; }));  // here
    (void)pipeline;
}
