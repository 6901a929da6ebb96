// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: pipeline: it has no sink, so its records go nowhere.
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/dsl/plan.hpp>

using namespace millrace;

int main() {
    std::vector<int> const numbers{1, 2, 3};
    auto const p =
        from(numbers) | merge(map([](int n) { return n + 1; }), map([](int n) { return n - 1; }));
    return static_cast<int>(plan(p).emits_max({.batch = 1}) > 1);  // here
}
