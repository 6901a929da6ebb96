// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `aggregate(count<"flights">(), mean<"delay">(field<&flight::delay>))`: several aggregates in one
// pass, as a row.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/dsl/count.hpp>
#include <millrace/dsl/key_by.hpp>
#include <millrace/dsl/rolling.hpp>
#include <millrace/model/owning.hpp>
#include <millrace/model/row.hpp>

namespace millrace {

namespace detail {

template <class R>
inline constexpr bool names_differ = true;
template <class... C>
inline constexpr bool names_differ<row<C...>> = [] {
    std::string_view const names[] = {C::name.view()..., std::string_view{}};
    for (std::size_t i = 0; i < sizeof...(C); ++i)
        for (std::size_t j = i + 1; j < sizeof...(C); ++j)
            if (names[i] == names[j]) return false;
    return true;
}();

template <class S>
inline constexpr bool is_spec = requires { requires S::is_spec; };

/// What a window or a rolling aggregate does with the records of one key.
template <class Sequence, class... Spec>
struct aggregate_body;
template <std::size_t... I, class... Spec>
struct aggregate_body<std::index_sequence<I...>, Spec...> {
    flat_tuple<Spec...> specs;

    /// User functions run only while a record is projected; updates of the built-in aggregates
    /// can't fail.
    static constexpr bool may_throw = (Spec::may_throw || ...);
    template <class R>
    static constexpr bool projection_never_throws = (Spec::template never_throws_for<R> && ...);

    template <class R>
    using input = flat_tuple<typename Spec::template input<R>...>;
    template <class R>
    using state = flat_tuple<typename Spec::template state<R>...>;
    template <class R>
    using columns =
        row<column<Spec::name,
                   decltype(std::declval<typename Spec::template state<R> const&>().result())>...>;
    template <class R, class Prefix>
    using result = millrace::joined_row<Prefix, columns<R>>;

    template <class R>
    [[gnu::always_inline]] inline input<R> project(R const& record) {
        return {{{specs.template at<I>().project(record)}...}};
    }
    template <class S, class In>
    [[gnu::always_inline]] inline void add(S& s, In const& in) {
        (specs.template at<I>().add(s.template at<I>(), in.template at<I>()), ...);
    }
    /// The same for a state in a table: one accumulator after the other. Packed into one vector by
    /// the compiler, they would be read in one load behind several stores, which waits for all of
    /// them: twice the time with AVX on g++ 12.
    template <class S, class In>
    [[gnu::always_inline]] inline void add_in_place(S& s, In const& in) {
        (add_one(specs.template at<I>(), s.template at<I>(), in.template at<I>()), ...);
    }
    template <class One, class S, class In>
    [[gnu::always_inline]] static inline void add_one(One& spec, S& s, In const& in) {
#if defined(__AVX__) && !defined(__clang__)
        // g++ with AVX would compute integers in vector registers, through the stack.
        if constexpr (std::is_integral_v<decltype(s.result())> && sizeof(S) == 8) {
            S next = s;
            spec.add(next, in);
            asm volatile("" : "+r"(next));
            s = next;
            return;
        }
#endif
        spec.add(s, in);
        asm volatile("" : "+m"(s));
    }
    template <class R, class Prefix, class S>
    result<R, Prefix> make(Prefix const& prefix, S const& s) {
        return join(prefix, columns<R>{{s.template at<I>().result()}...});
    }
    template <class... A, class... B>
    static row<A..., B...> join(row<A...> const& a, row<B...>&& b) {
        return {static_cast<A const&>(a)..., static_cast<B&&>(b)...};
    }
};
}  // namespace detail

template <class... Spec>
struct aggregate_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::rolling;
    static constexpr std::string_view word = "aggregate";
    static constexpr auto name = fixed_string{""};
    static constexpr bool is_aggregate = true;
    using body_type = detail::aggregate_body<std::index_sequence_for<Spec...>, Spec...>;
    body_type body;

    constexpr explicit aggregate_stage(body_type b) : body(std::move(b)) {}

    /// Behind a window the stream is keyed by what stands in front of its row: the key and the
    /// bounds of the pane.
    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!In::keyed) {
            static_assert(
                !Aloud,
                "millrace: aggregate: there is no window and no key, so it would never end. Write "
                "key_by(…) for a rolling result per key, window(…) before it, or window_all(global{}) "
                "for one result at the end.");
            return refused<aggregate_stage, In>{};
        } else if constexpr (!(Spec::template usable<record> && ...)) {
            static_assert(
                !Aloud,
                "millrace: aggregate: one of its fields or functions can't be read from the record of "
                "this stream, or is no number where sum and mean need one. Name a field that fits.");
            return refused<aggregate_stage, In>{};
        } else if constexpr (!(detail::moves_safely<typename Spec::template state<record>>
                               && ...)) {
            static_assert(
                !Aloud,
                "millrace: aggregate: its accumulator may throw when it is moved, so state could be lost. "
                "Give it a noexcept move constructor and assignment.");
            return refused<aggregate_stage, In>{};
        } else {
            using columns = typename body_type::template columns<record>;
            using out = typename body_type::template result<record, typename In::key::type>;
            if constexpr (!owning<columns>) {
                static_assert(
                    !Aloud || detail::owned<typename detail::view_in<columns>::type>,
                    "millrace: aggregate: a view would enter the state and outlive its bytes. Describe the field "
                    "as text<16> or std::string.");
                return refused<aggregate_stage, In>{};
            } else if constexpr (!detail::names_differ<out>) {
                static_assert(
                    !Aloud,
                    "millrace: aggregate: two columns of its row have the same name. Name them, as in "
                    "count<\"flights\">() or max<\"max_delay\">(…).");
                return refused<aggregate_stage, In>{};
            } else {
                return accepted<stream<out, no_key, detail::behind_state<In>>>{};
            }
        }
    }
    template <class In, class Env>
    constexpr auto open(Env&) {
        return detail::rolling_operator<body_type, In>{std::move(body)};
    }
};

/// Behind `window(…)`: a row per key and pane: the key's columns, window_start, window_end, and one
/// column an aggregate. Behind `key_by(…)` alone: a row per record with the aggregates so far.
/// State: one accumulator per key (and open pane).
template <class... Spec>
[[nodiscard]] constexpr auto aggregate(Spec... specs) {
    static_assert(sizeof...(Spec) > 0,
                  "millrace: aggregate: it is empty. Write aggregate(count<\"n\">()).");
    static_assert((detail::is_spec<Spec> && ...),
                  "millrace: aggregate: it takes what makes columns. Write "
                  "aggregate(count<\"n\">(), max<\"most\">(field<…>)).");
    if constexpr (sizeof...(Spec) == 0 || !(detail::is_spec<Spec> && ...)) {
        return rejected{};
    } else {
        using stage_type = aggregate_stage<Spec...>;
        return stage_type{typename stage_type::body_type{{{{std::move(specs)}...}}}};
    }
}

template <fixed_string Name>
constexpr auto count_spec<Name>::as_stage() && {
    return aggregate(count_spec{});
}
template <fixed_string Name, class F>
constexpr auto sum_spec<Name, F>::as_stage() && {
    return aggregate(std::move(*this));
}
template <fixed_string Name, class F>
constexpr auto mean_spec<Name, F>::as_stage() && {
    return aggregate(std::move(*this));
}
template <fixed_string Name, class F>
constexpr auto min_spec<Name, F>::as_stage() && {
    return aggregate(std::move(*this));
}
template <fixed_string Name, class F>
constexpr auto max_spec<Name, F>::as_stage() && {
    return aggregate(std::move(*this));
}
template <fixed_string Name, class Initial, class F>
constexpr auto fold_spec<Name, Initial, F>::as_stage() && {
    return aggregate(std::move(*this));
}

}  // namespace millrace
