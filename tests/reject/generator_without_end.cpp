// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: generate: the function does not return an optional record.

#include <millrace/dsl.hpp>

using namespace millrace;

int main() {
    auto pipeline = generate([] { return 42.0; })  // here
                    | discard();
    (void)pipeline;
}
