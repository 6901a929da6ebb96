// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: window: it has no aggregate. Write | aggregate(…) or | reduce(…) right behind it.

#include <millrace/dsl.hpp>

using namespace millrace;

int main() {
    auto part = window_all(tumbling{hours(1)})
                | discard();  // here
    (void)part;
}
