// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: aggregate: a view would enter the state and outlive its bytes.
// expect: detail::must_own<
// expect: {"last"}
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

    auto pipeline = from(flights) | window_all(global{})
                    | aggregate(count<"n">(), max<"last">(field<&flight::carrier>));  // here
    (void)pipeline;
}
