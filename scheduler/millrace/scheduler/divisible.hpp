// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Can a pipeline run on several partitions, and would it gain anything? If not, why.

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <millrace/dsl/cuts.hpp>
#include <millrace/dsl/graph.hpp>
#include <millrace/dsl/graph_edges.hpp>
#include <millrace/dsl/loop_blocks.hpp>
#include <millrace/scheduler/crossing.hpp>

namespace millrace {

/// What keeps a pipeline on one partition.
enum class undivided_by : unsigned char {
    nothing,     ///< it can run on several
    no_need,     ///< none of its stages would run on a second one: no exchange, no source per core
    a_function,  ///< a stage's function can't be copied, so there can't be one for each partition
    a_view,  ///< a record that views its input, or can't be moved safely, would change partitions
};

namespace detail {

template <class T>
inline constexpr bool can_cross =
    parcel<T>::can_cross && std::is_nothrow_move_constructible_v<parcel<T>>;

template <class Nodes>
struct division;
template <class... Node>
struct division<node_list<Node...>> {
    using graph = edges<Node...>;
    using cuts = cuts_of<graph, Node...>;

    template <class N>
    static consteval bool copies() {
        constexpr bool alone = cuts::single(N::id) && N::inner_type::kind != stage_kind::key;
        if constexpr (alone || std::is_same_v<typename N::stage_type, join_stage>)
            return true;
        else if constexpr (requires(typename N::inner_type& s) { s.predicates; })
            return std::is_copy_constructible_v<decltype(N::inner_type::predicates)>;
        else if constexpr (N::inner_type::kind == stage_kind::fork)
            return true;
        else
            return std::is_copy_constructible_v<typename N::inner_type>;
    }
    template <class N>
    static consteval bool crosses() {
        bool cut = false;
        for (std::size_t p = 0; p < N::id; ++p) cut = cut || cuts::index(p, N::id) >= 0;
        if (!cut) return true;
        return can_cross<typename N::stream_in::record>;
    }
    static consteval undivided_by find() {
        if (cuts::count == 0 && (cuts::single(Node::id) && ...) && !any_parsed_in_blocks<graph>)
            return undivided_by::no_need;
        if (!(copies<Node>() && ...)) return undivided_by::a_function;
        if (!(crosses<Node>() && ...)) return undivided_by::a_view;
        return undivided_by::nothing;
    }
    static constexpr undivided_by reason = find();
    /// Would partitions beyond the first of each core get any record? From a source that runs on
    /// all, or as a copy; exchanges send to the first only.
    static constexpr bool feeds_all = [] {
        bool feeds = ((graph::is_source(Node::id) && !cuts::single(Node::id)) || ...);
        for (std::size_t e = 0; e < cuts::count; ++e)
            feeds = feeds || cuts::list.at[e].kind == cut_kind::to_all;
        return feeds;
    }();
};

template <class P>
inline constexpr bool feeds_all_partitions = division<nodes_of<P>>::feeds_all;
template <class P>
inline constexpr bool divisible = division<nodes_of<P>>::reason == undivided_by::nothing;

}  // namespace detail

/// Why a complete pipeline runs on one partition whatever is asked for; `nothing` where it does
/// not.
template <class P>
inline constexpr undivided_by undivided = detail::division<detail::nodes_of<P>>::reason;

}  // namespace millrace
