// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// How a careful loop by hand reads the numbers and times of flights.csv.

#include <charconv>
#include <cstdint>
#include <system_error>

namespace by_hand {

inline bool two_digits(char const* p, int& out) {
    auto const a = static_cast<unsigned char>(p[0] - '0'),
               b = static_cast<unsigned char>(p[1] - '0');
    out = a * 10 + b;
    return a <= 9 && b <= 9;
}

/// Days from 1970-01-01, by Hinnant's algorithm.
inline std::int64_t days(int y, int m, int d) {
    y -= m <= 2;
    int const era = y / 400;
    int const yoe = y - era * 400;
    int const doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097LL + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

inline bool read_time(char const* p, char const* end, std::int64_t& ns) {
    int century = 0, year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    if (end - p != 20 || p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':'
        || p[19] != 'Z' || !two_digits(p, century) || !two_digits(p + 2, year)
        || !two_digits(p + 5, month) || !two_digits(p + 8, day) || !two_digits(p + 11, hour)
        || !two_digits(p + 14, minute) || !two_digits(p + 17, second))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
        return false;
    ns = (days(century * 100 + year, month, day) * 86400 + hour * 3600 + minute * 60 + second)
         * 1'000'000'000;
    return true;
}

inline bool read_int(char const* p, char const* end, int& out) {
    auto const [stop, error] = std::from_chars(p, end, out);
    return error == std::errc{} && stop == end;
}

}  // namespace by_hand
