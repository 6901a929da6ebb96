// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: split: a predicate can't be called with the record of this stream, or does not return bool.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | split(when<"empty">([](std::vector<int> const& v) { return v.empty(); }, discard()));  // here
    (void)pipeline;
}
