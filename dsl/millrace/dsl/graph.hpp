// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The pipeline as a list of nodes, numbered depth first: what the plan prints and the loop runs.

#include <cstddef>
#include <type_traits>
#include <utility>

#include <millrace/dsl/merge.hpp>
#include <millrace/dsl/on_error.hpp>
#include <millrace/dsl/pipeline.hpp>
#include <millrace/dsl/tee.hpp>

namespace millrace::detail {

template <class S>
struct unguarded {
    using type = S;
};
template <class S, class P>
struct unguarded<guarded<S, P>> {
    using type = S;
};
template <class S>
using unguarded_t = typename unguarded<S>::type;

template <class S>
inline constexpr bool joins = requires { requires unguarded_t<S>::joins; };
template <class S>
inline constexpr bool merges_inputs = requires { requires unguarded_t<S>::is_merge; };
template <class S>
inline constexpr std::size_t own_branches = [] {
    if constexpr (requires { unguarded_t<S>::branch_count; })
        return std::size_t{unguarded_t<S>::branch_count};
    else
        return std::size_t{0};
}();
template <class S>
inline constexpr bool has_letter_part = false;
template <class S, class Part>
inline constexpr bool has_letter_part<guarded<S, sink_policy<Part>>> = true;

// --- how many nodes a stage is ---
template <class S>
struct tree_size;
template <class T>
struct sequence_size;
template <template <class...> class P, class... S>
struct sequence_size<P<S...>> {
    static constexpr std::size_t value = (std::size_t{0} + ... + tree_size<S>::value);
};
template <class Parts>
struct parts_size;
template <class... Part>
struct parts_size<flat_tuple<Part...>> {
    static constexpr std::size_t value = (std::size_t{0} + ... + sequence_size<Part>::value);
};
template <class S>
struct tree_size {
    static constexpr std::size_t value = [] {
        if constexpr (merges_inputs<S>)
            return parts_size<typename S::inputs_type>::value + 1;
        else if constexpr (own_branches<S> > 0)
            return 1 + parts_size<typename S::branches_type>::value + (joins<S> ? 1 : 0);
        else
            return std::size_t{1};
    }();
};
template <class S, class P>
struct tree_size<guarded<S, P>> : tree_size<S> {};
template <class S, class Part>
struct tree_size<guarded<S, sink_policy<Part>>> {
    static constexpr std::size_t value = tree_size<S>::value + sequence_size<Part>::value;
};

// --- nodes ---
/// Where a stage stands in the expression: stage index, branch, stage index, …
template <std::size_t... Step>
struct path {};

template <int... Id>
struct heads {};

template <std::size_t Id, class Stage, class Path, class In, class Out, int Next, class Heads,
          unsigned Input, int Fallback>
struct node {
    static constexpr std::size_t id = Id;
    using stage_type = Stage;  // with its guard
    using inner_type = unguarded_t<Stage>;
    using path_type = Path;
    using in = Out;
    static constexpr int next = Next;  // -1: nothing follows
    using heads_type =
        Heads;  // the first nodes of the branches; the last one is the dead letters', if any
    static constexpr unsigned input = Input;  // the first source that reaches it
    static constexpr int fallback =
        Fallback;  // the source whose policy holds where the stage has none
    using stream_in = In;
    using stream_out = Out;
};

template <class... N>
struct node_list {
    static constexpr std::size_t size = sizeof...(N);
};
template <class... A, class... B>
consteval node_list<A..., B...> operator+(node_list<A...>, node_list<B...>) {
    return {};
}

/// In a probing graph (the test driver's) writers hand on their record, and sinks take anything.
template <bool Probing, class S, class In>
struct out_stream {
    static consteval auto find() {
        if constexpr (Probing && S::kind == stage_kind::writer)
            return std::type_identity<In>{};
        else if constexpr (Probing && S::kind == stage_kind::sink) {
            constexpr stream_traits b = In::traits;
            return std::type_identity<
                stream<typename In::record, typename In::key,
                       stream_traits{b.timed, b.held, b.exchanged, true, b.inputs}>>{};
        } else {
            return std::type_identity<stream_after<S, In>>{};
        }
    }
    using type = typename decltype(find())::type;
};

template <bool Probing, std::size_t Id, class Path, std::size_t I, int End, unsigned Input,
          int Fallback, class In, class... S>
struct flatten_sequence;

template <class Path, std::size_t... More>
struct longer;
template <std::size_t... P, std::size_t... More>
struct longer<path<P...>, More...> {
    using type = path<P..., More...>;
};

// The nodes of the branches of one stage, one behind the other, and the ids of their first nodes.
template <bool Probing, std::size_t Id, class Path, std::size_t K, int End, unsigned Input,
          int Fallback, class S, class In, class Parts>
struct flatten_branches;
template <bool Probing, std::size_t Id, class Path, std::size_t K, int End, unsigned Input,
          int Fallback, class S, class In>
struct flatten_branches<Probing, Id, Path, K, End, Input, Fallback, S, In, flat_tuple<>> {
    using type = node_list<>;
    template <int... H>
    using heads_type = heads<H...>;
};
template <bool Probing, std::size_t Id, class Path, std::size_t K, int End, unsigned Input,
          int Fallback, class S, class In, class... T, class... Rest>
struct flatten_branches<Probing, Id, Path, K, End, Input, Fallback, S, In,
                        flat_tuple<part<T...>, Rest...>> {
    using branch_in = typename S::template branch_stream<K, In>;
    using mine = typename flatten_sequence<Probing, Id, typename longer<Path, K>::type, 0, End,
                                           Input, Fallback, branch_in, T...>::type;
    using others = flatten_branches<Probing, Id + mine::size, Path, K + 1, End, Input, Fallback, S,
                                    In, flat_tuple<Rest...>>;
    using type = decltype(mine{} + typename others::type{});
    template <int... H>
    using heads_type = typename others::template heads_type<H..., static_cast<int>(Id)>;
};

template <bool Probing, std::size_t Id, class Path, std::size_t K, int Fallback, class In, class S>
struct flatten_letters {
    using type = node_list<>;
};
template <bool Probing, std::size_t Id, class Path, std::size_t K, int Fallback, class In, class S,
          class... T>
struct flatten_letters<Probing, Id, Path, K, Fallback, In, guarded<S, sink_policy<part<T...>>>> {
    using type = typename flatten_sequence<Probing, Id, typename longer<Path, K>::type, 0, -1, 0,
                                           -1, typename letter_stream<In, S>::type, T...>::type;
};

template <class Heads, bool Letters, int Id>
struct with_letters;
template <int... H, int Id>
struct with_letters<heads<H...>, true, Id> {
    using type = heads<H..., Id>;
};
template <int... H, int Id>
struct with_letters<heads<H...>, false, Id> {
    using type = heads<H...>;
};

template <class S>
struct branches_of {
    using type = flat_tuple<>;
};
template <class S>
    requires(own_branches<S> > 0)
struct branches_of<S> {
    using type = typename S::branches_type;
};

template <bool Probing, std::size_t Id, class Path, int Next, unsigned Input, int Fallback,
          class In, class Out, class S>
struct flatten_stage {
    using inner = unguarded_t<S>;
    static constexpr int join =
        joins<S> ? static_cast<int>(Id + 1 + parts_size<typename branches_of<inner>::type>::value)
                 : -1;
    using branches = flatten_branches<Probing, Id + 1, Path, 0, join, Input, Fallback, inner, In,
                                      typename branches_of<inner>::type>;
    static constexpr std::size_t letters_id = Id + tree_size<inner>::value;
    using letters =
        typename flatten_letters<Probing, letters_id, Path, own_branches<S>, Fallback, In, S>::type;
    using all_heads = typename with_letters<typename branches::template heads_type<>,
                                            has_letter_part<S>, static_cast<int>(letters_id)>::type;
    static consteval auto make() {
        constexpr int own_next = joins<S> ? -1 : Next;
        auto first = node_list<node<Id, S, Path, In, Out, own_next, all_heads, Input, Fallback>>{} +
                     typename branches::type{};
        if constexpr (joins<S>)
            return first
                   + node_list<node<static_cast<std::size_t>(join), join_stage, path<>, Out, Out,
                                    Next, heads<>, Input, Fallback>>{}
                   + letters{};
        else
            return first + letters{};
    }
    using type = decltype(make());
};

template <bool Probing, std::size_t Id, class Path, std::size_t I, int End, unsigned Input,
          int Fallback, class In>
struct flatten_sequence<Probing, Id, Path, I, End, Input, Fallback, In> {
    using type = node_list<>;
    using out = In;
};
template <bool Probing, std::size_t Id, class Path, std::size_t I, int End, unsigned Input,
          int Fallback, class In, class S, class... Rest>
struct flatten_sequence<Probing, Id, Path, I, End, Input, Fallback, In, S, Rest...> {
    static constexpr std::size_t size = tree_size<S>::value;
    static constexpr int next = sizeof...(Rest) > 0 ? static_cast<int>(Id + size) : End;
    using stream_out = typename out_stream<Probing, S, In>::type;
    using rest = flatten_sequence<Probing, Id + size, Path, I + 1, End, Input, Fallback, stream_out,
                                  Rest...>;
    using type = decltype(typename flatten_stage<Probing, Id, typename longer<Path, I>::type, next,
                                                 Input, Fallback, In, stream_out, S>::type{}
                          + typename rest::type{});
    using out = typename rest::out;
};

template <bool Probing, std::size_t Id, class Path, int End, unsigned Input, class P>
struct flatten_pipeline;

template <bool Probing, std::size_t Id, class Path, std::size_t K, int Join, unsigned Input,
          class... P>
struct flatten_inputs;
template <bool Probing, std::size_t Id, class Path, std::size_t K, int Join, unsigned Input>
struct flatten_inputs<Probing, Id, Path, K, Join, Input> {
    using type = node_list<>;
};
template <bool Probing, std::size_t Id, class Path, std::size_t K, int Join, unsigned Input,
          class P, class... Rest>
struct flatten_inputs<Probing, Id, Path, K, Join, Input, P, Rest...> {
    using mine = typename flatten_pipeline<Probing, Id, typename longer<Path, K>::type, Join, Input,
                                           P>::type;
    using others = typename flatten_inputs<Probing, Id + mine::size, Path, K + 1, Join,
                                           Input + stream_of<P>::traits.inputs, Rest...>::type;
    using type = decltype(mine{} + others{});
};

template <bool Probing, std::size_t Id, class Path, int End, unsigned Input, class Source,
          class... S>
struct flatten_pipeline<Probing, Id, Path, End, Input, pipeline<Source, S...>> {
    using out = typename source_stream<Source>::type;
    static constexpr std::size_t size = tree_size<Source>::value;
    static constexpr int next = sizeof...(S) > 0 ? static_cast<int>(Id + size) : End;
    static constexpr int fallback = is_guarded<Source> ? static_cast<int>(Id) : -1;

    static consteval auto make_source() {
        if constexpr (merges_inputs<Source>) {
            constexpr int join = static_cast<int>(Id + size - 1);
            using inputs = decltype([]<class... P>(flat_tuple<P...>*) {
                return typename flatten_inputs<Probing, Id, typename longer<Path, 0>::type, 0, join,
                                               Input, P...>::type{};
            }(static_cast<typename Source::inputs_type*>(nullptr)));
            return inputs{}
                   + node_list<node<static_cast<std::size_t>(join), join_stage, path<>, out, out,
                                    next, heads<>, Input, -1>>{};
        } else {
            using letters =
                typename flatten_letters<Probing, Id + 1, typename longer<Path, 0>::type, 0, -1,
                                         void, Source>::type;
            using all_heads = typename with_letters<heads<>, has_letter_part<Source>,
                                                    static_cast<int>(Id + 1)>::type;
            return node_list<node<Id, Source, typename longer<Path, 0>::type, out, out, next,
                                  all_heads, Input, fallback>>{}
                   + letters{};
        }
    }
    using type = decltype(make_source() +
                          typename flatten_sequence<Probing, Id + size, Path, 1, End, Input,
                                                    fallback, out, S...>::type{});
};

/// The nodes of a complete pipeline.
template <class P, bool Probing = false>
using nodes_of = typename flatten_pipeline<Probing, 0, path<>, -1, 0, P>::type;

// --- finding a stage's value by its path ---
template <std::size_t K, class S>
constexpr auto& branch_at(S& stage) {
    if constexpr (is_guarded<S>) {
        if constexpr (K < own_branches<S>)
            return branch_at<K>(stage.inner);
        else
            return stage.policy.part;
    } else if constexpr (merges_inputs<S>) {
        return stage.inputs.template at<K>();
    } else {
        return stage.branches.template at<K>();
    }
}
template <class Sequence, std::size_t I>
constexpr auto& stage_by(Sequence& s, path<I>) {
    return s.stages.template at<I>();
}
template <class Sequence, std::size_t I, std::size_t K, std::size_t... Rest>
constexpr auto& stage_by(Sequence& s, path<I, K, Rest...>) {
    return stage_by(branch_at<K>(s.stages.template at<I>()), path<Rest...>{});
}

template <class S>
constexpr auto& inner_of(S& stage) {
    if constexpr (is_guarded<S>)
        return stage.inner;
    else
        return stage;
}

}  // namespace millrace::detail
