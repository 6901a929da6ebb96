// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `held`: what an optional holds, where its owner knows that it holds something.

namespace millrace::detail {

/// Costs nothing, and is undefined for an empty one, which the undefined behaviour sanitizer
/// reports. The owner says in a comment why it can't be empty.
template <class Optional>
[[gnu::always_inline]] inline constexpr auto& held(Optional& optional) noexcept {
    if (!optional) __builtin_unreachable();
    return *optional;
}

}  // namespace millrace::detail
