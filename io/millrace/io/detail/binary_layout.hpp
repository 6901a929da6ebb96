// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The layout of a binary record: its fields packed in their order, little endian, each of a fixed
// number of bytes.
//
// Numbers, enums, times and durations as in memory; `bool` and `char` one byte; `text<N>` its
// length (1 byte below 256, else 2) and N bytes; an optional one byte, 0 or 1, and its value, zeros
// where there is none; records nested in place.

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <optional>
#include <type_traits>

#include <millrace/io/detail/schema.hpp>
#include <millrace/model/describe.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/text.hpp>

namespace millrace::detail {

static_assert(std::endian::native == std::endian::little,
              "The binary format copies what memory holds.");

template <class T>
struct binary_carries : std::bool_constant<bounded_field<T>> {};
template <bounded_field T>
struct binary_carries<std::optional<T>> : std::true_type {};
template <>
struct binary_carries<void> {
    static constexpr bool nested = true;
    static constexpr bool optional_nested = true;
};

/// Bytes of a value of type `V`.
template <class V>
consteval std::size_t binary_size() {
    if constexpr (is_optional<V>) {
        return 1 + binary_size<typename V::value_type>();
    } else if constexpr (nested_record<V>) {
        std::size_t sum = 0;
        for_each_field<V>([&]<class F>() { sum += binary_size<typename F::type>(); });
        return sum;
    } else if constexpr (is_text<V>) {
        return sizeof(typename V::size_type) + V::capacity();
    } else {
        return sizeof(V);
    }
}

/// Every value of these bytes is a value of `V`, and the bytes are those in memory.
template <class V>
concept binary_plain = bounded_field<V> && !is_text<V> && !std::same_as<V, bool>;

/// Is the record in memory what it is in the file? Then reading it is one copy. Found out by making
/// a record of the bytes 0, 1, 2, … and looking where they are.
template <class T>
consteval bool binary_is_memory() {
    if constexpr (!std::is_trivially_copyable_v<T> || sizeof(T) != binary_size<T>()
                  || sizeof(T) > 256) {
        return false;
    } else {
        bool plain = true;
        for_each_field<T>([&]<class F>() { plain = plain && binary_plain<typename F::type>; });
        if (!plain) return false;
        std::array<unsigned char, sizeof(T)> bytes{};
        for (std::size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<unsigned char>(i);
        auto const probe = std::bit_cast<T>(bytes);
        std::size_t offset = 0;
        for_each_field<T>([&]<class F>() {
            using field_bytes = std::array<unsigned char, sizeof(typename F::type)>;
            for (unsigned char const byte : std::bit_cast<field_bytes>(F::get(probe)))
                plain = plain && byte == offset++;
        });
        return plain;
    }
}

/// Reads a value and moves `p` behind it. Null, or what is wrong.
template <class V>
[[gnu::always_inline]] inline char const* binary_read(char const*& p, V& out) {
    if constexpr (is_optional<V>) {
        char const flag = *p++;
        if (flag == 0) {
            out.reset();
            p += binary_size<typename V::value_type>();
            return nullptr;
        }
        if (flag != 1) return "has a flag that is neither 0 nor 1";
        return binary_read(p, out.emplace());
    } else if constexpr (nested_record<V>) {
        char const* wrong = nullptr;
        for_each_field<V>([&]<class F>() {
            if (wrong == nullptr) wrong = binary_read(p, F::get(out));
        });
        return wrong;
    } else if constexpr (is_text<V>) {
        typename V::size_type length = 0;
        std::memcpy(&length, p, sizeof length);
        if (length > V::capacity()) return "has a length that is more than its text<N> holds";
        out = V{};
        std::memcpy(out.bytes, p + sizeof length, length);
        out.length = length;
        p += binary_size<V>();
        return nullptr;
    } else if constexpr (std::same_as<V, bool>) {
        char const value = *p++;
        out = value == 1;
        return value == 0 || value == 1 ? nullptr : "is neither 0 nor 1";
    } else {
        std::memcpy(&out, p, sizeof out);
        p += sizeof out;
        return nullptr;
    }
}

/// Writes a value and moves `p` behind it.
template <class V>
[[gnu::always_inline]] inline void binary_write(char*& p, V const& value) {
    if constexpr (is_optional<V>) {
        *p++ = value ? 1 : 0;
        if (value) return binary_write(p, *value);
        constexpr std::size_t size = binary_size<typename V::value_type>();
        std::memset(p, 0, size);
        p += size;
    } else if constexpr (nested_record<V>) {
        for_each_field<V>([&]<class F>() { binary_write(p, F::get(value)); });
    } else if constexpr (is_text<V>) {
        std::memcpy(p, &value.length, sizeof value.length);
        std::memcpy(p + sizeof value.length, value.bytes, V::capacity());
        p += binary_size<V>();
    } else {
        std::memcpy(p, &value, sizeof value);
        p += sizeof value;
    }
}

}  // namespace millrace::detail
