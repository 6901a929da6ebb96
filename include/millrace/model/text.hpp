// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `text<16>`: a string of bounded length that lives inside its record: owned, ordered, hashable,
// trivially copyable.

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace millrace {

/// At most `N` bytes, kept inline; unused bytes are zero. `assign` refuses what does not fit.
template <std::size_t N>
struct text {
    static_assert(
        N > 0 && N < 65'536,
        "millrace: text: the capacity lies between 1 and 65535 bytes. Take a std::string for more.");
    using size_type = std::conditional_t<(N < 256), std::uint8_t, std::uint16_t>;

    char bytes[N]{};
    size_type length = 0;

    constexpr text() = default;
    template <std::size_t M>
        requires(M <= N + 1)
    constexpr text(
        char const (&literal)[M]) {  // NOLINT(google-explicit-constructor): fits by its type
        for (std::size_t i = 0; i + 1 < M; ++i) bytes[i] = literal[i];
        length = static_cast<size_type>(M - 1);
    }
    /// Cuts at the capacity; `assign` tells whether it fits.
    explicit constexpr text(std::string_view from) { (void)assign(from.substr(0, N)); }

    /// False, and unchanged, where `from` is longer than the capacity.
    [[nodiscard]] constexpr bool assign(std::string_view from) {
        if (from.size() > N) return false;
        for (std::size_t i = 0; i < from.size(); ++i) bytes[i] = from[i];
        for (std::size_t i = from.size(); i < N; ++i) bytes[i] = 0;
        length = static_cast<size_type>(from.size());
        return true;
    }

    [[nodiscard]] static constexpr std::size_t capacity() { return N; }
    [[nodiscard]] constexpr std::size_t size() const { return length; }
    [[nodiscard]] constexpr bool empty() const { return length == 0; }
    [[nodiscard]] constexpr char const* data() const { return bytes; }
    [[nodiscard]] constexpr std::string_view view() const { return {bytes, length}; }
    constexpr operator std::string_view() const {
        return view();
    }  // NOLINT(google-explicit-constructor): a view of it

    // Templates where both are texts: else a literal, which becomes a text as well as a view, would
    // be ambiguous.
    template <std::same_as<text> T>
    friend constexpr bool operator==(text const& a, T const& b) {
        return a.view() == b.view();
    }
    friend constexpr bool operator==(text const& a, std::string_view b) { return a.view() == b; }
    template <std::same_as<text> T>
    friend constexpr std::strong_ordering operator<=>(text const& a, T const& b) {
        return a.view() <=> b.view();
    }
    friend constexpr std::strong_ordering operator<=>(text const& a, std::string_view b) {
        return a.view() <=> b;
    }
};

template <std::size_t A, std::size_t B>
    requires(A != B)
constexpr bool operator==(text<A> const& a, text<B> const& b) {
    return a.view() == b.view();
}
template <std::size_t A, std::size_t B>
    requires(A != B)
constexpr std::strong_ordering operator<=>(text<A> const& a, text<B> const& b) {
    return a.view() <=> b.view();
}

template <class T>
inline constexpr bool is_text = false;
template <std::size_t N>
inline constexpr bool is_text<text<N>> = true;

}  // namespace millrace
