// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: merge: the streams have different records. Map them to one record first.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    std::vector<long> others{4, 5};
    auto both = merge(from(numbers), from(others));  // here
    auto pipeline = both | discard();
    (void)pipeline;
}
