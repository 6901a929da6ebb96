// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A JSON value to the value of a field. Both ways of reading, the guess and simdjson's, use these
// same functions.

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
    scratch_arena& scratch;
    json_options const& options;
};

/// Where a value ended, or what is wrong with it.
struct json_result {
    char const* end;
    text_error error = text_error::none;
};

[[gnu::cold]] inline json_result json_no_value(char const* p, text_error otherwise) {
    return {p, std::memcmp(p, "null", 4) == 0 ? text_error::null : otherwise};
}

/// The text of the string [begin, end), which has escapes: in the scratch.
[[gnu::noinline]] inline text_error json_unescaped(char const* begin, char const* end,
                                                   json_reading const& in, std::string_view& out) {
    char* const text = in.scratch.take(static_cast<std::size_t>(end - begin) + 8);
    char* const text_end = json_unescape(text, begin, end);
    if (text_end == nullptr) return text_error::bad_string;
    out = {text, static_cast<std::size_t>(text_end - text)};
    return text_error::none;
}

/// A string: a view of the line, or of the scratch where it had escapes.
[[gnu::always_inline]] inline json_result json_read_string(char const* p, json_reading const& in,
                                                           json_met& met, std::string_view& out) {
    if (*p != '"') [[unlikely]]
        return json_no_value(p, text_error::not_a_string);
    json_met here;
    char const* const end = json_string(p + 1, here);
    if (end == nullptr) [[unlikely]]
        return {p, text_error::bad_string};
    met.merge(here);
    out = {p + 1, static_cast<std::size_t>(end - p - 2)};
    if (here.escaped) [[unlikely]]
        return {end, json_unescaped(p + 1, end - 1, in, out)};
    return {end};
}

template <std::integral I>
[[gnu::noinline]] json_result json_read_any_integer(char const* p, I& out) {
    json_number number{};
    char const* const end = json_read_number(p, number);
    if (end == nullptr) return json_no_value(p, text_error::not_a_number);
    if (!number.integral) return {p, text_error::not_an_integer};
    return {end, read_any_integer(p, end, out)};
}

/// Up to 16 digits at once.
template <std::integral I>
[[gnu::always_inline]] inline json_result json_read_integer(char const* p, I& out) {
    bool const negative = *p == '-';
    char const* const first = p + negative;
    std::uint64_t const v = load_8(first);
    unsigned bits = json_digit_bits(v);
    std::uint64_t magnitude = 0;
    char const* end = first + bits / 8;
    if (bits == 0 || (*first == '0' && bits > 8)) [[unlikely]]
        return json_read_any_integer(p, out);
    magnitude = json_digits_value(v, bits);
    if (bits == 64) {
        constexpr std::uint64_t power[] = {1,      10,      100,       1000,
                                           10'000, 100'000, 1'000'000, 10'000'000};
        std::uint64_t const next = load_8(end);
        bits = json_digit_bits(next);
        if (bits == 64) [[unlikely]]
            return json_read_any_integer(p, out);
        if (bits != 0) magnitude = magnitude * power[bits / 8] + json_digits_value(next, bits);
        end += bits / 8;
    }
    if (*end == '.' || (*end | 0x20) == 'e') [[unlikely]]
        return json_read_any_integer(p, out);
    return {end, fit_integer(magnitude, negative, out)};
}

template <std::floating_point F>
[[gnu::noinline]] json_result json_read_any_floating(char const* p, F& out) {
    json_number number{};
    char const* const end = json_read_number(p, number);
    if (end == nullptr) return json_no_value(p, text_error::not_a_number);
    if (number.exact && exact_decimal(number.digits, number.exponent, number.negative, out))
        return {end};
    return {end, std::from_chars(p, end, out).ec == std::errc{} ? text_error::none
                                                                : text_error::out_of_range};
}

/// Digits, a point and digits, eight bytes in all, go at once: the point is taken out, and one
/// division is exact.
template <std::floating_point F>
[[gnu::always_inline]] inline json_result json_read_floating(char const* p, F& out) {
    bool const negative = *p == '-';
    char const* const first = p + negative;
    std::uint64_t const v = load_8(first);
    unsigned const whole = json_digit_bits(v);
    if (whole - 8 > 40 || first[whole / 8] != '.' || (*first == '0' && whole > 8)) [[unlikely]]
        return json_read_any_floating(p, out);
    std::uint64_t const below = (std::uint64_t{1} << whole) - 1;
    std::uint64_t const digits = (v & below) | ((v >> 8) & ~below);
    unsigned const bits = json_digit_bits(digits & 0x00FFFFFFFFFFFFFF);
    char const* const end = first + bits / 8 + 1;
    if (bits == whole || bits == 56 || (*end | 0x20) == 'e'
        || !exact_decimal(json_digits_value(digits, bits), -static_cast<int>((bits - whole) / 8),
                          negative, out)) [[unlikely]]
        return json_read_any_floating(p, out);
    return {end};
}

/// The text of a string as a `T`.
template <class T>
[[gnu::always_inline]] inline text_error json_from_string(std::string_view text, T& out) {
    // Eight bytes behind a string are readable: there is `json_slack`, or the scratch has them.
    char const* const end = text.data() + text.size();
    return from_text(out, text.data(), end, end + 8, time_format::rfc3339);
}

/// Is a `T` a string in JSON?
template <class T>
constexpr bool json_is_string(json_options const& options) {
    if constexpr (std::same_as<T, time_point>)
        return options.time == time_format::rfc3339;
    else
        return is_text<T> || std::same_as<T, char> || std::same_as<T, std::string>
               || std::same_as<T, std::string_view>;
}

/// The value at `p` as a `T`.
template <text_field T>
[[gnu::always_inline]] inline json_result json_read_value(char const* p, json_reading const& in,
                                                          json_met& met, T& out) {
    if constexpr (std::same_as<T, bool>) {
        out = *p == 't';
        if (std::memcmp(p, out ? "true" : "false", out ? 4 : 5) != 0)
            return json_no_value(p, text_error::not_a_bool);
        return {p + (out ? 4 : 5)};
    } else if constexpr (plain_integer<T>) {
        return json_read_integer(p, out);
    } else if constexpr (std::floating_point<T>) {
        return json_read_floating(p, out);
    } else if constexpr (std::is_enum_v<T>) {
        std::underlying_type_t<T> value{};
        auto const result = json_read_value(p, in, met, value);
        out = static_cast<T>(value);
        return result;
    } else if constexpr (std::same_as<T, duration>) {
        return json_read_integer(p, out.ns);
    } else {
        if constexpr (std::same_as<T, time_point>)
            if (!json_is_string<T>(in.options)) {
                std::int64_t count = 0;
                auto const result = json_read_integer(p, count);
                if (result.error != text_error::none) return result;
                return {result.end, fit_epoch(count, in.options.time, out)};
            }
        std::string_view text;
        auto const result = json_read_string(p, in, met, text);
        if (result.error != text_error::none) [[unlikely]]
            return result;
        return {result.end, json_from_string(text, out)};
    }
}

}  // namespace millrace::detail
