// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: tee: the record can only be moved, so it can't go to several parts.

#include <millrace/dsl.hpp>

#include <memory>
#include <vector>

using namespace millrace;

int main() {
    std::vector<std::unique_ptr<int>> numbers;
    auto pipeline = from(std::move(numbers))
                    | tee(discard<"a">(), discard<"b">());  // here
    (void)pipeline;
}
