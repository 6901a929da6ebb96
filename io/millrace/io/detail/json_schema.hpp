// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Which records JSON can read and write, and the sentence for those it can't.

#include <optional>
#include <type_traits>

#include <millrace/io/detail/schema.hpp>
#include <millrace/model/describe.hpp>

namespace millrace::detail {

template <class T>
struct json_carries : std::bool_constant<text_field<T>> {};
template <text_field T>
struct json_carries<std::optional<T>> : std::true_type {};
template <>
struct json_carries<void> {
    static constexpr bool nested = true;
    static constexpr bool optional_nested = true;
};

/// The first field of a described record that JSON can't hold, as an `unsupported_field<…>`; else
/// void.
template <class T>
using json_unsupported = typename decltype(find_unsupported<T, json_carries>())::type;
template <class Unsupported>
inline constexpr bool json_holds = std::is_void_v<Unsupported>;

}  // namespace millrace::detail
