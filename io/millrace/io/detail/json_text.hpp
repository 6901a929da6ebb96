// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The grammar of JSON (RFC 8259) on one line: strings, numbers, and values that are only walked
// over.
//
// Nothing here has a bound to check: every function stops at a line end. So one must stand behind
// the value, with `json_slack` readable bytes behind it. Each returns where it stopped reading, or
// null: malformed.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <emmintrin.h>
#include <string_view>

#include <millrace/io/number.hpp>
#include <millrace/io/utf8.hpp>

namespace millrace::detail {

inline constexpr std::ptrdiff_t json_slack = 64;
inline constexpr int json_depth_max = 1000;

/// What was met in strings.
struct json_met {
    __m128i bytes = _mm_setzero_si128();  ///< their union, and that of some bytes behind them
    bool escaped = false;

    /// Perhaps something was not ASCII: the line's UTF-8 is to be checked.
    [[nodiscard]] bool non_ascii() const { return _mm_movemask_epi8(bytes) != 0; }
    void merge(json_met const& other) { bytes = _mm_or_si128(bytes, other.bytes); }
};

inline char const* json_behind_blanks(char const* p) {
    while (*p == ' ' || *p == '\t' || *p == '\r') ++p;
    return p;
}
inline bool json_digit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }
inline bool json_hex(char c) {
    return json_digit(c) || static_cast<unsigned char>((c | 0x20) - 'a') <= 5;
}

/// Marks quotes, backslashes and control characters. A quote is 0x22: with that bit turned it is
/// the first byte above the control characters, and one comparison finds both.
[[gnu::always_inline]] inline __m128i json_specials(__m128i v) {
    __m128i const turned = _mm_xor_si128(v, _mm_set1_epi8(0x02));
    __m128i const low = _mm_cmpeq_epi8(_mm_min_epu8(turned, _mm_set1_epi8(0x20)), turned);
    return _mm_or_si128(low, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
}
[[gnu::always_inline]] inline __m128i json_load(char const* p) {
    return _mm_loadu_si128(reinterpret_cast<__m128i const*>(p));
}

/// Behind the escape whose backslash is at `p`.
inline char const* json_escape(char const* p) {
    constexpr std::string_view known = "\"\\/bfnrt";
    if (p[1] == 'u')
        return json_hex(p[2]) && json_hex(p[3]) && json_hex(p[4]) && json_hex(p[5]) ? p + 6
                                                                                    : nullptr;
    return known.find(p[1]) != std::string_view::npos ? p + 2 : nullptr;
}

/// The inside of a string that begins at `p`; returns behind its closing quote.
[[gnu::always_inline]] inline char const* json_string(char const* p, json_met& met) {
    for (;;) {
        __m128i const v = json_load(p);
        auto const special = static_cast<std::uint32_t>(_mm_movemask_epi8(json_specials(v)));
        met.bytes = _mm_or_si128(met.bytes, v);
        if (special == 0) {
            p += 16;
            continue;
        }
        p += std::countr_zero(special);
        if (*p == '"') [[likely]]
            return p + 1;
        if (*p != '\\' || (p = json_escape(p)) == nullptr) return nullptr;
        met.escaped = true;
    }
}

/// The same 64 bytes at a time: for strings that are mostly longer than 16, whose number of steps
/// would be a guess.
[[gnu::always_inline]] inline char const* json_long_string(char const* p, json_met& met) {
    for (;;) {
        std::uint64_t special = 0;
        for (int i = 0; i < 4; ++i) {
            __m128i const v = json_load(p + 16 * i);
            auto const mask = static_cast<std::uint32_t>(_mm_movemask_epi8(json_specials(v)));
            special |= std::uint64_t{mask} << (16 * i);
            met.bytes = _mm_or_si128(met.bytes, v);
        }
        if (special == 0) {
            p += 64;
            continue;
        }
        p += std::countr_zero(special);
        if (*p == '"') [[likely]]
            return p + 1;
        if (*p != '\\' || (p = json_escape(p)) == nullptr) return nullptr;
        met.escaped = true;
    }
}

/// Has the string that begins at `p` just `size` bytes, no escape among them? Its end needs not be
/// looked for, so what follows can be read at the same time.
[[gnu::always_inline]] inline bool json_string_has(char const* p, std::size_t size, json_met& met) {
    char const* const end = p + size;
    __m128i specials = _mm_setzero_si128();
    for (; end - p >= 16; p += 16) {
        __m128i const v = json_load(p);
        specials = _mm_or_si128(specials, json_specials(v));
        met.bytes = _mm_or_si128(met.bytes, v);
    }
    __m128i const v = json_load(p);
    met.bytes = _mm_or_si128(met.bytes, v);
    auto const last = static_cast<std::uint32_t>(_mm_movemask_epi8(json_specials(v)));
    return *end == '"' && (last & (0 - last)) == 1U << (end - p)
           && _mm_movemask_epi8(specials) == 0;
}

/// The four hexadecimal digits at `p`.
inline std::uint32_t json_hex_value(char const* p) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i)
        value =
            value * 16
            + static_cast<std::uint32_t>(json_digit(p[i]) ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return value;
}

/// Undoes the escapes of [p, end), whose form was checked; `out` has as much room. Null at half a
/// surrogate pair.
inline char* json_unescape(char* out, char const* p, char const* end) {
    while (p != end) {
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        char const c = p[1];
        p += 2;
        if (c != 'u') {
            constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
            *out++ = to[from.find(c)];
            continue;
        }
        std::uint32_t code = json_hex_value(p);
        p += 4;
        if (code >= 0xD800 && code < 0xE000) {
            if (code >= 0xDC00 || end - p < 6 || p[0] != '\\' || p[1] != 'u') return nullptr;
            std::uint32_t const low = json_hex_value(p + 2);
            if (low < 0xDC00 || low >= 0xE000) return nullptr;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            p += 6;
        }
        out = write_utf8(out, code);
    }
    return out;
}

/// A number as its parts. `digits` is exact where `exact` is set: at most 19 digits before any
/// exponent.
struct json_number {
    char const* begin;
    std::uint64_t digits = 0;
    int exponent = 0;
    bool negative = false;
    bool integral = true;  ///< neither fraction nor exponent
    bool exact = false;
};

inline char const* json_read_number(char const* p, json_number& out) {
    out.begin = p;
    out.negative = *p == '-';
    p += out.negative;
    char const* const first = p;
    while (json_digit(*p)) out.digits = out.digits * 10 + static_cast<unsigned char>(*p++ - '0');
    std::ptrdiff_t count = p - first;
    if (count == 0 || (*first == '0' && count > 1)) return nullptr;
    bool small_exponent = true;
    if (*p == '.') {
        char const* const point = ++p;
        while (json_digit(*p))
            out.digits = out.digits * 10 + static_cast<unsigned char>(*p++ - '0');
        if (p == point) return nullptr;
        count += p - point;
        out.exponent = -static_cast<int>(p - point < 1000 ? p - point : 1000);
        out.integral = false;
    }
    if ((*p | 0x20) == 'e') {
        ++p;
        bool const minus = *p == '-';
        p += minus || *p == '+';
        if (!json_digit(*p)) return nullptr;
        int e = 0;
        for (; json_digit(*p); ++p) e = e < 10'000 ? e * 10 + (*p - '0') : e;
        small_exponent = e < 1000;
        out.exponent += minus ? -e : e;
        out.integral = false;
    }
    out.exact = count <= 19 && small_exponent;
    return p;
}

/// Digits in front of the first other byte of eight, in bits; 64 if all are. The lowest other byte
/// is sure.
[[gnu::always_inline]] inline unsigned json_digit_bits(std::uint64_t v) {
    std::uint64_t const others =
        ((v + 0x4646464646464646) | (v - 0x3030303030303030)) & 0x8080808080808080;
    return others == 0 ? 64 : static_cast<unsigned>(std::countr_zero(others)) & ~7U;
}

/// The value of the lowest `bits` / 8 digits, 8 to 64.
[[gnu::always_inline]] inline std::uint64_t json_digits_value(std::uint64_t v, unsigned bits) {
    return eight_digits_value((v << (64 - bits)) | ((0x3030303030303030 >> 1) >> (bits - 1)));
}

/// Any value, walked over and checked; its strings' escapes in form only, so that half a surrogate
/// pair passes.
[[gnu::noinline]] inline char const* json_skip(char const* p, json_met& met, int depth = 0) {
    char const open = *p;
    if (open == '"') return json_string(p + 1, met);
    if (open != '{' && open != '[') {
        if (std::memcmp(p, "true", 4) == 0 || std::memcmp(p, "null", 4) == 0) return p + 4;
        if (std::memcmp(p, "false", 5) == 0) return p + 5;
        json_number number{};
        return json_read_number(p, number);
    }
    if (depth == json_depth_max) return nullptr;
    char const close = open == '{' ? '}' : ']';
    p = json_behind_blanks(p + 1);
    if (*p == close) return p + 1;
    for (;; ++p) {
        p = json_behind_blanks(p);
        if (open == '{') {
            if (*p != '"' || (p = json_string(p + 1, met)) == nullptr) return nullptr;
            p = json_behind_blanks(p);
            if (*p != ':') return nullptr;
            p = json_behind_blanks(p + 1);
        }
        p = json_skip(p, met, depth + 1);
        if (p == nullptr) return nullptr;
        p = json_behind_blanks(p);
        if (*p == close) return p + 1;
        if (*p != ',') return nullptr;
    }
}

}  // namespace millrace::detail
