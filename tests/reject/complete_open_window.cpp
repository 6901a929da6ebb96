// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: window: it has no aggregate.
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/dsl/explain.hpp>

using namespace millrace;

int main() {
    std::vector<int> const numbers{1, 2, 3};
    auto const p = from(numbers) | event_time([](int n) { return time_point{n}; })
                   | window_all(tumbling{seconds(1)});
    auto const text = explain(p);  // here
    return static_cast<int>(text.size());
}
