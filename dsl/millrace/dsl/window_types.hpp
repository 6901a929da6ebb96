// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What types fix of a window: its key, the columns in front of its aggregates, the stream behind
// it.

#include <millrace/model/row.hpp>
#include <millrace/model/stage.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

template <class In>
struct key_or_none {
    using type = row<>;
};
template <class In>
    requires(In::keyed)
struct key_or_none<In> {
    using type = typename In::key::type;
};
template <class In, bool Timed>
inline constexpr stream_traits behind_window = {Timed, true, In::traits.exchanged, false,
                                                In::traits.inputs};

/// The columns in front of the aggregates: the key's, and the pane's bounds where it has some.
template <class Key, bool Bounds>
struct window_prefix;
template <class... C>
struct window_prefix<row<C...>, true> {
    using type = row<C..., column<"window_start", time_point>, column<"window_end", time_point>>;
    static type make(row<C...> const& key, time_point start, time_point end) {
        return {static_cast<C const&>(key)..., {start}, {end}};
    }
};
template <class... C>
struct window_prefix<row<C...>, false> {
    using type = row<C...>;
    static type make(row<C...> const& key, time_point, time_point) { return key; }
};

}  // namespace millrace::detail
