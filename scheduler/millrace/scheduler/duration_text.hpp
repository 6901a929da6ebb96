// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Durations as people write them: `500ms`, `90s`, `7min`, `1h30min`, `2d`.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/model/time.hpp>

namespace millrace {

namespace detail {

__extension__ using wide = __int128;  // ns times a fraction exceeds 64 bits

struct duration_unit {
    std::string_view name;
    std::int64_t ns;
};
/// From the largest; `min` stands before `m…` could be anything else, and there is no bare `m`:
/// month, minute or milli?
inline constexpr std::array<duration_unit, 7> duration_units{{{"d", 86'400'000'000'000},
                                                              {"h", 3'600'000'000'000},
                                                              {"min", 60'000'000'000},
                                                              {"s", 1'000'000'000},
                                                              {"ms", 1'000'000},
                                                              {"us", 1'000},
                                                              {"ns", 1}}};

/// A number with at most nine decimals and its unit; takes them off `text`. False where there is
/// none, or no room.
inline bool read_duration_part(std::string_view& text, std::int64_t& total) {
    std::size_t at = 0;
    std::int64_t whole = 0;
    std::int64_t fraction = 0;
    std::int64_t scale = 1;
    auto const digit = [&] { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
    if (!digit()) return false;
    for (; digit(); ++at)
        if (__builtin_mul_overflow(whole, 10, &whole)
            || __builtin_add_overflow(whole, text[at] - '0', &whole))
            return false;
    if (at < text.size() && text[at] == '.') {
        ++at;
        if (!digit()) return false;
        for (; digit(); ++at, scale *= 10) {
            if (scale == 1'000'000'000) return false;
            fraction = fraction * 10 + (text[at] - '0');
        }
    }
    std::size_t const unit_begin = at;
    while (at < text.size() && text[at] >= 'a' && text[at] <= 'z') ++at;
    std::string_view const name = text.substr(unit_begin, at - unit_begin);
    for (duration_unit const& unit : duration_units) {
        if (unit.name != name) continue;
        auto const part = static_cast<wide>(unit.ns) * fraction / scale;  // below ns: cut
        std::int64_t ns = 0;
        text.remove_prefix(at);
        return !__builtin_mul_overflow(whole, unit.ns, &ns)
               && !__builtin_add_overflow(ns, static_cast<std::int64_t>(part), &ns)
               && !__builtin_add_overflow(total, ns, &total);
    }
    return false;
}
}  // namespace detail

/// Reads one or several numbers with units, and a bare `0`. False, and `out` unchanged, for what is
/// no duration.
[[nodiscard]] inline bool read_duration(std::string_view text, duration& out) {
    bool const negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    std::int64_t total = 0;
    if (text == "0") text = "0s";
    if (text.empty()) return false;
    while (!text.empty())
        if (!detail::read_duration_part(text, total)) return false;
    out = duration(negative ? -total : total);
    return true;
}

/// In the largest unit that needs no fraction: `90s`, `1h`, `0s`. Reads back equal, but for int64's
/// lowest value.
[[nodiscard]] inline std::string duration_text(duration d) {
    if (d.ns == 0) return "0s";
    for (detail::duration_unit const& unit : detail::duration_units)
        if (d.ns % unit.ns == 0) return std::to_string(d.ns / unit.ns).append(unit.name);
    return {};
}

}  // namespace millrace
