// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A JSON value to the value of a field. Both ways of reading, the guess and simdjson's, use these same functions.

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include <millrace/io/detail/format_memory.hpp>
#include <millrace/io/detail/from_text.hpp>
#include <millrace/io/detail/json_text.hpp>
#include <millrace/io/detail/schema.hpp>
#include <millrace/io/json_options.hpp>

namespace millrace::detail {

/// What reading a value needs besides its place.
struct json_reading {
    json_bounds bounds;
    scratch_arena& scratch;
    json_options const& options;
};

inline text_error json_no_value(char const* p, text_error otherwise) {
    return std::memcmp(p, "null", 4) == 0 ? text_error::null : otherwise;
}

/// A string: a view of the line, or of the scratch where it had escapes.
[[gnu::always_inline]] inline text_error json_read_string(char const*& p, json_reading& in, std::string_view& out) {
    if (*p != '"') [[unlikely]]
        return json_no_value(p, text_error::not_a_string);
    char const* const begin = ++p;
    bool escaped = false;
    if (!json_string(p, in.bounds, escaped)) [[unlikely]]
        return text_error::bad_string;
    out = {begin, static_cast<std::size_t>(p - 1 - begin)};
    if (!escaped) [[likely]]
        return text_error::none;
    char* const text = in.scratch.take(out.size() + 8);
    char* const end = json_unescape(text, begin, p - 1);
    if (end == nullptr) return text_error::bad_string;
    out = {text, static_cast<std::size_t>(end - text)};
    return text_error::none;
}

template <std::integral I>
[[gnu::always_inline]] inline text_error json_read_integer(char const*& p, I& out) {
    bool const negative = *p == '-';
    char const* const first = p + negative;
    std::uint64_t const v = load_8(first);
    std::uint64_t const others = ((v + 0x4646464646464646) | (v - 0x3030303030303030)) & 0x8080808080808080;
    auto const bits = static_cast<unsigned>(std::countr_zero(others)) & ~7U;  // of digits; the lowest other byte is sure
    if (others != 0 && bits != 0 && (*first != '0' || bits == 8)) [[likely]] {
        char const* const end = first + bits / 8;
        if (*end != '.' && (*end | 0x20) != 'e') [[likely]] {
            p = end;
            return fit_integer(eight_digits_value((v << (64 - bits)) | (0x3030303030303030 >> bits)), negative, out);
        }
        return text_error::not_an_integer;
    }
    char const* const begin = p;
    json_number number{};
    if (!json_read_number(p, number)) return json_no_value(begin, text_error::not_a_number);
    if (!number.integral) return text_error::not_an_integer;
    return read_any_integer(begin, p, out);
}

template <std::floating_point F>
text_error json_read_floating(char const*& p, F& out) {
    char const* const begin = p;
    json_number number{};
    if (!json_read_number(p, number)) return json_no_value(begin, text_error::not_a_number);
    if (number.exact && exact_decimal(number.digits, number.exponent, number.negative, out)) [[likely]]
        return text_error::none;
    return std::from_chars(begin, p, out).ec == std::errc{} ? text_error::none : text_error::out_of_range;
}

/// The value at `p` as a `T`; `p` is left behind it.
template <text_field T>
[[gnu::always_inline]] inline text_error json_read_value(char const*& p, json_reading& in, T& out) {
    if constexpr (std::same_as<T, bool>) {
        out = *p == 't';
        std::string_view const word = out ? "true" : "false";
        if (std::memcmp(p, word.data(), word.size()) != 0) return json_no_value(p, text_error::not_a_bool);
        p += word.size();
        return text_error::none;
    } else if constexpr (plain_integer<T>) {
        return json_read_integer(p, out);
    } else if constexpr (std::floating_point<T>) {
        return json_read_floating(p, out);
    } else if constexpr (std::is_enum_v<T>) {
        std::underlying_type_t<T> value{};
        auto const e = json_read_value(p, in, value);
        out = static_cast<T>(value);
        return e;
    } else if constexpr (std::same_as<T, duration>) {
        return json_read_integer(p, out.ns);
    } else {
        if constexpr (std::same_as<T, time_point>)
            if (in.options.time != time_format::rfc3339) {
                std::int64_t count = 0;
                auto const e = json_read_integer(p, count);
                return e == text_error::none ? fit_epoch(count, in.options.time, out) : e;
            }
        std::string_view text;
        if (auto const e = json_read_string(p, in, text); e != text_error::none) [[unlikely]]
            return e;
        // eight bytes behind a string can be read: the limit's slack, or the scratch's
        return from_text(out, text.data(), text.data() + text.size(), text.data() + text.size() + 8,
                         time_format::rfc3339);
    }
}

}  // namespace millrace::detail
