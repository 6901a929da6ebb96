// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `part<S...>` and `pipeline<S...>`: what `operator|` builds. Flat, so that they print short and
// compile in linear time.

#include <cstddef>
#include <type_traits>
#include <utility>

#include <millrace/model/flat_tuple.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {

/// An open sequence of stages: a value that can be stored, passed on, and attached to a source or a
/// part later.
template <class... S>
struct [[nodiscard("millrace: a part does nothing until it stands in a pipeline.")]] part
    : stage_base {
    flat_tuple<S...> stages;

    constexpr explicit part(flat_tuple<S...> s) : stages(std::move(s)) {}
};

/// A sequence that begins with a source. Complete, and fit for `run`, when it ends in a sink.
template <class Source, class... S>
struct [[nodiscard("millrace: a pipeline does nothing until run(…) takes it.")]] pipeline
    : stage_base {
    flat_tuple<Source, S...> stages;

    constexpr explicit pipeline(flat_tuple<Source, S...> s) : stages(std::move(s)) {}
};

template <class T>
inline constexpr bool is_part = false;
template <class... S>
inline constexpr bool is_part<part<S...>> = true;
template <class T>
inline constexpr bool is_pipeline = false;
template <class... S>
inline constexpr bool is_pipeline<pipeline<S...>> = true;

namespace detail {

template <class Stream>
struct cursor {};
template <class S>
struct step {};
template <class Stream, class S>
consteval auto operator>>(cursor<Stream>, step<S>) {
    if constexpr (is_rejected<Stream>)
        return cursor<Stream>{};
    else
        return cursor<stream_after<S, Stream>>{};
}
template <class Stream>
Stream stream_at(cursor<Stream>);

/// The stream that comes out of a source stage: it has no upstream, so it accepts `void`.
template <class Source>
struct source_stream {
    static consteval auto find() {
        if constexpr (requires { Source::template accept<void>(); })
            return std::type_identity<stream_after<Source, void>>{};
        else
            return std::type_identity<stream<typename Source::record>>{};
    }
    using type = typename decltype(find())::type;
};

/// The stream behind a sequence of stages that gets `In`. Every step is an instantiation that all
/// prefixes share.
template <class In, class... S>
using stream_behind = decltype(stream_at((cursor<In>{} >> ... >> step<S>{})));

template <class P>
struct stream_of_pipeline;
template <class Source, class... S>
struct stream_of_pipeline<pipeline<Source, S...>> {
    using type = stream_behind<typename source_stream<Source>::type, S...>;
};

template <class In, class P>
struct stream_of_part;
template <class In, class... S>
struct stream_of_part<In, part<S...>> {
    using type = stream_behind<In, S...>;
};
template <class In>
struct stream_of_part<In, rejected> {
    using type = rejected;
};

/// The first of some streams that was refused.
template <class Stream, class... Rest>
struct first_refusal : first_refusal<Rest...> {};
template <class Stream, class... Rest>
    requires(is_rejected<Stream>)
struct first_refusal<Stream, Rest...> : std::type_identity<Stream> {};

template <class... S, class T, std::size_t... I>
constexpr auto append(flat_tuple<S...>&& stages, T&& last, std::index_sequence<I...>) {
    // Leaf by leaf, by a cast to its base: a member template would be instantiated for each stage
    // of each prefix.
    return flat_tuple<S..., T>{
        {static_cast<tuple_leaf<I, S>&&>(stages.values)..., {std::move(last)}}};
}
template <class... S, class Last, std::size_t... I>
constexpr auto replace_last(flat_tuple<S...>&& stages, Last&& last, std::index_sequence<I...>) {
    return flat_tuple<flat_element<I, flat_tuple<S...>>..., Last>{
        {static_cast<tuple_leaf<I, flat_element<I, flat_tuple<S...>>>&&>(stages.values)...,
         {std::move(last)}}};
}
template <class... S>
constexpr pipeline<S...> as_pipeline(flat_tuple<S...> stages) {
    return pipeline<S...>{std::move(stages)};
}
template <class... S>
constexpr part<S...> as_part(flat_tuple<S...> stages) {
    return part<S...>{std::move(stages)};
}

// A word that may be written bare, like `count<"n">()`, says what stage it stands for.
template <class S>
concept stands_for = requires(S s) { std::move(s).as_stage(); };

template <class S>
concept begins =
    requires { S::kind; } && (S::kind == stage_kind::source || S::kind == stage_kind::bytes);

/// A stage on the left of `|` becomes a pipeline or a part of one.
template <class L>
constexpr auto lift(L left) {
    if constexpr (is_part<L> || is_pipeline<L> || is_rejected<L>)
        return left;
    else if constexpr (stands_for<L>)
        return lift(std::move(left).as_stage());
    else if constexpr (begins<L>)
        return as_pipeline(flat_tuple<L>{{{std::move(left)}}});
    else
        return as_part(flat_tuple<L>{{{std::move(left)}}});
}

template <class P>
struct last_of;
template <template <class...> class P, class... S>
struct last_of<P<S...>> {
    static constexpr std::size_t size = sizeof...(S);
    using type = flat_element<size - 1, flat_tuple<S...>>;
};

}  // namespace detail

/// The stream that a pipeline ends in.
template <class P>
using stream_of = typename detail::stream_of_pipeline<std::remove_cvref_t<P>>::type;

}  // namespace millrace
