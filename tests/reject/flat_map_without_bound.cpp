// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: flat_map: it has no bound. Write flat_map<8>(…) with the most records that one record can become.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | flat_map([](int n) { return std::vector<int>{n, n}; });  // here
    (void)pipeline;
}
