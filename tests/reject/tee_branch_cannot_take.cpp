// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: filter: the predicate can't be called with the record of this stream.
// expect: {"long_ones"}

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto long_ones = filter<"long_ones">([](std::vector<int> const& v) { return v.size() > 9; }) | discard();
    auto pipeline = from(numbers)
                    | tee(discard(), long_ones);  // here
    (void)pipeline;
}
