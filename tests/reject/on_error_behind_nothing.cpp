// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: on_error: it stands behind nothing. Write it behind the stage or the source that it guards.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | tee(on_error(drop) | discard());  // here
    (void)pipeline;
}
