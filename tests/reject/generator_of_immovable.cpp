// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: generate: the record can't be moved. Give it a move constructor.

#include <millrace/dsl.hpp>

using namespace millrace;

struct pinned {
    pinned() = default;
    pinned(pinned const&) = delete;
};

int main() {
    auto pipeline = generate([]() -> pinned* { return nullptr; })  // here
                    | discard();
    (void)pipeline;
}
