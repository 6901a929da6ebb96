// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Numbers in text, exactly: what formats read and write.

#include <bit>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace millrace {

/// Why a piece of text is not a value. `message` has the words for a dead letter.
enum class text_error : std::uint8_t {
    none,
    empty,
    not_a_number,
    not_an_integer,
    out_of_range,
    too_long,
    not_a_bool,
    not_a_time,
    not_one_character,
    not_a_string,
    not_an_object,
    null,
    quote_misplaced,
    bad_string,
    bad_utf8,
    malformed,
};

constexpr std::string_view message(text_error e) {
    constexpr std::string_view words[] = {
        "no error",
        "is empty where a value is needed",
        "is not a number",
        "is not an integer",
        "is out of the range of its type",
        "is longer than its text<N> holds",
        "is neither true nor false",
        "is not a time like 2013-01-01T05:00:00Z",
        "is not one character",
        "is not a string",
        "is not an object",
        "is null where a value is needed",
        "has text behind its closing quote",
        "is not a well-formed string",
        "is not valid UTF-8",
        "is malformed",
    };
    return words[static_cast<std::size_t>(e)];
}

namespace detail {

inline std::uint64_t load_8(char const* p) {
    std::uint64_t v;
    std::memcpy(&v, p, 8);
    return v;
}

/// Are all eight bytes digits?
constexpr bool eight_digits(std::uint64_t v) {
    return (((v + 0x4646464646464646) | (v - 0x3030303030303030)) & 0x8080808080808080) == 0;
}

/// The value of eight digits, the first in the lowest byte (Lemire, «Quickly parsing eight digits»,
/// 2018).
constexpr std::uint64_t eight_digits_value(std::uint64_t v) {
    v -= 0x3030303030303030;
    v = v * 10 + (v >> 8);
    return ((v & 0x000000FF000000FF) * 0x000F424000000064
            + ((v >> 16) & 0x000000FF000000FF) * 0x0000271000000001)
           >> 32;
}

/// Digits only, of any number; the value saturates above int64 with `overflow` set.
inline bool read_digits(char const* p, char const* end, std::uint64_t& value, bool& overflow) {
    std::uint64_t sum = 0;
    for (; end - p >= 8; p += 8) {
        std::uint64_t const v = load_8(p);
        if (!eight_digits(v)) return false;
        overflow |= __builtin_mul_overflow(sum, std::uint64_t{100'000'000}, &sum);
        overflow |= __builtin_add_overflow(sum, eight_digits_value(v), &sum);
    }
    for (; p != end; ++p) {
        unsigned const digit = static_cast<unsigned char>(*p) - unsigned{'0'};
        if (digit > 9) return false;
        overflow |= __builtin_mul_overflow(sum, std::uint64_t{10}, &sum);
        overflow |= __builtin_add_overflow(sum, std::uint64_t{digit}, &sum);
    }
    value = sum;
    return true;
}

/// The magnitude and the sign as a value of `I`, or out of range.
template <std::integral I>
text_error fit_integer(std::uint64_t magnitude, bool negative, I& out) {
    if constexpr (std::is_signed_v<I>) {
        constexpr auto top = static_cast<std::uint64_t>(std::numeric_limits<I>::max());
        if (magnitude > top + (negative ? 1 : 0)) [[unlikely]]
            return text_error::out_of_range;
        out = static_cast<I>(negative ? 0 - magnitude : magnitude);
    } else {
        if (magnitude > std::numeric_limits<I>::max() || (negative && magnitude != 0)) [[unlikely]]
            return text_error::out_of_range;
        out = static_cast<I>(magnitude);
    }
    return text_error::none;
}

/// The rare shapes of an integer: long, empty, malformed, or at the end of memory.
template <std::integral I>
[[gnu::noinline]] text_error read_any_integer(char const* p, char const* end, I& out) {
    if (p == end) return text_error::empty;
    bool const negative = *p == '-';
    p += negative;
    std::uint64_t magnitude = 0;
    bool overflow = false;
    if (p == end || !read_digits(p, end, magnitude, overflow)) return text_error::not_a_number;
    if (overflow) return text_error::out_of_range;
    return fit_integer(magnitude, negative, out);
}

/// The whole of [p, end) as an integer: an optional minus and digits. Memory may be read up to
/// `readable`: where that is far enough, up to eight digits are taken at once.
template <std::integral I>
[[gnu::always_inline]] inline text_error read_integer(char const* p, char const* end,
                                                      char const* readable, I& out) {
    if (readable - p > 8) [[likely]] {
        bool const negative = *p == '-';
        char const* const first = p + negative;
        auto const unused =
            static_cast<unsigned>(64 - 8 * (end - first));  // bits in front of the first digit
        if (unused <= 56) [[likely]] {
            std::uint64_t const zeros = (0x3030303030303030 >> 1) >> (63 - unused);
            std::uint64_t const v = (load_8(first) << unused) | zeros;
            if (eight_digits(v)) [[likely]]
                return fit_integer(eight_digits_value(v), negative, out);
        }
    }
    return read_any_integer(p, end, out);
}

/// Powers of ten that a double holds exactly.
inline constexpr double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                           1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                           1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// digits × 10^exponent where one correctly rounded operation gives the exact answer (Clinger,
/// 1990), else false.
template <std::floating_point F>
bool exact_decimal(std::uint64_t digits, int exponent, bool negative, F& out) {
    constexpr std::uint64_t digits_max = std::uint64_t{1} << std::numeric_limits<F>::digits;
    constexpr int exponent_max = std::is_same_v<F, float> ? 10 : 22;
    if (digits > digits_max || exponent < -exponent_max || exponent > exponent_max) return false;
    F value = static_cast<F>(digits);
    if (exponent < 0)
        value /= static_cast<F>(powers_of_ten[-exponent]);
    else
        value *= static_cast<F>(powers_of_ten[exponent]);
    out = negative ? -value : value;
    return true;
}

/// The whole of [p, end) as a number, correctly rounded; `nan` and `inf` are taken as `from_chars`
/// takes them.
template <std::floating_point F>
text_error read_floating(char const* p, char const* end, F& out) {
    if (p == end) [[unlikely]]
        return text_error::empty;
    char const* q = p;
    bool const negative = *q == '-';
    q += negative;
    char const* const first = q;
    std::uint64_t digits = 0;
    while (q != end && static_cast<unsigned char>(*q - '0') <= 9)
        digits = digits * 10 + static_cast<unsigned char>(*q++ - '0');
    std::ptrdiff_t count = q - first;
    int exponent = 0;
    if (q != end && *q == '.') {
        char const* const point = ++q;
        while (q != end && static_cast<unsigned char>(*q - '0') <= 9)
            digits = digits * 10 + static_cast<unsigned char>(*q++ - '0');
        exponent = static_cast<int>(-(q - point));
        count += q - point;
    }
    if (q == end && count > 0 && count <= 19 && exact_decimal(digits, exponent, negative, out))
        return text_error::none;
    auto const [stop, error] = std::from_chars(p, end, out);
    if (error == std::errc::result_out_of_range && stop == end) return text_error::out_of_range;
    return error == std::errc{} && stop == end ? text_error::none : text_error::not_a_number;
}

/// Bytes that any number takes as text.
inline constexpr std::size_t number_bytes_max = 32;

/// Writes a number in its shortest form that reads back equal; `out` has `number_bytes_max` bytes
/// of room.
template <class N>
    requires std::integral<N> || std::floating_point<N>
char* write_number(char* out, N value) {
    return std::to_chars(out, out + number_bytes_max, value).ptr;
}

}  // namespace detail
}  // namespace millrace
