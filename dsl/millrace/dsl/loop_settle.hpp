// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a fused loop does once a batch: watermarks move down the graph, what is due drains as far as
// there is room for it.

#include <cstddef>
#include <utility>

#include <millrace/dsl/loop_emit.hpp>
#include <millrace/dsl/loop_operator.hpp>
#include <millrace/model/stage.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

/// How many records may enter behind node Head, at most `n`: each has room for all it can become.
template <std::size_t Head, class Loop>
std::size_t credit_behind(Loop& loop, std::size_t n) {
    using cuts = typename Loop::cuts;
    constexpr auto worst = Loop::flow::template worst<Head>;
    if constexpr (cuts::count > 0)
        for_each_node<cuts::count>([&]<std::size_t E>() {
            constexpr auto edge = cuts::list.at[E];
            if constexpr (worst.at[edge.from] > 0)
                if (n > 0) n = loop.exchanges().template at<E>().room_for(n, worst.at[edge.to]);
        });
    for_each_node<Loop::size>([&]<std::size_t I>() {
        if constexpr (worst.at[I] > 0 && requires { loop.template op<I>().sink.room(); }) {
            if (!loop.template present<I>()) return;
            std::size_t const room = loop.template op<I>().sink.room() / worst.at[I];
            n = room < n ? room : n;
        }
    });
    return n;
}

/// Calls `f.operator()<Before, Cut>()` for each node before I; Cut: the number of the cut edge
/// between them, or -1.
template <std::size_t I, class Loop, class F>
void for_each_before(F&& f) {
    for_each_node<I>([&]<std::size_t Before>() {
        if constexpr (Loop::graph::precedes(Before, I))
            f.template operator()<Before, Loop::cuts::index(Before, I)>();
    });
}
/// The least of what the stages before have promised; of a cut edge, what came over it.
template <std::size_t I, class Loop>
time_point mark_before(Loop& loop) {
    time_point low = time_point::max();
    for_each_before<I, Loop>([&]<std::size_t Before, int Cut>() {
        time_point mark = loop.state().marks[Before];
        if constexpr (Cut >= 0)
            mark = loop.exchanges().template at<static_cast<std::size_t>(Cut)>().mark(mark);
        if (mark < low) low = mark;
    });
    return low;
}
/// Will nothing come any more?
template <std::size_t I, class Loop>
bool closed_before(Loop& loop) {
    bool all = true;
    for_each_before<I, Loop>([&]<std::size_t Before, int Cut>() {
        bool closed = loop.state().no_more[Before];
        if constexpr (Cut >= 0)
            closed = loop.exchanges().template at<static_cast<std::size_t>(Cut)>().ended(closed);
        all = all && closed;
    });
    return all;
}

template <std::size_t I, class Loop>
void flush_node(Loop& loop) {
    emit_to<Loop, I> emit{&loop, &loop.all_hot()};
    auto& op = loop.template op<I>();
    if constexpr (requires { op.flush(emit); }) op.flush(emit);
    if constexpr (requires { op.batch_end(); }) op.batch_end();
}
/// The first half of settling for what stands behind a stage that drains.
template <std::size_t From, class Loop>
void flush_behind(Loop& loop) {
    for_each_node<Loop::size>([&]<std::size_t I>() {
        if constexpr (I > From)
            if (loop.template present<I>()) flush_node<I>(loop);
    });
}
/// Rows that are due, in pieces, while there is room behind the stage for what they become.
template <std::size_t I, class Loop, class Emit>
void drain_node(Loop& loop, Emit& emit, std::size_t piece, std::size_t pieces) {
    auto& state = loop.state();
    auto& op = loop.template op<I>();
    bool more = true;
    for (; more && pieces > 0; --pieces) {
        std::size_t const n = credit_behind<I>(loop, piece);
        if (n == 0) break;
        more = op.drain(n, emit);
        state.drains += more || state.undrained[I] ? 1 : 0;
        if (more) flush_behind<I>(loop);
    }
    state.undrained[I] = more;
    if (!more) state.marks[I] = op.mark();
}
template <std::size_t I, class Loop>
void settle_node(Loop& loop, std::size_t piece, std::size_t pieces) {
    constexpr stage_kind kind = Loop::template stage_at<I>::kind;
    constexpr unsigned input = Loop::template node_at<I>::input;
    emit_to<Loop, I> emit{&loop, &loop.all_hot()};
    auto& state = loop.state();
    auto& op = loop.template op<I>();
    if constexpr (kind == stage_kind::source || kind == stage_kind::bytes) {
        state.marks[I] = state.ended[input] ? time_point::max() : time_point::min();
        state.no_more[I] = state.stopped[input];
        return;
    } else if constexpr (kind == stage_kind::time) {
        state.marks[I] = op.mark(loop.template hot<I>(),
                                 [&state](unsigned i) { return state.ended[input + i]; });
    } else if constexpr (requires { op.advance(time_point{}); }) {
        op.flush(emit);
        op.advance(mark_before<I>(loop));
        drain_node<I>(loop, emit, piece, pieces);
    } else {
        state.marks[I] = mark_before<I>(loop);
        if constexpr (requires { op.batch_end(); }) op.batch_end();
    }
    state.no_more[I] = closed_before<I>(loop) && !state.undrained[I];
}

/// True while something is due that has not gone out.
template <class Loop>
bool settle_nodes(Loop& loop, std::size_t piece, std::size_t pieces) {
    for_each_node<Loop::size>([&]<std::size_t I>() {
        if (loop.template present<I>()) settle_node<I>(loop, piece, pieces);
    });
    bool left = false;
    for (bool const waits : loop.state().undrained) left = left || waits;
    return left;
}

}  // namespace millrace::detail
