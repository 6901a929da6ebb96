// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a plan says of one stage, from its type, and from its value where that knows more.

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <millrace/dsl/cuts.hpp>
#include <millrace/dsl/event_time.hpp>
#include <millrace/dsl/flat_map.hpp>
#include <millrace/dsl/graph.hpp>
#include <millrace/dsl/graph_edges.hpp>
#include <millrace/dsl/plan_record.hpp>
#include <millrace/dsl/plan_types.hpp>
#include <millrace/dsl/split.hpp>
#include <millrace/dsl/to.hpp>
#include <millrace/dsl/window.hpp>

namespace millrace::detail {

// --- branches ---
template <class S>
inline constexpr bool is_split = false;
template <class... Case>
inline constexpr bool is_split<split_stage<Case...>> = true;

template <class S>
constexpr std::string_view branch_name(std::size_t) {
    return {};
}
template <class S>
    requires is_split<S>
constexpr std::string_view branch_name(std::size_t k) {
    return []<class... Case>(split_stage<Case...> const*, std::size_t i) {
        std::string_view const names[] = {Case::name.view()..., std::string_view{}};
        return names[i < sizeof...(Case) ? i : sizeof...(Case)];
    }(static_cast<S const*>(nullptr), k);
}

template <class Node, class Edges>
constexpr plan_branch branch_facts(std::size_t k) {
    plan_branch b;
    b.from = Node::id;
    b.to = head_at(typename Node::heads_type{}, k);
    if (has_letter_part<typename Node::stage_type> && k + 1 == Edges::widths[Node::id])
        b.role = branch_role::dead_letters;
    else if (Node::inner_type::kind == stage_kind::window)
        b.role = branch_role::late;
    else
        b.name = branch_name<typename Node::inner_type>(k);
    return b;
}
/// Into how many branches a fork hands a record that is still needed by another one.
template <class Node>
constexpr std::size_t copies_at() {
    using inner = typename Node::inner_type;
    if constexpr (inner::kind != stage_kind::fork || is_split<inner>)
        return 0;
    else
        return own_branches<inner> + (Node::next >= 0 ? 1 : 0) - 1;
}

// --- keys and state ---
/// The room of one entry.
template <class Key, class State>
struct kept_entry {
    Key key;
    State state;
};

template <class Window, bool Keyed, class Stage, class Lateness, class LatePart>
struct kept_facts_of_window {
    template <class In>
    static constexpr kept_state find() {
        using key = typename key_or_none<In>::type;
        using state = typename Stage::body_type::template state<typename In::record>;
        constexpr bool bounded = Window::needs_time;
        constexpr bool reduces = Stage::word == std::string_view{"reduce"};
        kept_state k{{}, Keyed ? sizeof(kept_entry<key, state>) : sizeof(state), Keyed, bounded};
        if (Keyed && bounded)
            k.what = reduces ? "one record per key and open pane"
                             : "one accumulator per key and open pane";
        else if (Keyed)
            k.what =
                reduces ? "one record per key, to the end" : "one accumulator per key, to the end";
        else if (bounded)
            k.what = reduces ? "one record per open pane" : "one accumulator per open pane";
        else
            k.what = reduces ? "one record, to the end" : "one accumulator, to the end";
        return k;
    }
};
template <class Window, bool Keyed, class Stage, class Lateness, class LatePart>
kept_facts_of_window<Window, Keyed, Stage, Lateness, LatePart> window_facts(
    window_stage<Window, Keyed, Stage, Lateness, LatePart> const*);

template <class Node>
constexpr kept_state kept_facts() {
    using inner = typename Node::inner_type;
    using in = typename Node::stream_in;
    if constexpr (inner::kind == stage_kind::window) {
        return decltype(window_facts(static_cast<inner const*>(nullptr)))::template find<in>();
    } else if constexpr (inner::kind == stage_kind::rolling) {
        using state = typename inner::body_type::template state<typename in::record>;
        return {inner::word == std::string_view{"reduce"} ? "one record per key"
                                                          : "one accumulator per key",
                sizeof(kept_entry<typename in::key::type, state>), true, false};
    } else if constexpr (inner::kind == stage_kind::time) {
        return {"one watermark per input"};
    } else if constexpr (inner::kind == stage_kind::parser) {
        return {"one record that is cut by the end of a chunk"};
    } else {
        return {};
    }
}
template <class Stream>
constexpr std::string_view key_columns() {
    if constexpr (Stream::keyed)
        return row_columns<typename Stream::key::type>::value.view();
    else
        return {};
}

// --- rates and policies ---
template <class Inner>
constexpr stage_rate rate_facts() {
    if constexpr (Inner::kind == stage_kind::filter || Inner::kind == stage_kind::parser)
        return {0, 1, 0};
    else if constexpr (Inner::kind == stage_kind::flat_map)
        return {0, Inner::max, 0};
    else if constexpr (Inner::kind == stage_kind::window)
        return {0, Inner::has_lateness ? std::size_t{1} : std::size_t{0},
                1};  // an update of a pane that gave its row
    else if constexpr (is_split<Inner>)
        return {0, 1, 0};
    else
        return {1, 1, 0};
}
template <class Stage>
inline constexpr error_policy policy_of = error_policy::stops;
template <class S>
inline constexpr error_policy policy_of<guarded<S, drop_policy>> = error_policy::drops;
template <class S, class Part>
inline constexpr error_policy policy_of<guarded<S, sink_policy<Part>>> = error_policy::dead_letters;

template <class Node, class Edges>
constexpr error_policy policy_facts() {
    if constexpr (!is_guarded<typename Node::stage_type> && Node::fallback >= 0)
        return policy_of<
            typename Edges::template node_at<static_cast<std::size_t>(Node::fallback)>::stage_type>;
    else if constexpr (!is_guarded<typename Node::stage_type> && Edges::answers)
        return error_policy::drops;  // a service goes on, whatever a client sends
    else
        return policy_of<typename Node::stage_type>;
}

// --- the guarantee ---
template <class S>
struct sink_of {
    using type = S;
};
template <fixed_string Name, class Sink>
struct sink_of<to_stage<Name, Sink>> {
    using type = Sink;
};

/// Can the input be read again, or is the output there as a whole or not at all? A stage says so by
/// `replayable` or `atomic_output`; what is neither a source nor a sink does not matter.
template <class Inner>
constexpr bool keeps_whole() {
    using sink = typename sink_of<Inner>::type;
    if constexpr (Inner::kind == stage_kind::source || Inner::kind == stage_kind::bytes)
        return requires { requires Inner::replayable; };
    else if constexpr (Inner::kind != stage_kind::sink || std::is_same_v<sink, discard_sink>)
        return true;
    else
        return requires { requires sink::atomic_output; };
}
/// Of a value: a file may be a pipe or a terminal, where neither holds.
template <class Stage>
constexpr bool keeps_whole_as_is(Stage const& stage) {
    if constexpr (requires { stage.streams(); })
        return !stage.streams();
    else if constexpr (requires { stage.sink.streams(); })
        return !stage.sink.streams();
    else
        return true;
}

template <class Inner>
constexpr std::string_view into_facts() {
    if constexpr (Inner::kind == stage_kind::sink && requires {
                      std::string_view{sink_of<Inner>::type::word};
                  } && !std::is_same_v<typename sink_of<Inner>::type, Inner>)
        return sink_of<Inner>::type::word;
    else
        return {};
}

// --- the stage ---
/// `first_branch` is where the branches of this stage begin in the plan's table.
template <class Node, class Edges>
constexpr plan_stage stage_facts(std::size_t first_branch) {
    using inner = typename Node::inner_type;
    using in = typename Node::stream_in;
    using out = typename Node::stream_out;
    plan_stage s;
    s.id = Node::id;
    s.kind = inner::kind;
    s.word = inner::word;
    s.into = into_facts<inner>();
    s.name = inner::name.view();
    s.record = record_name<typename out::record>();
    s.record_bytes = sizeof(typename out::record);
    s.next = Node::next;
    s.first_branch = first_branch;
    s.branches = Edges::widths[Node::id];
    s.rate = rate_facts<inner>();
    s.one_way = is_split<inner>;
    s.exchange = exchange_of<Node>() != cut_kind::none;
    s.keyed =
        inner::kind == stage_kind::rolling || (inner::kind == stage_kind::window && in::keyed);
    s.key = s.exchange ? key_columns<out>() : s.keyed ? key_columns<in>() : std::string_view{};
    s.keeps = kept_facts<Node>();
    s.errors = policy_facts<Node, Edges>();
    s.guarded = is_guarded<typename Node::stage_type>;
    s.fallback = Node::fallback;
    return s;
}

/// What the value of a stage adds.
template <class Inner>
constexpr void value_facts(plan_stage& s, Inner const& stage) {
    if constexpr (Inner::kind == stage_kind::window) {
        s.window = stage.window.length();
        if constexpr (Inner::has_lateness) s.lateness = stage.lateness;
    } else if constexpr (Inner::kind == stage_kind::time) {
        if constexpr (requires { duration{stage.strategy.disorder}; })
            s.disorder = stage.strategy.disorder;
        else if constexpr (std::is_same_v<decltype(stage.strategy), monotonic>)
            s.disorder = duration{};
    } else if constexpr (requires { std::size_t{stage.inputs()}; }) {
        s.inputs = stage.inputs();
    }
}

}  // namespace millrace::detail
