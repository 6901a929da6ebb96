// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Runs: the loop over the records of a source in memory that end in a window, without a call in it.
//
// A compiler keeps what lives across a call in the few registers that a call preserves, also where
// the call is hardly ever reached: for a new key, another pane, a late record. So the window leaves
// such a record undone, the loop ends, and an outer loop completes the record and begins the next
// run. No record follows before it is complete: order and results are those of the plain loop.

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include <millrace/dsl/loop_emit.hpp>
#include <millrace/dsl/loop_frame.hpp>
#include <millrace/dsl/loop_sources.hpp>
#include <millrace/dsl/window_run.hpp>
#include <millrace/model/context.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/stage.hpp>

namespace millrace::detail {

/// The hot state of a run, and what its window may leave undone.
template <class Hots, class Undone>
struct run_frame : Hots {
    Undone* rest = nullptr;
    std::uint64_t left_whole = 0;
    bool undone = false;

    template <class R, class Ctx>
    [[gnu::always_inline]] inline void leave(R const& record, Ctx const& ctx) {
        rest->whole = true;
        ::new (static_cast<void*>(&rest->record)) R(record);
        ::new (static_cast<void*>(&rest->ctx)) Ctx(ctx);
        ++left_whole;
        undone = true;
    }
    template <class Key, class Input>
    [[gnu::always_inline]] inline void leave_update(Key const& key, Input const& input) {
        rest->whole = false;
        ::new (static_cast<void*>(&rest->key)) Key(key);
        ::new (static_cast<void*>(&rest->input)) Input(input);
        undone = true;
    }
};

/// A function of its own, which works on the hot state where it lies between batches.
template <std::size_t Window, class Loop, class Undone>
[[gnu::noinline]] void complete_whole(Loop& loop, Undone& rest) {
    emit_to<Loop, Window> emit{&loop, &loop.all_hot()};
    loop.template op<Window>().process(rest.record, rest.ctx, emit);
}
template <std::size_t Head, std::size_t Window, class Loop, class Frame>
[[gnu::always_inline]] inline void complete_record(Loop& loop, Frame& frame) {
    if (!frame.rest->whole) {
        auto& h = frame.template at<Window>();
        emit_to<Loop, Window> const emit{&loop, &loop.all_hot()};
        window_run::complete_update(loop.template op<Window>(), *h.pane, *frame.rest, emit);
        ++h.added;
        return;
    }
    move_hots<Loop, Head>(frame, loop.all_hot());
    struct back {
        Loop& loop;
        Frame& frame;
        [[gnu::always_inline]] inline ~back() { move_hots<Loop, Head>(loop.all_hot(), frame); }
    } const at_end{loop, frame};
    complete_whole<Window>(loop, *frame.rest);
}

/// What a source pushes a run into: it ends where `undone()`, and goes on behind `complete()`.
template <class Loop, std::size_t Id, std::size_t Window, class Frame>
struct run_from {
    using node = typename Loop::template node_at<Id>;
    Loop* loop;
    Frame* frame;

    template <class R>
    [[gnu::always_inline]] inline void operator()(R&& record) const {
        typename Loop::first_context ctx{};
        ctx.input = node::input;
        loop->template hand<Id, node::next>(static_cast<R&&>(record), ctx, *frame);
    }
    [[gnu::always_inline]] inline bool undone() const { return frame->undone; }
    [[gnu::always_inline]] inline void complete() const {
        complete_record<Id, Window>(*loop, *frame);
        frame->undone = false;
    }
};

/// The window at the end of the straight line behind a source, or -1.
template <class Graph, class Cuts>
consteval int window_in_line(std::size_t source) {
    for (std::size_t at = source;;) {
        int const next = Graph::next[at];
        if (next < 0) return -1;
        auto const to = static_cast<std::size_t>(next);
        if (Graph::begins_segment(at, to) || Cuts::index(at, to) >= 0) return -1;
        switch (Graph::kinds[to]) {
            case stage_kind::window:
                return next;
            case stage_kind::one_to_one:
            case stage_kind::filter:
            case stage_kind::time:
            case stage_kind::key:
                at = to;
                break;
            default:
                return -1;
        }
    }
}
/// The same where source and window take runs.
template <class Loop, std::size_t Source>
consteval int window_of_runs() {
    constexpr int window = window_in_line<typename Loop::graph, typename Loop::cuts>(Source);
    if constexpr (window >= 0)
        if constexpr (requires {
                          requires Loop::template operator_at<Source>::gives_runs;
                          requires Loop::template operator_at<window>::takes_runs;
                      })
            return window;
    return -1;
}

/// Reads up to `n` records from a source, in runs.
template <std::size_t Source, std::size_t Window, class Loop>
[[gnu::always_inline]] inline source_state poll_runs(Loop& loop, std::size_t n) {
    using time_type =
        std::conditional_t<Loop::template node_at<Window>::stream_in::traits.timed, timed, untimed>;
    using context_type = context<time_type, typename Loop::origin>;
    using undone_type = typename Loop::template operator_at<Window>::template undone<context_type>;
    using frame_type = run_frame<typename Loop::hots, undone_type>;
    auto& source = loop.template op<Source>();
    undone_type rest;
    frame_of<Loop, Source, frame_type> frame{loop, {loop.all_hot(), &rest}};
    std::uint64_t const before = source.read;
    run_from<Loop, Source, Window, frame_type> const push{&loop, &frame.local};
    source_state const state = as_state(source.poll(n, push));
    loop.template op<Window>().pacing().ran(source.read - before, frame.local.left_whole);
    return state;
}

}  // namespace millrace::detail
