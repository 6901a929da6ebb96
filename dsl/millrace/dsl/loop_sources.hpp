// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// How a fused loop reads its sources: records that are pushed into it, chunks that a parser turns
// into records.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <millrace/dsl/loop_failure.hpp>
#include <millrace/dsl/loop_operator.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/context.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/stage.hpp>

namespace millrace::detail {

/// What travels beside a record from its source on.
template <class Graph>
using origin_of =
    std::conditional_t<Graph::answers,
                       answered<std::conditional_t<Graph::needs_origin, traced, untraced>>,
                       std::conditional_t<Graph::needs_origin, traced, untraced>>;

/// A bounded source says false at its end, and never that it has nothing now.
constexpr source_state as_state(bool more) {
    return more ? source_state::more : source_state::ended;
}
constexpr source_state as_state(source_state state) { return state; }

/// What a source of records pushes into.
template <class Loop, std::size_t Id>
struct pushed_from {
    using node = typename Loop::template node_at<Id>;
    // A source that knows how far it has come counts its records itself.
    static constexpr bool counts =
        !requires(typename Loop::template operator_at<Id>& o) { o.read; };
    Loop* loop;
    typename Loop::hots* frame;

    template <class R>
    [[gnu::always_inline]] inline void operator()(R&& record) const {
        if constexpr (counts) ++loop->state().counts[Id].out;
        typename Loop::first_context ctx{};
        ctx.input = node::input;
        loop->template hand<Id, node::next>(static_cast<R&&>(record), ctx, *frame);
    }
    /// A request, with where its answer goes.
    template <class R>
    [[gnu::always_inline]] inline void operator()(R&& record, reply_token const& token) const {
        if constexpr (counts) ++loop->state().counts[Id].out;
        typename Loop::first_context ctx{};
        ctx.input = node::input;
        if constexpr (Loop::first_context::is_answered) ctx.reply = token;
        loop->template hand<Id, node::next>(static_cast<R&&>(record), ctx, *frame);
    }
};

/// What a parser behind a source of bytes emits into.
template <class Loop, std::size_t Id>
struct parsed_from {
    using node = typename Loop::template node_at<Id>;
    static constexpr std::size_t parser = static_cast<std::size_t>(node::next);
    Loop* loop;
    typename Loop::hots* frame;

    template <class R>
    [[gnu::always_inline]] inline void operator()(R&& record, std::string_view original,
                                                  std::uint64_t position) {
        typename Loop::first_context ctx{};
        ctx.input = node::input;
        if constexpr (Loop::first_context::is_traced) {
            ctx.original = original;
            ctx.position = position;
        }
        ++loop->state().counts[parser].out;
        loop->template hand<parser, Loop::template node_at<parser>::next>(static_cast<R&&>(record),
                                                                          ctx, *frame);
    }
    [[gnu::noinline, gnu::cold]] void bad(std::string_view reason, std::string_view original,
                                          std::uint64_t position) {
        context<untimed, traced> ctx{};
        ctx.input = node::input;
        ctx.original = original;
        ctx.position = position;
        bytes const row{original, true};
        fail_record<parser, parser>(*loop, &row, ctx, reason);
    }
};

/// Does this source feed its parser itself, with what lies between its pieces?
template <class Source, class Parser>
concept feeds = requires(Source& s, Parser& p, std::size_t& bytes) { s.feed_next(p, bytes); };

/// The parser's next piece. On a core, whose engine goes on meanwhile, without waiting where the
/// source can do so.
template <bool OnCore, class Source, class Parser>
source_state feed_from(Source& source, Parser& parser, std::size_t& bytes) {
    if constexpr (feeds<Source, Parser>) {
        return source.feed_next(parser, bytes);
    } else {
        chunk next;
        source_state state = source_state::ended;
        if constexpr (OnCore && requires { source.try_next(next); })
            state = source.try_next(next);
        else
            state = as_state(source.next(next));
        if (state == source_state::more) {
            bytes = next.data.size();
            parser.feed(next);
        }
        return state;
    }
}

/// A source that is several inputs begins with the next one: its time begins anew, and as long as
/// others are to come it promises nothing.
template <std::size_t K, class Loop>
void begin_input(Loop& loop) {
    using graph = typename Loop::graph;
    constexpr std::size_t id = graph::source_ids[K];
    if constexpr (requires { loop.template op<id>().begins_input(); }) {
        if (!loop.template op<id>().begins_input()) return;
        loop.state().more_inputs[K] = loop.template op<id>().has_more_inputs();
        for_each_node<Loop::size>([&]<std::size_t I>() {
            if constexpr (graph::kinds[I] == stage_kind::time) {
                constexpr unsigned first = graph::inputs[I];
                constexpr unsigned count = Loop::template node_at<I>::stream_in::traits.inputs;
                if constexpr (K >= first && K < first + count)
                    loop.template hot<I>().input[K - first] = loop.template op<I>().fresh;
            }
        });
    }
}

/// What became of a parser that had used up what it was fed with.
enum class fed : unsigned char { more, emitted, idle, ended };
constexpr fed as_fed(source_state state) {
    return state == source_state::more   ? fed::more
           : state == source_state::idle ? fed::idle
                                         : fed::ended;
}

/// Where the input is parsed on all partitions: bytes for the parser here, or up to `n` records
/// that were parsed elsewhere.
template <std::size_t Id, class Loop, class Emit>
[[gnu::always_inline]] inline fed feed_from_blocks(Loop& loop, std::size_t& n, std::size_t& bytes,
                                                   Emit& emit) {
    auto& blocks = loop.blocks().template at<Loop::template node_at<Id>::input>();
    using step = decltype(blocks.step(loop.template op<Emit::parser>(), bytes));
    step const what = blocks.step(loop.template op<Emit::parser>(), bytes);
    if (bytes > 0) loop.template op<Id>().count_elsewhere(bytes);
    if (what == step::records) {
        n -= blocks.take(n, emit);
        return fed::emitted;
    }
    return what == step::fed ? fed::more : what == step::idle ? fed::idle : fed::ended;
}

/// Parses up to `n` records; asks the source for a chunk where the parser has used up the last.
template <std::size_t Id, class Loop>
source_state poll_bytes(Loop& loop, std::size_t n, typename Loop::hots& frame) {
    using emit_type = parsed_from<Loop, Id>;
    constexpr std::size_t parser = emit_type::parser;
    constexpr bool in_blocks =
        requires { loop.blocks().template at<Loop::template node_at<Id>::input>().active(); };
    emit_type emit{&loop, &frame};
    for (;;) {
        std::size_t const got = loop.template op<parser>().parse(n, emit);
        n -= got < n ? got : n;
        if (n == 0) return source_state::more;
        std::size_t bytes = 0;
        fed what = fed::ended;
        bool in_order = true;
        if constexpr (in_blocks)
            if (loop.blocks().template at<Loop::template node_at<Id>::input>().active()) {
                in_order = false;
                what = feed_from_blocks<Id>(loop, n, bytes, emit);
            }
        constexpr bool on_core = requires(typename Loop::environment& env) { env.waker(); };
        if (in_order)
            what = as_fed(
                feed_from<on_core>(loop.template op<Id>(), loop.template op<parser>(), bytes));
        if (what == fed::idle) return source_state::idle;
        if (what == fed::ended) return source_state::ended;
        if (bytes > 0) {
            auto& counts = loop.state().counts[Id];
            ++counts.out;
            counts.bytes += bytes;
        }
        if (n == 0) return source_state::more;
        if constexpr (feeds<typename Loop::template operator_at<Id>,
                            typename Loop::template operator_at<parser>>)
            if (bytes == 0) return source_state::more;  // perhaps another input
    }
}

}  // namespace millrace::detail
