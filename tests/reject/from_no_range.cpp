// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: from: it takes a range of records.

#include <millrace/dsl.hpp>

using namespace millrace;

int main() {
    auto pipeline = from(42)  // here
                    | discard();
    (void)pipeline;
}
