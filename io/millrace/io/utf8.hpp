// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// UTF-8 by RFC 3629: is it valid, and how long is the sequence that begins here.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <millrace/io/number.hpp>

namespace millrace::detail {

/// The length of the valid sequence at `p`, or 0: no overlong forms, no surrogates, nothing above
/// U+10FFFF.
constexpr std::size_t utf8_sequence(char const* p, char const* end) {
    auto const at = [p](std::ptrdiff_t i) { return static_cast<unsigned char>(p[i]); };
    auto const follows = [&](std::ptrdiff_t i) { return (at(i) & 0xC0) == 0x80; };
    std::ptrdiff_t const room = end - p;
    unsigned const lead = at(0);
    if (lead < 0x80) return 1;
    if (lead < 0xC2) return 0;
    if (lead < 0xE0) return room >= 2 && follows(1) ? 2 : 0;
    if (lead < 0xF0) {
        if (room < 3 || !follows(1) || !follows(2)) return 0;
        if (lead == 0xE0 && at(1) < 0xA0) return 0;
        if (lead == 0xED && at(1) > 0x9F) return 0;
        return 3;
    }
    if (lead > 0xF4 || room < 4 || !follows(1) || !follows(2) || !follows(3)) return 0;
    if (lead == 0xF0 && at(1) < 0x90) return 0;
    if (lead == 0xF4 && at(1) > 0x8F) return 0;
    return 4;
}

/// Is all of it valid UTF-8? Eight ASCII bytes at a time.
inline bool is_utf8(std::string_view text) {
    char const* p = text.data();
    char const* const end = p + text.size();
    while (p != end) {
        if (end - p >= 8 && (load_8(p) & 0x8080808080808080) == 0) {
            p += 8;
            continue;
        }
        std::size_t const size = utf8_sequence(p, end);
        if (size == 0) return false;
        p += size;
    }
    return true;
}

/// Writes a code point of at most U+10FFFF as UTF-8: at most 4 bytes.
constexpr char* write_utf8(char* out, std::uint32_t c) {
    auto const put = [&](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | (c >> 6));
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | (c >> 12));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | (c >> 18));
        put(0x80 | ((c >> 12) & 0x3F));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    }
    return out;
}

}  // namespace millrace::detail
