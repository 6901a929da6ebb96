// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: on_error: no unguarded stage stands right before it. Write it once, behind the stage or the source

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers) | map([](int n) { return n; }) | on_error(drop)
                    | on_error(stop);  // here
    (void)pipeline;
}
