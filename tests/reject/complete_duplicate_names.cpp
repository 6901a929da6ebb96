// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: pipeline: two stages have the same name, so it would mean neither.
// expect: two_stages_called
// expect: even
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/dsl/plan.hpp>

using namespace millrace;

int main() {
    std::vector<int> const numbers{1, 2, 3};
    auto const p = from(numbers) | filter<"even">([](int n) { return n % 2 == 0; })
                   | tee(filter<"small">([](int n) { return n < 2; }) | discard<"even">())
                   | discard<"all">();
    return static_cast<int>(plan(p).stages == 5);  // here
}
