// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: late_to: it stands behind the wrong stage. Write it behind window(…) | aggregate(…).

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct flight {
    millrace::time_point scheduled;
    int delay;
};
MILLRACE_RECORD(flight, scheduled, delay);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights) | key_by(field<&flight::delay>) | reduce([](flight const&, flight const& b) { return b; })
                    | late_to(discard());  // here
    (void)pipeline;
}
