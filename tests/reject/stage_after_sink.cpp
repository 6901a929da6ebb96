// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: to: a sink has taken the stream already, so nothing can stand behind it.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers) | to([](int) {})
                    | map([](int number) { return number; });  // here
    (void)pipeline;
}
