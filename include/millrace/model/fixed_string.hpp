// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Text that can be a template argument: `filter<"late">(…)`, `field<"delay">`, `column<"flights",
// int>`.

#include <cstddef>
#include <string_view>

namespace millrace {

/// A literal as a template argument. N counts the terminating zero.
template <std::size_t N>
struct fixed_string {
    char value[N]{};

    constexpr fixed_string() = default;
    constexpr fixed_string(
        char const (&text)[N]) {  // NOLINT(google-explicit-constructor): a literal is one
        for (std::size_t i = 0; i < N; ++i) value[i] = text[i];
    }

    [[nodiscard]] constexpr std::size_t size() const { return N - 1; }
    [[nodiscard]] constexpr bool empty() const { return N == 1; }
    [[nodiscard]] constexpr std::string_view view() const { return {value, N - 1}; }
};

template <std::size_t A, std::size_t B>
constexpr bool operator==(fixed_string<A> const& a, fixed_string<B> const& b) {
    return a.view() == b.view();
}

/// `a` followed by `b`, as one literal.
template <std::size_t A, std::size_t B>
consteval fixed_string<A + B - 1> operator+(fixed_string<A> const& a, fixed_string<B> const& b) {
    fixed_string<A + B - 1> out;
    for (std::size_t i = 0; i + 1 < A; ++i) out.value[i] = a.value[i];
    for (std::size_t i = 0; i < B; ++i) out.value[A - 1 + i] = b.value[i];
    return out;
}

}  // namespace millrace
