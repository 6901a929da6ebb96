// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `hash_of(key)` and `equal_keys(a, b)`: what may be a key, how it is spread over a table, when two
// are the same.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/model/describe.hpp>
#include <millrace/model/text.hpp>
#include <millrace/model/time.hpp>

namespace millrace {

namespace detail {
/// How a type is hashed. A `word` is a value whose bytes fit into 64 bits, such as a row of two
/// short texts.
enum class hash_kind : std::uint8_t {
    none,
    custom,
    word,
    wide,
    text,
    bytes,
    optional,
    pair,
    range,
    fields
};

template <class T>
concept custom_hash = requires(T const& v) {
    static_cast<std::uint64_t>(hash_value(v));
    static_cast<bool>(v == v);
};
template <class T>
concept text_like = std::is_convertible_v<T const&, std::string_view> && !std::is_pointer_v<T>
                    && !std::is_array_v<T>;
template <class T>
concept optional_like = requires(T const& v) {
    typename T::value_type;
    static_cast<bool>(v.has_value());
    *v;
};
template <class T>
concept pair_like = requires(T const& v) {
    typename T::first_type;
    typename T::second_type;
    v.first;
    v.second;
};
template <class T>
concept range_like = requires(T const& v) {
    typename T::value_type;
    v.data();
    static_cast<std::size_t>(v.size());
    static_cast<bool>(v == v);
};

template <class T>
consteval hash_kind find_hash_kind();
template <class T>
inline constexpr hash_kind hash_kind_of = find_hash_kind<T>();

/// The bytes a type gives to a word; more than 8 where it is no word.
template <class T>
consteval std::size_t word_bytes() {
    if constexpr (is_text<T>)
        return T::capacity();
    else if constexpr (std::is_integral_v<T> || std::is_enum_v<T> || std::is_floating_point_v<T>)
        return sizeof(T);
    else if constexpr (std::is_same_v<T, time_point> || std::is_same_v<T, duration>)
        return 8;
    else if constexpr (described<T>) {
        std::size_t sum = 0;
        for_each_field<T>([&]<class Field>() {
            using F = typename Field::type;
            sum += hash_kind_of<F> == hash_kind::word ? word_bytes<F>() : 64;
        });
        return sum;
    } else
        return 64;
}

template <class T>
consteval bool fields_hashable() {
    bool all = true;
    for_each_field<T>(
        [&]<class Field>() { all = all && hash_kind_of<typename Field::type> != hash_kind::none; });
    return all;
}

template <class T>
consteval hash_kind find_hash_kind() {
    using enum hash_kind;
    if constexpr (custom_hash<T>)
        return custom;
    else if constexpr (is_text<T>)
        return word_bytes<T>() <= 8 ? word : text;
    else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
        return sizeof(T) <= 8 ? word : wide;
    else if constexpr (std::is_floating_point_v<T>)
        return sizeof(T) <= 8 ? word : none;
    else if constexpr (std::is_same_v<T, time_point> || std::is_same_v<T, duration>)
        return word;
    else if constexpr (described<T>)
        return !fields_hashable<T>() ? none : word_bytes<T>() <= 8 ? word : fields;
    else if constexpr (text_like<T>)
        return bytes;
    else if constexpr (optional_like<T>)
        return hash_kind_of<typename T::value_type> == none ? none : optional;
    else if constexpr (pair_like<T>)
        return hash_kind_of<std::remove_cv_t<typename T::first_type>> == none
                       || hash_kind_of<std::remove_cv_t<typename T::second_type>> == none
                   ? none
                   : pair;
    else if constexpr (range_like<T>)
        return hash_kind_of<typename T::value_type> == none ? none : range;
    else
        return none;
}

inline constexpr std::uint64_t hash_odd =
    0x9E37'79B9'7F4A'7C15;  // 2^64 / the golden ratio (Knuth, 6.4)
inline constexpr std::uint64_t hash_start = 0xA076'1D64'78BD'642F;   // wyhash's first secret
inline constexpr std::uint64_t hash_second = 0xE703'7ED1'A0B4'28DB;  // wyhash's second secret

/// Multiply-shift (Dietzfelbinger et al., 1997): good high bits. The shift before it breaks
/// up arithmetic progressions whose stride nearly divides 2^64 / hash_odd, and leaves dense
/// ranges dense.
constexpr std::uint64_t spread_word(std::uint64_t word) { return (word ^ (word >> 15)) * hash_odd; }

/// Both halves of the 128-bit product, folded (wyhash, Wang Yi 2019).
constexpr std::uint64_t fold_words(std::uint64_t a, std::uint64_t b) {
    __extension__ using wide_t = unsigned __int128;
    wide_t const product = static_cast<wide_t>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <std::size_t N>
std::uint64_t load_word(char const* from) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, N);
    return word;
}

inline std::uint64_t mix_bytes(std::uint64_t state, char const* at, std::size_t size) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    if (size > 16) {
        char const* const last = at + size - 16;
        for (; at < last; at += 16)
            state = fold_words(load_word<8>(at) ^ hash_second, load_word<8>(at + 8) ^ state);
        a = load_word<8>(last);
        b = load_word<8>(last + 8);
    } else if (size >= 8) {
        a = load_word<8>(at);
        b = load_word<8>(at + size - 8);
    } else if (size >= 4) {
        a = load_word<4>(at);
        b = load_word<4>(at + size - 4);
    } else if (size > 0) {
        a = load_word<1>(at) << 16 | load_word<1>(at + size / 2) << 8 | load_word<1>(at + size - 1);
    }
    return fold_words(fold_words(a ^ hash_second, b ^ state), hash_odd ^ size);
}

/// All N bytes of a text, whose unused ones are zero: no branch on its length.
template <std::size_t N>
std::uint64_t mix_text(std::uint64_t state, char const* at) {
    std::size_t i = 0;
    for (; i + 16 <= N; i += 16)
        state = fold_words(load_word<8>(at + i) ^ hash_second, load_word<8>(at + i + 8) ^ state);
    if constexpr (N % 16 >= 8)
        state = fold_words(load_word<8>(at + i) ^ hash_second, load_word<8>(at + N - 8) ^ state);
    else if constexpr (N % 16 > 0)
        state = fold_words(load_word<N % 16>(at + i) ^ hash_second, state);
    return state;
}

template <class T>
std::uint64_t word_of(T const& v) {
    if constexpr (is_text<T>) {
        return load_word<T::capacity()>(v.bytes);
    } else if constexpr (std::is_enum_v<T>) {
        return word_of(static_cast<std::underlying_type_t<T>>(v));
    } else if constexpr (std::is_same_v<T, bool>) {
        return v ? 1 : 0;
    } else if constexpr (std::is_integral_v<T>) {
        return static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<T>>(v));
    } else if constexpr (std::is_floating_point_v<T>) {
        if (v != v) return 0x7FF8;  // one key for every NaN
        T const plain = v + T{};    // -0 becomes 0
        std::uint64_t word = 0;
        std::memcpy(&word, &plain, sizeof(T));
        return word;
    } else if constexpr (described<T>) {
        std::uint64_t word = 0;
        unsigned at = 0;
        for_each_field<T>([&]<class Field>() {
            word |= word_of(Field::get(v)) << at;
            at += static_cast<unsigned>(8 * word_bytes<typename Field::type>());
        });
        return word;
    } else {
        return static_cast<std::uint64_t>(v.ns);
    }
}

template <class T>
std::uint64_t mix_key(std::uint64_t state, T const& v) {
    using enum hash_kind;
    constexpr hash_kind kind = hash_kind_of<T>;
    if constexpr (kind == custom) {
        return fold_words(state ^ static_cast<std::uint64_t>(hash_value(v)), hash_odd);
    } else if constexpr (kind == word) {
        return fold_words(state ^ word_of(v), hash_odd);
    } else if constexpr (kind == wide) {
        return fold_words(state ^ static_cast<std::uint64_t>(v),
                          hash_odd ^ static_cast<std::uint64_t>(v >> 64));
    } else if constexpr (kind == text) {
        if constexpr (T::capacity() <= 64)
            return mix_text<T::capacity()>(state, v.bytes);
        else
            return mix_bytes(state, v.data(), v.size());
    } else if constexpr (kind == bytes) {
        std::string_view const view = v;
        return mix_bytes(state, view.data(), view.size());
    } else if constexpr (kind == optional) {
        return v.has_value() ? mix_key(~state, *v) : fold_words(state, hash_second);
    } else if constexpr (kind == pair) {
        return mix_key(mix_key(state, v.first), v.second);
    } else if constexpr (kind == range) {
        auto const* const data = v.data();
        std::size_t const size = v.size();
        for (std::size_t i = 0; i < size; ++i) state = mix_key(state, data[i]);
        return fold_words(state ^ size, hash_odd);
    } else {
        for_each_field<T>([&]<class Field>() { state = mix_key(state, Field::get(v)); });
        return state;
    }
}
}  // namespace detail

/// What may be a key: integers, enumerations, floating point, `text<N>`, strings, times, described
/// records and rows; optionals, pairs and contiguous ranges of these; and types with `==` and a
/// `hash_value(T const&)` in their namespace. `equal_keys` compares them all.
template <class T>
concept hashable = detail::hash_kind_of<std::remove_cvref_t<T>> != detail::hash_kind::none;

/// A hash whose high bits are good: take `hash >> (64 - bits)`. Integers, and all that fits into 8
/// bytes, cost a shift and a multiplication; bytes about 0.3 ns a word of 16. `seed` keys strings
/// and records of more than 8 bytes, no integers. Not stable from release to release: routing and
/// files take a hash of their own.
template <hashable T>
std::uint64_t hash_of(T const& key, std::uint64_t seed = 0) {
    using enum detail::hash_kind;
    constexpr detail::hash_kind kind = detail::hash_kind_of<T>;
    if constexpr (kind == custom)
        return detail::spread_word(static_cast<std::uint64_t>(hash_value(key)));
    else if constexpr (kind == word)
        return detail::spread_word(detail::word_of(key));
    else
        return detail::spread_word(detail::mix_key(seed ^ detail::hash_start, key));
}

/// `hash_of` as a function object, with its seed.
struct key_hash {
    std::uint64_t seed = 0;
    template <hashable T>
    std::uint64_t operator()(T const& key) const {
        return hash_of(key, seed);
    }
};

/// The equality that goes with `hash_of`: of described records by their fields, with one key for
/// every NaN (a NaN that differs from itself would make a new entry per record); else `==`, also
/// where the type has its own `hash_value`.
template <class A, class B>
bool equal_keys(A const& a, B const& b) {
    if constexpr (!std::is_same_v<A, B> || detail::custom_hash<A>) {
        return static_cast<bool>(a == b);
    } else if constexpr (is_text<A>) {
        return std::memcmp(a.bytes, b.bytes, A::capacity()) == 0 && a.length == b.length;
    } else if constexpr (std::is_floating_point_v<A>) {
        return a == b || (a != a && b != b);
    } else if constexpr (described<A>) {
        bool same = true;
        for_each_field<A>(
            [&]<class Field>() { same = same && equal_keys(Field::get(a), Field::get(b)); });
        return same;
    } else if constexpr (detail::hash_kind_of<A> == detail::hash_kind::optional) {
        return a.has_value() == b.has_value() && (!a.has_value() || equal_keys(*a, *b));
    } else if constexpr (detail::hash_kind_of<A> == detail::hash_kind::pair) {
        return equal_keys(a.first, b.first) && equal_keys(a.second, b.second);
    } else {
        return static_cast<bool>(a == b);
    }
}

}  // namespace millrace
