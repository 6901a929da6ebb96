// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `window(tumbling{hours(1)}) | aggregate(…) | allowed_lateness(…) | late_to(…)`: one stage,
// results per key and pane.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <millrace/dsl/aggregate.hpp>
#include <millrace/dsl/compose.hpp>
#include <millrace/dsl/fold_operator.hpp>
#include <millrace/dsl/to.hpp>
#include <millrace/dsl/window_operator.hpp>
#include <millrace/dsl/window_types.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/owning.hpp>
#include <millrace/model/row.hpp>

namespace millrace {

/// Panes [n·size, (n+1)·size) since the epoch.
struct tumbling {
    duration size{};
    static constexpr bool needs_time = true;
    [[nodiscard]] constexpr duration length() const { return size; }
};
/// The same with the size in its type, so that a wrong one does not compile:
/// `window(tumbling_of<hours(1)>{})`.
template <duration Size>
struct tumbling_of {
    static constexpr bool needs_time = true;
    static constexpr bool positive = Size > duration{};
    [[nodiscard]] constexpr duration length() const { return Size; }
};
/// One pane for all time: results at the end of a bounded input.
struct global {
    static constexpr bool needs_time = false;
    [[nodiscard]] constexpr duration length() const { return duration::max(); }
};

namespace detail {

struct no_lateness {};
struct no_part {};
struct open_body {};

template <class W>
concept window_spec = requires(W const& w) {
    { w.length() } -> std::convertible_to<duration>;
    W::needs_time;
};

/// Is its size, where its type holds it, more than nothing?
template <class W>
inline constexpr bool has_size = !requires { requires !W::positive; };

template <class In, class Part>
struct late_stream : stream_of_part<In, Part> {
    static constexpr bool ends = part_ends<Part, In>;
};
template <class In>
struct late_stream<In, no_part> {
    using type = stream<typename In::record>;
    static constexpr bool ends = true;
};

}  // namespace detail

struct allowed_lateness_modifier : stage_base {
    static constexpr bool only_modifies = true;
    duration lateness;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        static_assert(
            !Aloud,
            "millrace: allowed_lateness: it stands behind the wrong stage. Write it behind window(…) | "
            "aggregate(…).");
        return refused<allowed_lateness_modifier, In>{};
    }
};
template <class Part>
struct late_to_modifier : stage_base {
    static constexpr bool only_modifies = true;
    Part part;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        static_assert(
            !Aloud,
            "millrace: late_to: it stands behind the wrong stage. Write it behind window(…) | "
            "aggregate(…).");
        return refused<late_to_modifier, In>{};
    }
};

template <class Window, bool Keyed, class Stage, class Lateness, class LatePart>
struct window_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::window;
    static constexpr std::string_view word = "window";
    static constexpr bool is_open = std::is_same_v<Stage, detail::open_body>;
    static constexpr auto name = [] {
        if constexpr (requires { Stage::name; })
            return Stage::name;
        else
            return fixed_string{""};
    }();
    static constexpr bool has_late_part = !std::is_same_v<LatePart, detail::no_part>;
    static constexpr bool has_lateness = !std::is_same_v<Lateness, detail::no_lateness>;
    static constexpr std::size_t branch_count = has_late_part ? 1 : 0;
    using branches_type = std::conditional_t<has_late_part, flat_tuple<LatePart>, flat_tuple<>>;

    Window window;
    [[no_unique_address]] Stage body;
    [[no_unique_address]] Lateness lateness;
    branches_type branches;

    constexpr window_stage(Window w, Stage s, Lateness l, branches_type b)
        : window(w), body(std::move(s)), lateness(l), branches(std::move(b)) {}

    template <std::size_t K, class In>
    using branch_stream = stream<typename In::record, no_key,
                                 stream_traits{In::traits.timed, true, In::traits.exchanged, false,
                                               In::traits.inputs}>;

    // --- modifiers ---
    template <class S>
        requires(is_open && requires { requires S::is_aggregate; })
    constexpr auto modified_by(S stage) && {
        return window_stage<Window, Keyed, S, Lateness, LatePart>{window, std::move(stage),
                                                                  lateness, std::move(branches)};
    }
    template <class S>
        requires(is_open && requires { requires S::is_spec; })
    constexpr auto modified_by(S spec) && {
        return std::move(*this).modified_by(aggregate(std::move(spec)));
    }
    template <class M>
        requires(!is_open && std::is_same_v<M, allowed_lateness_modifier> && !has_lateness
                 && Window::needs_time)
    constexpr auto modified_by(M m) && {
        return window_stage<Window, Keyed, Stage, duration, LatePart>{
            window, std::move(body), m.lateness, std::move(branches)};
    }
    template <class Part>
        requires(!is_open && !has_late_part && Window::needs_time)
    constexpr auto modified_by(late_to_modifier<Part> m) && {
        return window_stage<Window, Keyed, Stage, Lateness, Part>{
            window, std::move(body), lateness, {{{std::move(m.part)}}}};
    }

    /// What becomes of late records: they end in the part of `late_to`, or in a counter.
    template <class In>
    using late_stream = detail::late_stream<branch_stream<0, In>, LatePart>;
    template <class In>
    struct types {
        using key = typename detail::key_or_none<In>::type;
        using prefix = detail::window_prefix<key, Window::needs_time>;
    };

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        if constexpr (Window::needs_time && !In::traits.timed) {
            static_assert(
                !Aloud,
                "millrace: window: the stream has no event time. Write event_time(field<…>, strategy) "
                "before it.");
            return refused<window_stage, In>{};
        } else if constexpr (Keyed && !In::keyed) {
            static_assert(
                !Aloud,
                "millrace: window: the stream has no key. Write key_by(…) right before it, or "
                "window_all(…) for one result over all records.");
            return refused<window_stage, In>{};
        } else if constexpr (is_open) {
            return accepted<In>{};
        } else {
            using prefix = typename types<In>::prefix;
            using out =
                stream_after<Stage, stream<typename In::record,
                                           key_info<prefix, typename prefix::type>, In::traits>>;
            using late = late_stream<In>;
            if constexpr (is_rejected<out>) {
                return std::type_identity<out>{};
            } else if constexpr (is_rejected<typename late::type>) {
                return std::type_identity<typename late::type>{};
            } else if constexpr (!late::ends) {
                static_assert(
                    !Aloud,
                    "millrace: late_to: its part does not end in a sink. End it with | to(…).");
                return refused<window_stage, In>{};
            } else {
                return accepted<stream<typename out::record, no_key,
                                       detail::behind_window<In, Window::needs_time>>>{};
            }
        }
    }

    template <class In, class Env>
    constexpr auto open_window(Env&) {
        using t = types<In>;
        duration late{};
        if constexpr (has_lateness) late = lateness;
        duration const length = window.length();
        if (length <= duration{})
            throw failure(
                exit_code::configuration,
                "millrace: window: the size of a window is not positive. Give tumbling{…} a duration of at "
                "least 1 ns.");
        if (late < duration{})
            throw failure(exit_code::configuration,
                          "millrace: allowed_lateness: the duration is negative. Give 0 or more.");
        if constexpr (!Window::needs_time && !In::keyed)
            return detail::fold_operator<typename Stage::body_type, In>{std::move(body.body)};
        else
            return detail::window_operator<typename Stage::body_type, In, typename t::prefix,
                                           Window::needs_time, has_lateness, has_late_part>{
                std::move(body.body), length, late};
    }
};

/// Panes per key, of the event time. Needs `event_time` and `key_by` before it and `aggregate` or
/// `reduce` behind it. Emits a row per key when the watermark passes the end of its pane. State:
/// one accumulator per key and open pane.
template <class Window>
[[nodiscard]] constexpr auto window(Window w) {
    constexpr bool is_window = detail::window_spec<Window>;
    static_assert(is_window,
                  "millrace: window: it takes a kind of window. Write window(tumbling{hours(1)}).");
    static_assert(
        detail::has_size<Window>,
        "millrace: window: the size of a window is not positive. Write tumbling_of<hours(1)>.");
    if constexpr (!is_window || !detail::has_size<Window>)
        return rejected{};
    else
        return window_stage<Window, true, detail::open_body, detail::no_lateness, detail::no_part>{
            w, {}, {}, {}};
}
/// Panes over all records, without a key: one result per pane, computed by one partition.
template <class Window>
[[nodiscard]] constexpr auto window_all(Window w) {
    constexpr bool is_window = detail::window_spec<Window>;
    static_assert(
        is_window,
        "millrace: window: it takes a kind of window. Write window_all(tumbling{hours(1)}).");
    static_assert(
        detail::has_size<Window>,
        "millrace: window: the size of a window is not positive. Write tumbling_of<hours(1)>.");
    if constexpr (!is_window || !detail::has_size<Window>)
        return rejected{};
    else
        return window_stage<Window, false, detail::open_body, detail::no_lateness, detail::no_part>{
            w, {}, {}, {}};
}

/// Behind `window(…) | aggregate(…)`: panes stay open this much longer; a record for a pane that
/// has given its row gives an updated one. Costs state for as long.
[[nodiscard]] constexpr auto allowed_lateness(duration lateness) {
    return allowed_lateness_modifier{{}, lateness};
}

}  // namespace millrace
