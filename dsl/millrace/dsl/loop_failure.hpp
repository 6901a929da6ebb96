// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What ends a run under the policy `stop`: one sentence that names the stage, the reason and the line.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <millrace/model/failure.hpp>

namespace millrace::detail {

[[noreturn, gnu::noinline, gnu::cold]] inline void throw_stop(std::string_view stage, std::string_view reason,
                                                            std::uint64_t position) {
    char text[900];
    std::size_t n = 0;
    auto put = [&](std::string_view part) {
        for (char const c : part)
            if (n < sizeof text) text[n++] = c;
    };
    put("millrace: ");
    put(stage);
    put(": ");
    put(reason.substr(0, 600));
    if (position > 0) {
        char digits[20];
        std::size_t d = 0;
        for (std::uint64_t p = position; p > 0; p /= 10) digits[d++] = static_cast<char>('0' + p % 10);
        put(" (line ");
        while (d > 0) put({&digits[--d], 1});
        put(")");
    }
    put(". The run stops here; on_error(drop) or on_error(sink) behind the stage would go on.");
    throw failure(exit_code::data, {text, n});
}

}  // namespace millrace::detail
