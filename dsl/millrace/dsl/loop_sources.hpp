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
#include <millrace/model/bytes.hpp>
#include <millrace/model/context.hpp>
#include <millrace/model/live.hpp>

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

/// Parses up to `n` records; asks the source for a chunk where the parser has used up the last.
template <std::size_t Id, class Loop>
source_state poll_bytes(Loop& loop, std::size_t n, typename Loop::hots& frame) {
    using emit_type = parsed_from<Loop, Id>;
    constexpr std::size_t parser = emit_type::parser;
    emit_type emit{&loop, &frame};
    for (;;) {
        std::size_t const got = loop.template op<parser>().parse(n, emit);
        n -= got < n ? got : n;
        if (n == 0) return source_state::more;
        chunk next;
        source_state const state = as_state(loop.template op<Id>().next(next));
        if (state != source_state::more) return state;
        auto& counts = loop.state().counts[Id];
        ++counts.out;
        counts.bytes += next.data.size();
        loop.template op<parser>().feed(next);
    }
}

}  // namespace millrace::detail
