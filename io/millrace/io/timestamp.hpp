// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Points in time in text: RFC 3339 down to the nanosecond, or a count since the Unix epoch.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <millrace/io/number.hpp>
#include <millrace/model/time.hpp>

namespace millrace {

/// How a format reads and writes a `time_point`. A count since the epoch is cut to its unit when
/// written.
enum class time_format : std::uint8_t {
    rfc3339,  ///< 2013-01-01T05:00:00Z; read with a fraction of 1 to 9 digits, an offset, a space
              ///< for the T
    epoch_s,
    epoch_ms,
    epoch_us,
    epoch_ns,
};

namespace detail {

constexpr unsigned days_in_month(unsigned year, unsigned month) {
    if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return 30 + ((month ^ (month >> 3)) & 1);
}

/// Seconds and nanoseconds as one int64 of nanoseconds, if it fits.
inline text_error fit_time(std::int64_t seconds, std::int64_t ns, time_point& out) {
    if (seconds < 0
        && ns > 0) {  // towards zero first, so that the ends of int64 are reached without overflow
        ++seconds;
        ns -= 1'000'000'000;
    }
    std::int64_t value = 0;
    if (__builtin_mul_overflow(seconds, std::int64_t{1'000'000'000}, &value)
        || __builtin_add_overflow(value, ns, &value))
        return text_error::out_of_range;
    out = time_point{value};
    return text_error::none;
}

/// Days from 1970-01-01 for the years 0 to 9999 that text has; years begin in March (Hinnant,
/// «chrono-compatible low-level date algorithms», days_from_civil).
constexpr std::int64_t days_from_text(unsigned year, unsigned month, unsigned day) {
    constexpr std::uint16_t before[] = {0,   306, 337, 0,   31,  61, 92,
                                        122, 153, 184, 214, 245, 275};  // from March
    year += 400 - (month <= 2);
    unsigned const century = year / 100;
    return static_cast<std::int64_t>(year * 1461 / 4 - century + century / 4 + before[month] + day)
           - 865'566;
}

/// The fixed part `YYYY-MM-DDThh:mm:ss` (19 bytes) as seconds since the epoch.
[[gnu::always_inline]] inline text_error read_date_time(char const* p, std::int64_t& seconds) {
    std::uint64_t date = load_8(p);
    std::uint64_t time = load_8(p + 8);
    std::uint32_t rest = 0;
    std::memcpy(&rest, p + 15, 4);  // ?:ss
    char const between = p[10];
    constexpr std::uint64_t date_marks = 0xFF0000FF00000000;  // YYYY-MM-
    constexpr std::uint64_t time_marks = 0x0000FF0000FF0000;  // DDThh:mm
    bool const marks = (date & date_marks) == 0x2D00002D00000000
                       && (time & 0x0000FF0000000000) == 0x00003A0000000000
                       && (rest & 0xFF00) == 0x3A00
                       && (between == 'T' || between == ' ' || between == 't');
    date = (date & ~date_marks) | (0x3030303030303030 & date_marks);
    time = (time & ~time_marks) | (0x3030303030303030 & time_marks);
    std::uint64_t last = 0x3030303030300000 | (rest >> 16);
    if (!marks || !eight_digits(date) || !eight_digits(time) || !eight_digits(last))
        return text_error::not_a_time;
    date &= 0x0F0F0F0F0F0F0F0F;
    time &= 0x0F0F0F0F0F0F0F0F;
    last &= 0x0F0F0F0F0F0F0F0F;
    date = date * 10 + (date >> 8);  // byte i: digit i and digit i + 1 as one number
    time = time * 10 + (time >> 8);
    last = last * 10 + (last >> 8);
    auto const pair = [](std::uint64_t v, unsigned i) {
        return static_cast<unsigned>(v >> (8 * i)) & 0xFF;
    };
    unsigned const year = pair(date, 0) * 100 + pair(date, 2), month = pair(date, 5),
                   day = pair(time, 0);
    unsigned const hour = pair(time, 3), minute = pair(time, 6), second = pair(last, 0);
    if (month - 1 > 11 || day == 0 || (day > 28 && day > days_in_month(year, month)) || hour > 23
        || minute > 59 || second > 60)  // a leap second is the second behind it
        return text_error::not_a_time;
    seconds = days_from_text(year, month, day) * 86'400 + (hour * 3600 + minute * 60 + second);
    return text_error::none;
}

/// The rarer shapes of RFC 3339: a fraction, an offset; without an offset it is UTC.
[[gnu::noinline]] inline text_error read_any_rfc3339(char const* p, char const* end,
                                                     time_point& out) {
    if (p == end) return text_error::empty;
    if (end - p < 19) return text_error::not_a_time;
    std::int64_t seconds = 0;
    if (auto const e = read_date_time(p, seconds); e != text_error::none) [[unlikely]]
        return e;
    p += 19;
    std::int64_t ns = 0;
    if (p != end && *p == '.') {
        int count = 0;
        for (++p; p != end && static_cast<unsigned char>(*p - '0') <= 9; ++p, ++count)
            ns = count < 9 ? ns * 10 + (*p - '0') : ns;
        if (count == 0 || count > 9) return text_error::not_a_time;
        for (; count < 9; ++count) ns *= 10;
    }
    if (p == end || (end - p == 1 && (*p == 'Z' || *p == 'z'))) return fit_time(seconds, ns, out);
    if (end - p != 6 || (*p != '+' && *p != '-') || p[3] != ':') return text_error::not_a_time;
    unsigned digits[4] = {};
    for (int i = 0, at = 1; i < 4; ++i, at += at == 2 ? 2 : 1) {
        digits[i] = static_cast<unsigned char>(p[at]) - unsigned{'0'};
        if (digits[i] > 9) return text_error::not_a_time;
    }
    unsigned const hours = digits[0] * 10 + digits[1], minutes = digits[2] * 10 + digits[3];
    if (hours > 23 || minutes > 59) return text_error::not_a_time;
    std::int64_t const offset = hours * 3600 + minutes * 60;
    return fit_time(*p == '+' ? seconds - offset : seconds + offset, ns, out);
}

/// The whole of [p, end) as RFC 3339.
[[gnu::always_inline]] inline text_error read_rfc3339(char const* p, char const* end,
                                                      time_point& out) {
    std::int64_t seconds = 0;
    if (end - p == 20 && p[19] == 'Z' && read_date_time(p, seconds) == text_error::none) [[likely]]
        return fit_time(seconds, 0, out);
    return read_any_rfc3339(p, end, out);
}

constexpr std::int64_t ns_per(time_format f) {
    constexpr std::int64_t ns[] = {0, 1'000'000'000, 1'000'000, 1'000, 1};
    return ns[static_cast<std::size_t>(f)];
}

/// A count since the epoch as a point in time.
inline text_error fit_epoch(std::int64_t count, time_format format, time_point& out) {
    std::int64_t ns = 0;
    if (__builtin_mul_overflow(count, ns_per(format), &ns)) return text_error::out_of_range;
    out = time_point{ns};
    return text_error::none;
}

/// The whole of [p, end) as a point in time.
inline text_error read_time(char const* p, char const* end, char const* readable,
                            time_format format, time_point& out) {
    if (format == time_format::rfc3339) [[likely]]
        return read_rfc3339(p, end, out);
    std::int64_t count = 0;
    if (auto const e = read_integer(p, end, readable, count); e != text_error::none) return e;
    return fit_epoch(count, format, out);
}

constexpr std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0); }

inline char* write_padded(char* out, std::uint64_t value, int digits) {
    for (int i = digits; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
    return out + digits;
}

/// Writes `t`; `out` has `number_bytes_max` bytes of room. A fraction takes 3, 6 or 9 digits, or
/// none.
inline char* write_time(char* out, time_point t, time_format format) {
    if (format != time_format::rfc3339)
        return write_number(out, floor_divide(t.ns, ns_per(format)));
    std::int64_t const seconds = floor_divide(t.ns, 1'000'000'000);
    std::int64_t const remainder = t.ns % 1'000'000'000;
    auto const ns =
        static_cast<std::uint64_t>(remainder < 0 ? remainder + 1'000'000'000 : remainder);
    std::int64_t const days = floor_divide(seconds, 86'400);
    auto const second = static_cast<std::uint64_t>(seconds - days * 86'400);
    auto const z = static_cast<std::uint64_t>(
        days + 719'468);  // civil_from_days; positive for all of int64's years
    std::uint64_t const era = z / 146'097, day_of_era = z - era * 146'097;
    std::uint64_t const year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    std::uint64_t const day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    std::uint64_t const shifted = (5 * day_of_year + 2) / 153,
                        month = shifted < 10 ? shifted + 3 : shifted - 9;
    out = write_padded(out, year_of_era + era * 400 + (month <= 2), 4);
    *out++ = '-';
    out = write_padded(out, month, 2);
    *out++ = '-';
    out = write_padded(out, day_of_year - (153 * shifted + 2) / 5 + 1, 2);
    *out++ = 'T';
    out = write_padded(out, second / 3600, 2);
    *out++ = ':';
    out = write_padded(out, second / 60 % 60, 2);
    *out++ = ':';
    out = write_padded(out, second % 60, 2);
    if (ns != 0) {
        *out++ = '.';
        if (ns % 1'000'000 == 0)
            out = write_padded(out, ns / 1'000'000, 3);
        else if (ns % 1'000 == 0)
            out = write_padded(out, ns / 1'000, 6);
        else
            out = write_padded(out, ns, 9);
    }
    *out++ = 'Z';
    return out;
}

}  // namespace detail
}  // namespace millrace
