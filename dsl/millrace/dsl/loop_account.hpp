// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Where every record of a fused loop went: the counts of its nodes, one edge after the other.

#include <cstddef>
#include <cstdint>

#include <millrace/dsl/cuts.hpp>
#include <millrace/dsl/graph_edges.hpp>
#include <millrace/dsl/loop_operator.hpp>
#include <millrace/model/stage.hpp>

namespace millrace::detail {

/// One node, `in` being complete: what its operator counted, and what follows from that.
template <std::size_t I, class Loop, class State>
void account_node(Loop& loop, State const& state, stage_counts& c) {
    if (!loop.template present<I>()) return;
    using graph = typename Loop::graph;
    using stage_type = typename Loop::template stage_at<I>;
    auto& op = loop.template op<I>();
    std::uint64_t const in = c.in;
    c = state.counts[I];
    c.in = in;
    if constexpr (requires { op.count(loop.template hot<I>(), c); })
        op.count(loop.template hot<I>(), c);
    if constexpr (requires { op.count_bytes(c); }) op.count_bytes(c);
    if constexpr (graph::is_source(I) || stage_type::kind == stage_kind::parser) {
        if constexpr (requires { op.read; }) c.out += op.read;
        c.in = c.out + c.dropped + c.dead;
        c.passed = c.out;
    } else if constexpr (stage_type::kind == stage_kind::sink) {
        c.out -= state.headings[I];
        c.passed = c.out;
    } else if constexpr (stage_type::kind == stage_kind::flat_map) {
        c.passed = c.in - c.dropped - c.dead;
    } else if constexpr (requires { op.emitted; }) {  // one accumulator: all that came is in it
        (op.emitted ? c.passed : c.held) += c.in - c.dropped - c.dead;
    } else if constexpr (stage_type::kind == stage_kind::window) {
        // counts its own passed, late, held and out
    } else if constexpr (requires { op.unmatched; }) {
        if constexpr (Loop::template node_at<I>::next < 0) c.filtered = op.unmatched;
        c.passed = c.in - c.filtered - c.dropped - c.dead;
        c.out = c.passed;
    } else {
        c.out = c.in - c.filtered - c.dropped - c.dead;
        c.passed = c.out;
    }
}

/// What flows from node I into the nodes behind it.
template <std::size_t I, class Loop, class State, std::size_t Size>
void account_edges(Loop& loop, State const& state, stage_counts (&out)[Size]) {
    using graph = typename Loop::graph;
    if (!loop.template present<I>()) return;
    auto& op = loop.template op<I>();
    stage_counts const& c = out[I];
    constexpr std::size_t letters = graph::letters[I] ? 1 : 0;
    constexpr std::size_t ways = graph::widths[I] - letters;
    for (std::size_t k = 0; k < ways; ++k) {
        auto const head = static_cast<std::size_t>(graph::head_of(I, k));
        if constexpr (requires { op.taken; })
            out[head].in += op.taken[k];
        else if constexpr (requires { op.missed; })
            out[head].in += c.in - op.missed[k];
        else
            out[head].in += c.late;
    }
    if constexpr (letters == 1) {
        auto const head = static_cast<std::size_t>(graph::head_of(I, ways));
        out[head].in += state.letters[I];
    }
    if constexpr (graph::next[I] >= 0) {
        std::uint64_t& next = out[graph::next[I]].in;
        if constexpr (requires { op.missed; })
            next += c.out - op.missed[ways];
        else if constexpr (requires { op.unmatched; })
            next += op.unmatched;
        else
            next += c.out;
    }
}

/// In the order of the nodes, which is topological: so `in` is complete when a node's turn comes.
template <class Loop, class State, std::size_t Size>
void account_nodes(Loop& loop, State const& state, stage_counts (&out)[Size]) {
    for (stage_counts& c : out) c = {};
    // Of what flows over a cut edge, less went on here, or more, by what lanes took and gave. In
    // between a count may be below zero: they wrap.
    if constexpr (Loop::cuts::count > 0)
        Loop::exchange_type::each([&]<std::size_t E>() {
            constexpr auto edge = Loop::cuts::list.at[E];
            auto const& port = loop.exchanges().template at<E>();
            out[edge.to].in += port.taken();
            if constexpr (edge.kind != cut_kind::to_all) out[edge.to].in -= port.sent();
        });
    if constexpr (Loop::graph::reply_node >= 0) {
        constexpr auto reply = static_cast<std::size_t>(Loop::graph::reply_node);
        out[reply].in += state.refusals;
    }
    for_each_node<Size>([&]<std::size_t I>() {
        account_node<I>(loop, state, out[I]);
        account_edges<I>(loop, state, out);
    });
    // What was still on its way belongs to the stage behind the cut, which it never reached.
    if constexpr (Loop::cuts::count > 0)
        Loop::exchange_type::each([&]<std::size_t E>() {
            stage_counts& behind = out[Loop::cuts::list.at[E].to];
            std::uint64_t const left = loop.exchanges().template at<E>().left();
            behind.in += left;
            behind.held += left;
        });
}

/// How far it is: see `fused_loop::progress`.
template <class Loop, class Progress>
void add_progress(Loop& loop, Progress& out) {
    for_each_node<Loop::size>([&]<std::size_t I>() {
        if (!loop.template present<I>()) return;
        constexpr stage_kind kind = Loop::template stage_at<I>::kind;
        auto& op = loop.template op<I>();
        if constexpr (requires { op.progress().bytes_total; }) {
            auto const p = op.progress();
            out.bytes_done += p.bytes_done;
            out.bytes_total += p.bytes_total;
        }
        if constexpr (kind == stage_kind::source || kind == stage_kind::parser)
            out.records += loop.state().counts[I].out;
        if constexpr (requires { op.read; }) out.records += op.read;
        if constexpr (requires { loop.template hot<I>().late; })
            out.late += loop.template hot<I>().late;
    });
    out.watermark = loop.low_mark();
}

}  // namespace millrace::detail
