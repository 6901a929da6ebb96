// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `group_of(key)` and `partition_of(group, …)`: where the records of a key go. The same in every
// process, on every platform and in every release of one `route_version`.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include <millrace/model/describe.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/hash.hpp>
#include <millrace/model/text.hpp>
#include <millrace/model/time.hpp>

namespace millrace {

/// Stands in front of all that is kept by key group. Another hash is another version.
inline constexpr unsigned route_version = 1;
/// How many groups keys fall into unless told, and at most. Groups are what moves when the number
/// of partitions changes, so their number never changes for state that is kept.
inline constexpr unsigned key_groups = 128;
inline constexpr unsigned key_groups_max = 32768;

namespace detail {
// Not those of `hash_of`, so that the keys of one partition still fill its tables evenly. Never
// change them: they are part of `route_version` 1 (digits of pi, made odd).
inline constexpr std::uint64_t route_start = 0x243F'6A88'85A3'08D3;
inline constexpr std::uint64_t route_first = 0xA409'3822'299F'31D1;
inline constexpr std::uint64_t route_second = 0x4528'21E6'38D0'1377;

template <std::size_t N>
std::uint64_t load_little_endian(char const* from) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < N; ++i)  // one load
        word |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
    return word;
}

/// The scheme of wyhash (Wang Yi, 2019): 16 bytes a multiplication, the last ones overlapping.
inline std::uint64_t route_bytes(std::uint64_t state, char const* at, std::size_t size) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    if (size > 16) {
        char const* const last = at + size - 16;
        for (; at < last; at += 16)
            state = fold_words(load_little_endian<8>(at) ^ route_second,
                               load_little_endian<8>(at + 8) ^ state);
        a = load_little_endian<8>(last);
        b = load_little_endian<8>(last + 8);
    } else if (size >= 8) {
        a = load_little_endian<8>(at);
        b = load_little_endian<8>(at + size - 8);
    } else if (size >= 4) {
        a = load_little_endian<4>(at);
        b = load_little_endian<4>(at + size - 4);
    } else if (size > 0) {
        a = load_little_endian<1>(at) | load_little_endian<1>(at + size / 2) << 8
            | load_little_endian<1>(at + size - 1) << 16;
    }
    return fold_words(fold_words(a ^ route_second, b ^ state), route_first ^ size);
}

constexpr std::uint64_t route_word(std::uint64_t state, std::uint64_t word) {
    return fold_words(state ^ word, route_first);
}

/// Signed integers as 64 bits with their sign, unsigned ones with zeros, so that a column may
/// become wider; `float` as `double`; text by what is in it, whatever its capacity.
template <class T>
std::uint64_t route_value(std::uint64_t state, T const& v) {
    using enum hash_kind;
    constexpr hash_kind kind = hash_kind_of<T>;
    if constexpr (kind == custom) {
        return route_word(state, static_cast<std::uint64_t>(hash_value(v)));
    } else if constexpr (is_text<T>) {
        // Never longer: g++ 12 warns of the loads for longer ones otherwise.
        return route_bytes(state, v.data(), v.size() < T::capacity() ? v.size() : T::capacity());
    } else if constexpr (std::is_enum_v<T>) {
        return route_value(state, static_cast<std::underlying_type_t<T>>(v));
    } else if constexpr (kind == wide) {
        return route_word(route_word(state, static_cast<std::uint64_t>(v)),
                          static_cast<std::uint64_t>(v >> 64));
    } else if constexpr (std::is_same_v<T, char> || std::is_same_v<T, wchar_t>) {
        return route_word(state, static_cast<std::make_unsigned_t<T>>(v));  // signed on some
    } else if constexpr (std::is_integral_v<T>) {
        return route_word(state, static_cast<std::uint64_t>(v));
    } else if constexpr (std::is_floating_point_v<T>) {
        return route_word(state, word_of(static_cast<double>(v)));
    } else if constexpr (std::is_same_v<T, time_point> || std::is_same_v<T, duration>) {
        return route_word(state, static_cast<std::uint64_t>(v.ns));
    } else if constexpr (described<T>) {
        for_each_field<T>([&]<class Field>() { state = route_value(state, Field::get(v)); });
        return state;
    } else if constexpr (kind == bytes) {
        std::string_view const view = v;
        return route_bytes(state, view.data(), view.size());
    } else if constexpr (kind == optional) {
        return v.has_value() ? route_value(~state, *v) : route_word(state, route_second);
    } else if constexpr (kind == pair) {
        return route_value(route_value(state, v.first), v.second);
    } else {
        static_assert(kind == range);
        auto const* const data = v.data();
        std::size_t const size = v.size();
        for (std::size_t i = 0; i < size; ++i) state = route_value(state, data[i]);
        return route_word(state, size);
    }
}
}  // namespace detail

/// The routing hash, version 1: its high bits are good. A multiplication a column, one per 16 bytes
/// of text, and one at the end, without which every 151st integer falls into few groups; a row of
/// one column is routed like the column. Types with their own `hash_value` are as stable as that
/// is.
template <hashable T>
std::uint64_t route_hash(T const& key) {
    std::uint64_t const state = detail::route_value(detail::route_start, key);
    return (state ^ (state >> 29)) * detail::route_second;
}

/// The group of a key, below `groups` (1 to `key_groups_max`), without a division (Lemire, 2019).
template <hashable T>
unsigned group_of(T const& key, unsigned groups = key_groups) {
    return static_cast<unsigned>((route_hash(key) >> 32) * groups >> 32);
}

/// Which partition has a group: ranges of groups in order, as in Flink.
constexpr unsigned partition_of(unsigned group, unsigned groups, unsigned partitions) {
    return static_cast<unsigned>(std::uint64_t{group} * partitions / groups);
}

/// Throws `failure` (configuration) where so many groups can't serve so many partitions.
inline void check_key_groups(unsigned groups, unsigned partitions) {
    if (groups < 1 || groups > key_groups_max)
        throw failure(exit_code::configuration,
                      "millrace: key_groups: there are 1 to 32768 of them. Give a number in "
                      "between; 128 serves up to 128 partitions.");
    if (partitions < 1 || partitions > groups)
        throw failure(exit_code::configuration,
                      "millrace: key_groups: there are fewer groups than partitions, so some would "
                      "get nothing. Give more groups or fewer partitions.");
}

}  // namespace millrace
