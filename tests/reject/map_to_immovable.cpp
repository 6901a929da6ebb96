// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: map: the record it returns can't be moved. Give it a move constructor.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct pinned {
    int value;
    explicit pinned(int v) : value(v) {}
    pinned(pinned const&) = delete;
};

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto pipeline = from(numbers)
                    | map([](int number) { return pinned{number}; });  // here
    (void)pipeline;
}
