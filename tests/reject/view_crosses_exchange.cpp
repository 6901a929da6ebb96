// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: key_by: a record that views its input buffer would cross an exchange
// expect: detail::must_own<
// expect: {"carrier"}
// expect: basic_string_view<char

#include <millrace/dsl.hpp>

#include <string_view>
#include <vector>

using namespace millrace;

struct flight {
    std::string_view carrier;
    int delay;
};
MILLRACE_RECORD(flight, delay, carrier);

int main() {
    std::vector<flight> flights;

    auto pipeline = from(flights)
                    | key_by(field<&flight::delay>);  // here
    (void)pipeline;
}
