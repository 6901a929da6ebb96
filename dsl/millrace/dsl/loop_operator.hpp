// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// How a stage becomes an operator of a fused loop.

#include <cstddef>
#include <cstdint>

#include <millrace/dsl/graph.hpp>
#include <millrace/model/stage.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

struct no_hot {};
template <class Op>
struct hot_of {
    using type = no_hot;
};
template <class Op>
    requires requires { typename Op::hot; }
struct hot_of<Op> {
    using type = typename Op::hot;
};

template <class Op>
inline constexpr bool is_arithmetic = [] {
    if constexpr (requires { Op::vectorises; })
        return bool{Op::vectorises};
    else
        return false;
}();

/// A parser's place in a probing loop, where records are fed behind it: it hands on what comes.
struct pass_operator {
    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        emit(static_cast<R&&>(record), ctx);
    }
};

/// How a node becomes an operator. The test driver's `Env` has words of its own for the edges of
/// the world.
template <class Node, class Stage, class Env>
constexpr auto open_node(Stage& stage, Env& env) {
    using inner = typename Node::inner_type;
    using in = typename Node::stream_in;
    if constexpr (requires { env.template probe<Node>(stage); })
        return env.template probe<Node>(stage);
    else if constexpr (inner::kind == stage_kind::source || inner::kind == stage_kind::bytes)
        return stage.open_source(env);
    else if constexpr (inner::kind == stage_kind::fork)
        return stage.template open_fork<in, (Node::next >= 0)>(env);
    else if constexpr (inner::kind == stage_kind::window)
        return stage.template open_window<in>(env);
    else
        return stage.template open<in>(env);
}

/// What a loop itself counts and knows of its nodes, whatever their types.
template <std::size_t Nodes, std::size_t Sources>
struct loop_state {
    stage_counts counts[Nodes]{};     // sources, parsers, failures
    std::uint64_t letters[Nodes]{};   // dead letters, by who holds the policy
    std::uint64_t headings[Nodes]{};  // what writers wrote before the first record
    time_point marks[Nodes]{};
    bool undrained[Nodes]{};  // rows that are due have not gone out
    bool idle[Nodes]{};       // its inputs are idle: it holds no watermark back (SEMANTICS 4)
    bool no_more[Nodes]{};    // nothing comes out any more
    bool ended[Sources == 0 ? 1 : Sources]{};
    bool quiet[Sources == 0 ? 1 : Sources]{};        // empty for so long that it counts as idle
    bool stopped[Sources == 0 ? 1 : Sources]{};      // ended, or no longer read
    bool more_inputs[Sources == 0 ? 1 : Sources]{};  // it is several, and some have not begun
    std::size_t closed = 0;                          // nodes that were told
    std::uint64_t refusals = 0;  // requests that failed, handed to the stage that replies
    std::uint64_t drains = 0;    // calls that had room
};

/// `f.operator()<I>()` for each node, in order.
template <std::size_t Nodes, class F>
constexpr void for_each_node(F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (f.template operator()<I>(), ...);
    }(std::make_index_sequence<Nodes>{});
}

}  // namespace millrace::detail
