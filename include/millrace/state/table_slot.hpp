// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `table_slot<Key, Value>`: one place of a `keyed_table`, and the tags that are compared eight at a
// time.

#include <cstddef>
#include <cstdint>

namespace millrace {

/// One place of a table: a key and its value. `Flagged` adds the mark «emitted» (allowed lateness
/// needs it).
template <class Key, class Value, bool Flagged = true>
struct table_slot {
    union {
        Key key;
    };
    union {
        Value value;
    };

    table_slot() = delete;
    ~table_slot() = delete;

    [[nodiscard]] bool flag() const noexcept { return flag_; }
    void set_flag(bool on) noexcept { flag_ = on; }

private:
    bool flag_;
};
template <class Key, class Value>
struct table_slot<Key, Value, false> {
    union {
        Key key;
    };
    union {
        Value value;
    };

    table_slot() = delete;
    ~table_slot() = delete;
};

namespace detail {
/// Eight tags, compared at once. The compiler's own vectors cost no header; <emmintrin.h> is 3,000
/// lines.
using tag_window [[gnu::vector_size(16), gnu::aligned(2), gnu::may_alias]] = std::uint16_t;
using tag_bytes [[gnu::vector_size(16)]] = char;
inline constexpr std::size_t window_size = 8;

/// Two bits for each lane that is all ones.
template <class Lanes>
[[gnu::always_inline]] inline unsigned lane_bits(Lanes lanes) noexcept {
    return static_cast<unsigned>(__builtin_ia32_pmovmskb128(reinterpret_cast<tag_bytes>(lanes)));
}
/// The tags of a table without memory: all empty, never written.
alignas(16) inline constinit std::uint16_t no_tags[2 * window_size]{};
}  // namespace detail

}  // namespace millrace
