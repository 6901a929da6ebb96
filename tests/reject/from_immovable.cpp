// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: from: the record can't be moved. Give it a move constructor.

#include <millrace/dsl.hpp>

#include <list>

using namespace millrace;

struct pinned {
    pinned() = default;
    pinned(pinned const&) = delete;
};

int main() {
    std::list<pinned> numbers;
    auto pipeline = from(numbers)  // here
                    | discard();
    (void)pipeline;
}
