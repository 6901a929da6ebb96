// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: aggregate: it takes what makes columns. Write aggregate(count<

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers) | window_all(global{})
                    | aggregate([](int) { return 1; });  // here
    (void)pipeline;
}
