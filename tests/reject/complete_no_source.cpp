// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: pipeline: this is a part, it has no source.
#include <millrace/dsl.hpp>
#include <millrace/dsl/explain.hpp>

using namespace millrace;

int main() {
    auto const part = filter<"even">([](int n) { return n % 2 == 0; }) | discard();
    auto const text = explain(part);  // here
    return static_cast<int>(text.size());
}
