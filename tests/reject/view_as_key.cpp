// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: key_by: the key is a view and would outlive its bytes in the state.
// expect: detail::must_own<
// expect: {"key"}
// expect: basic_string_view<char

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct flight {
    int delay;
    text<3> carrier;
};
MILLRACE_RECORD(flight, delay, carrier);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights)
                    | key_by([](flight const& f) { return f.carrier.view(); });  // here
    (void)pipeline;
}
