// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Figures for people: `336,776`, `29.1 MB`, `1.24 s`, `4 min 10 s`.

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::detail {

inline std::string with_commas(std::uint64_t value) {
    std::string out = std::to_string(value);
    for (std::size_t at = out.size(); at > 3;) out.insert(at -= 3, 1, ',');
    return out;
}

/// Three digits that count: 1.24, 12.4, 124; what would round to 1000 stays 999, whose unit is the
/// caller's.
inline std::string three_digits(double value) {
    if (!(value > 0)) return "0";
    if (value > 999) value = 999;
    int const decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    std::array<char, 32> out{};
    char* const end = std::to_chars(out.data(), out.data() + out.size(), value,
                                    std::chars_format::fixed, decimals)
                          .ptr;
    return {out.data(), end};
}

/// `value` by thousands: 12.4 with the name that fits from `units`, whose first is for the value as
/// it is.
inline std::string by_thousands(double value, std::array<std::string_view, 6> const& units) {
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    std::string out = unit == 0
                          ? std::to_string(static_cast<std::uint64_t>(value > 0 ? value + 0.5 : 0))
                          : three_digits(value);
    return out.append(" ").append(units[unit]);
}

inline std::string bytes_text(double bytes) {
    return by_thousands(bytes, {"B", "kB", "MB", "GB", "TB", "PB"});
}
inline std::string records_text(double records) {
    return by_thousands(
        records, {"records", "k records", "M records", "G records", "T records", "P records"});
}

/// A time span for a report: 850 ns, 1.24 s, 4 min 10 s, 2 h 5 min.
inline std::string span_text(std::int64_t ns) {
    if (ns < 0) ns = 0;
    auto const value = static_cast<double>(ns);
    if (ns < 60'000'000'000) {
        if (value < 999.5) return std::to_string(ns) + " ns";
        if (value < 999.5e3) return three_digits(value / 1e3) + " us";
        if (value < 999.5e6) return three_digits(value / 1e6) + " ms";
        return three_digits(value / 1e9) + " s";
    }
    std::int64_t const seconds = ns / 1'000'000'000;
    if (seconds < 3600)
        return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
    std::int64_t const minutes = seconds / 60;
    if (minutes < 2880)  // two days
        return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
    return std::to_string(minutes / 1440) + " d " + std::to_string(minutes / 60 % 24) + " h";
}

}  // namespace millrace::detail
