// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The machine's clocks, in nanoseconds.

#include <cstdint>
#include <ctime>

namespace millrace::detail {

inline std::int64_t read_clock(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

/// `time + span`, or the end of time: who says `hours(1'000'000'000)` means «never».
constexpr std::int64_t time_after(std::int64_t time, std::int64_t span) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(time, span, &sum) ? INT64_MAX : sum;
}

}  // namespace millrace::detail
