// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: pipeline: it has no sink, so its records go nowhere.
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/dsl/plan.hpp>

using namespace millrace;

int main() {
    std::vector<int> const numbers{1, 2, 3};
    auto const p = from(numbers) | filter<"even">([](int n) { return n % 2 == 0; });
    static_assert(plan_of<std::remove_const_t<decltype(p)>>.exchanges == 0);  // here
    static_assert(plan_of<std::remove_const_t<decltype(p)>>.stages == 2);
}
