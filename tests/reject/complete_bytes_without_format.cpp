// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: pipeline: its source gives bytes, and no format reads them.
#include <millrace/dsl.hpp>
#include <millrace/dsl/complete.hpp>
#include <millrace/model/bytes.hpp>

using namespace millrace;

struct pieces : stage_base {
    static constexpr stage_kind kind = stage_kind::bytes;
    static constexpr std::string_view word = "pieces";
    static constexpr auto name = fixed_string{""};
    using record = chunk;
};

int main() {
    auto p =
        pieces{} | filter<"long">([](chunk const& c) { return c.data.size() > 80; }) | discard();
    return static_cast<int>(detail::check_complete<decltype(p)>());  // here
}
