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
    constexpr auto before = Loop::graph::template before_node<I>;
    for_each_node<before.count>([&]<std::size_t K>() {
        f.template operator()<before.at[K], Loop::cuts::index(before.at[K], I)>();
    });
}
/// The least of what the stages before have promised; of a cut edge, what came over it. What is
/// idle holds nothing back; where all are, the greatest counts.
template <std::size_t I, class Loop>
time_point mark_before(Loop& loop, bool all_idle) {
    time_point low = all_idle ? time_point::min() : time_point::max();
    for_each_before<I, Loop>([&]<std::size_t Before, int Cut>() {
        auto const& state = loop.state();
        time_point mark = state.idle[Before] && !all_idle ? time_point::max() : state.marks[Before];
        if constexpr (Cut >= 0)
            mark = loop.exchanges().template at<static_cast<std::size_t>(Cut)>().mark(
                mark, state.idle[Before], all_idle);
        if (all_idle ? mark > low && mark != time_point::max() : mark < low) low = mark;
    });
    return low;
}
/// Is one of them idle, and each other ended?
template <std::size_t I, class Loop>
bool idle_before(Loop& loop) {
    bool quiet = false;
    bool active = false;
    for_each_before<I, Loop>([&]<std::size_t Before, int Cut>() {
        auto const& state = loop.state();
        bool idle = state.idle[Before];
        bool goes_on = !idle && state.marks[Before] != time_point::max();
        if constexpr (Cut >= 0)
            loop.exchanges().template at<static_cast<std::size_t>(Cut)>().look(idle, goes_on);
        quiet = quiet || idle;
        active = active || goes_on;
    });
    return quiet && !active;
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
/// Watermarks never fall: an input that returns from idleness finds the others ahead.
constexpr void rise(time_point& mark, time_point to) {
    if (mark < to) mark = to;
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
    if (!more) rise(state.marks[I], op.mark());
}
/// The least of the inputs that are neither ended nor idle; where none is left, the greatest of the
/// idle ones.
template <std::size_t I, class Loop>
void settle_time(Loop& loop) {
    constexpr unsigned input = Loop::template node_at<I>::input;
    constexpr unsigned inputs = Loop::template node_at<I>::stream_in::traits.inputs;
    auto& state = loop.state();
    auto& hot = loop.template hot<I>();
    bool active = false;
    bool quiet = false;
    for (unsigned i = 0; i < inputs; ++i) {
        bool const ended = state.ended[input + i];
        if (!ended && state.more_inputs[input + i]) return;
        active = active || (!ended && !state.quiet[input + i]);
        quiet = quiet || (!ended && state.quiet[input + i]);
    }
    state.idle[I] = quiet && !active;
    if (!state.idle[I]) {
        rise(state.marks[I], loop.template op<I>().mark(hot, [&state](unsigned i) {
            return state.ended[input + i] || state.quiet[input + i];
        }));
    } else {
        for (unsigned i = 0; i < inputs; ++i)
            if (!state.ended[input + i]) rise(state.marks[I], hot.input[i].watermark());
    }
}
/// Idle inputs follow what was promised without them, here and behind.
template <std::size_t I, class Loop>
void raise_idle(Loop& loop) {
    constexpr unsigned input = Loop::template node_at<I>::input;
    constexpr unsigned inputs = Loop::template node_at<I>::stream_in::traits.inputs;
    constexpr auto behind = Loop::flow::template worst<I>;
    auto& state = loop.state();
    auto& hot = loop.template hot<I>();
    for (unsigned i = 0; i < inputs; ++i) {
        if (!state.quiet[input + i]) continue;
        time_point promised = time_point::min();
        for (std::size_t n = 0; n < Loop::size; ++n)
            if (behind.at[n] > 0 && state.marks[n] != time_point::max())
                rise(promised, state.marks[n]);
        if constexpr (requires { hot.input[i].raise(time_point{}); }) hot.input[i].raise(promised);
    }
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
        state.idle[I] = state.quiet[input] && !state.ended[input];
        state.no_more[I] = state.stopped[input];
        return;
    } else if constexpr (kind == stage_kind::time) {
        settle_time<I>(loop);
    } else if constexpr (requires { op.advance(time_point{}); }) {
        state.idle[I] = idle_before<I>(loop);
        op.flush(emit);
        op.advance(mark_before<I>(loop, state.idle[I]));
        drain_node<I>(loop, emit, piece, pieces);
    } else {
        state.idle[I] = idle_before<I>(loop);
        rise(state.marks[I], mark_before<I>(loop, state.idle[I]));
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
    for_each_node<Loop::size>([&]<std::size_t I>() {
        if constexpr (Loop::template stage_at<I>::kind == stage_kind::time)
            if (loop.template present<I>()) raise_idle<I>(loop);
    });
    bool left = false;
    for (bool const waits : loop.state().undrained) left = left || waits;
    return left;
}

}  // namespace millrace::detail
