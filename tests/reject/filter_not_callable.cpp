// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: filter: the predicate can't be called with the record of this stream.
// expect: {"late"}

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | filter<"late">([](std::vector<int> const& v) { return v.empty(); });  // here
    (void)pipeline;
}
