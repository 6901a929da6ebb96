// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The grammar of JSON (RFC 8259) on one line: strings, numbers, and values that are only walked over.
//
// All of it reads memory in steps of up to `json_slack` bytes, so that many bytes behind the limit must be readable. Each
// function moves its pointer behind what it read, and answers false where the text is malformed or reaches the limit.

#include <emmintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <millrace/io/number.hpp>
#include <millrace/io/utf8.hpp>

namespace millrace::detail {

inline constexpr std::ptrdiff_t json_slack = 64;
inline constexpr int json_depth_max = 1000;

/// Where reading ends, and what was met on the way.
struct json_bounds {
    char const* limit;
    bool non_ascii = false;  ///< in a string: the line's UTF-8 is to be checked
};

inline bool json_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
inline void json_skip_blanks(char const*& p) {
    while (json_blank(*p)) ++p;
}
inline bool json_digit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }
inline bool json_hex(char c) { return json_digit(c) || static_cast<unsigned char>((c | 0x20) - 'a') <= 5; }

/// What is special in 16 bytes of a string: bits 0 to 15 are ends, backslashes and control characters; bits 16 to 31 bytes
/// that are not ASCII.
[[gnu::always_inline]] inline std::uint32_t json_string_marks(char const* p) {
    __m128i const v = _mm_loadu_si128(reinterpret_cast<__m128i const*>(p));
    __m128i const control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
    __m128i const special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                                      _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))), control);
    return static_cast<std::uint32_t>(_mm_movemask_epi8(special)) |
           (static_cast<std::uint32_t>(_mm_movemask_epi8(v)) << 16);
}

/// An escape: `p` stands on its backslash.
inline bool json_escape(char const*& p) {
    char const c = p[1];
    if (c == 'u') {
        if (!json_hex(p[2]) || !json_hex(p[3]) || !json_hex(p[4]) || !json_hex(p[5])) return false;
        p += 6;
        return true;
    }
    if (c != '"' && c != '\\' && c != '/' && c != 'b' && c != 'f' && c != 'n' && c != 'r' && c != 't') return false;
    p += 2;
    return true;
}

/// The inside of a string: `p` stands behind its opening quote, and is left behind the closing one.
[[gnu::always_inline]] inline bool json_string(char const*& p, json_bounds& bounds, bool& escaped) {
    for (;;) {
        std::uint32_t const marks = json_string_marks(p);
        std::uint32_t const special = marks & 0xFFFF;
        if (special == 0) {
            bounds.non_ascii |= marks != 0;
            p += 16;
            if (p > bounds.limit) [[unlikely]]
                return false;
            continue;
        }
        int const at = std::countr_zero(special);
        bounds.non_ascii |= ((marks >> 16) & ((1U << at) - 1)) != 0;
        p += at;
        if (*p == '"') [[likely]] {
            ++p;
            return true;
        }
        if (*p != '\\' || !json_escape(p) || p > bounds.limit) return false;
        escaped = true;
    }
}

/// The four hexadecimal digits at `p`.
inline std::uint32_t json_hex_value(char const* p) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i)
        value = value * 16 + static_cast<std::uint32_t>(json_digit(p[i]) ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return value;
}

/// Undoes the escapes of [p, end), whose form was checked; `out` has as much room. Null at half a surrogate pair.
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

/// A number as its parts. `digits` is exact where `exact` is set: at most 19 digits before any exponent.
struct json_number {
    char const* begin;
    std::uint64_t digits = 0;
    int exponent = 0;
    bool negative = false;
    bool integral = true;  ///< neither fraction nor exponent
    bool exact = false;
};

inline bool json_read_number(char const*& p, json_number& out) {
    out.begin = p;
    out.negative = *p == '-';
    p += out.negative;
    char const* const first = p;
    if (!json_digit(*p)) return false;
    while (json_digit(*p)) out.digits = out.digits * 10 + static_cast<unsigned char>(*p++ - '0');
    std::ptrdiff_t count = p - first;
    if (*first == '0' && count > 1) return false;
    bool small_exponent = true;
    if (*p == '.') {
        char const* const point = ++p;
        while (json_digit(*p)) out.digits = out.digits * 10 + static_cast<unsigned char>(*p++ - '0');
        if (p == point) return false;
        count += p - point;
        out.exponent = -static_cast<int>(p - point < 1000 ? p - point : 1000);
        out.integral = false;
    }
    if ((*p | 0x20) == 'e') {
        ++p;
        bool const minus = *p == '-';
        p += minus || *p == '+';
        if (!json_digit(*p)) return false;
        int e = 0;
        for (; json_digit(*p); ++p) e = e < 10'000 ? e * 10 + (*p - '0') : e;
        small_exponent = e < 1000;
        out.exponent += minus ? -e : e;
        out.integral = false;
    }
    out.exact = count <= 19 && small_exponent;
    return true;
}

/// Any value, walked over and checked; its strings' escapes in form only, so that half a surrogate pair passes.
inline bool json_skip(char const*& p, json_bounds& bounds, int depth = 0) {
    if (p > bounds.limit) return false;
    bool escaped = false;
    char const open = *p;
    if (open == '"') return json_string(++p, bounds, escaped);
    if (open != '{' && open != '[') {
        for (std::string_view const word : {std::string_view{"true"}, std::string_view{"false"}, std::string_view{"null"}})
            if (std::memcmp(p, word.data(), word.size()) == 0) {
                p += word.size();
                return true;
            }
        json_number number{};
        return json_read_number(p, number) && p <= bounds.limit;
    }
    if (depth == json_depth_max) return false;
    char const close = open == '{' ? '}' : ']';
    json_skip_blanks(++p);
    if (*p == close) return ++p, true;
    for (;; ++p) {
        json_skip_blanks(p);
        if (open == '{') {
            if (p > bounds.limit || *p++ != '"' || !json_string(p, bounds, escaped)) return false;
            json_skip_blanks(p);
            if (*p++ != ':') return false;
            json_skip_blanks(p);
        }
        if (!json_skip(p, bounds, depth + 1)) return false;
        json_skip_blanks(p);
        if (*p == close) return ++p, true;
        if (*p != ',') return false;
    }
}

}  // namespace millrace::detail
