// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: aggregate: one of its fields or functions can't be read from the record

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers) | window_all(global{})
                    | fold(0, [](int sum, std::vector<int> const& v) { return sum + v[0]; });  // here
    (void)pipeline;
}
