// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `reduce(f)`: folds records of one key into one of the same type.

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/dsl/key_by.hpp>
#include <millrace/dsl/rolling.hpp>
#include <millrace/model/call.hpp>
#include <millrace/model/owning.hpp>

namespace millrace {

namespace detail {
template <class F>
struct reduce_body {
    [[no_unique_address]] F function;
    static constexpr bool may_throw = true;
    template <class R>
    static constexpr bool projection_never_throws = true;

    template <class R>
    using input = R const*;
    template <class R>
    using state = std::optional<R>;
    template <class R, class Prefix>
    using result = R;

    template <class R>
    [[gnu::always_inline]] inline R const* project(R const& record) {
        return &record;
    }
    template <class R>
    [[gnu::always_inline]] inline void add(std::optional<R>& s, R const* record) {
        if (s)
            s = function(static_cast<R const&>(*s), *record);
        else
            s = *record;
    }
    template <class R>
    [[gnu::always_inline]] inline void add_in_place(std::optional<R>& s, R const* record) {
        add(s, record);
    }
    template <class R, class Prefix, class S>
    R const& make(Prefix const&, S const& s) {
        return *s;
    }
};
template <class F, class T>
concept reduces = requires(F& f, T const& a, T const& b) {
    { f(a, b) } -> std::convertible_to<T>;
};
}  // namespace detail

template <fixed_string Name, class F>
struct reduce_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::rolling;
    static constexpr std::string_view word = "reduce";
    static constexpr auto name = Name;
    static constexpr bool is_aggregate = true;
    using body_type = detail::reduce_body<F>;
    body_type body;

    constexpr explicit reduce_stage(body_type b) : body(std::move(b)) {}

    /// Behind a window the stream is keyed by what stands in front of its result: the key and the
    /// bounds of the pane.
    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!In::keyed) {
            static_assert(
                !Aloud,
                "millrace: reduce: there is no window and no key. Write key_by(…) or window(…) before it.");
            return refused<reduce_stage, In>{};
        } else if constexpr (!detail::reduces<F, record>) {
            static_assert(!Aloud,
                          "millrace: reduce: the function does not make one record of two. Write "
                          "[](record const& so_far, record const& next) { return …; }.");
            return refused<reduce_stage, In>{};
        } else if constexpr (!owning<record>) {
            static_assert(
                !Aloud || detail::owned<typename detail::view_in<record>::type>,
                "millrace: reduce: a view would enter the state and outlive its bytes. Describe the field as "
                "text<16> or std::string.");
            return refused<reduce_stage, In>{};
        } else if constexpr (!std::is_copy_constructible_v<record>) {
            static_assert(
                !Aloud,
                "millrace: reduce: the record can't be copied into the state. Map to one that can.");
            return refused<reduce_stage, In>{};
        } else if constexpr (!detail::moves_safely<record>) {
            static_assert(
                !Aloud,
                "millrace: reduce: its accumulator may throw when it is moved, so state could be lost. "
                "Give the record a noexcept move constructor and assignment.");
            return refused<reduce_stage, In>{};
        } else {
            return accepted<stream<record, no_key, detail::behind_state<In>>>{};
        }
    }
    template <class In, class Env>
    constexpr auto open(Env&) {
        return detail::rolling_operator<body_type, In>{std::move(body)};
    }
};

/// Behind `key_by`: emits the reduced record of the key for each record (rolling). Behind a window:
/// one per key and pane. State: one record per key (and open pane). `f(so_far, next)` returns the
/// new one.
template <fixed_string Name = "", class F>
[[nodiscard]] constexpr auto reduce(F f) {
    return reduce_stage<Name, detail::function_of<F>>{{detail::as_function(std::move(f))}};
}

}  // namespace millrace
