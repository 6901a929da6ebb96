// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What an operator of a fused loop is handed beside a record: the way on, its hot state, its
// errors.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/dsl/graph.hpp>
#include <millrace/dsl/loop_failure.hpp>
#include <millrace/model/context.hpp>
#include <millrace/model/stage.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

template <class Source>
inline constexpr bool reads_network = requires { requires Source::from_network; };

/// What an operator hands its results to.
template <class Loop, std::size_t I, class Frame = typename Loop::hots>
struct emit_to {
    using graph = typename Loop::graph;
    using node = typename Loop::template node_at<I>;
    using origin = typename Loop::origin;

    Loop* loop;
    Frame* frame;

    template <class R, class Ctx>
    [[gnu::always_inline]] inline void operator()(R&& record, Ctx const& ctx) const {
        loop->template hand<I, node::next>(static_cast<R&&>(record), ctx, *frame);
    }
    /// Into branch K: a part of a fork, late records.
    template <std::size_t K, class R, class Ctx>
    [[gnu::always_inline]] inline void to(R&& record, Ctx const& ctx) const {
        loop->template hand<I, graph::template head<I, K>()>(static_cast<R&&>(record), ctx, *frame);
    }
    [[gnu::always_inline]] inline auto& hot() const { return frame->template at<I>(); }
    /// Counts one. An environment may say that it wants no counters: that is what
    /// bench/fusion/accounts.cpp compares.
    [[gnu::always_inline]] inline void tally(std::uint64_t& count) const {
        if constexpr (!requires { Loop::environment::uncounted; }) ++count;
    }
    [[gnu::always_inline]] inline void tally(batch_count& count) const {
        if constexpr (!requires { Loop::environment::uncounted; }) {
            if constexpr (Loop::template counts_in_batches<I>())
                ++count.lately;
            else
                ++count.total;
        }
    }
    /// The record at hand went nowhere, because the run ends with it.
    void count_dead() const { ++loop->state().counts[I].dead; }
    /// In a catch block: what the stage's policy says, for the exception that is being handled.
    template <class R, class Ctx>
    void fail(R const& record, Ctx const& ctx) const {
        fail_by_exception<I, I>(*loop, &record, ctx);
    }
    /// The same for an exception of the key's function: the policy of its `key_by` comes first, if
    /// it has one.
    template <class R, class Ctx>
    void fail_key(R const& record, Ctx const& ctx) const {
        fail_by_exception<I, graph::template key_above<I>()>(*loop, &record, ctx);
    }
    /// The record's key has no room in state, and the run goes on without it.
    template <class R, class Ctx>
    void shed(R const& record, Ctx const& ctx) const {
        shed_record<I>(*loop, &record, ctx);
    }
    template <class R, class Ctx>
    void fail_with(R const& record, Ctx const& ctx, std::string_view reason) const {
        fail_record<I, I>(*loop, &record, ctx, reason);
    }
    /// The context with event time in it.
    template <class Ctx>
    [[gnu::always_inline]] inline auto at_time(Ctx const& ctx, time_point event_time,
                                               time_point stamp) const {
        context<timed, origin> out{};
        static_cast<origin&>(out) = static_cast<origin const&>(ctx);
        out.event_time = event_time;
        out.stamp = stamp;
        out.input = ctx.input;
        return out;
    }
    /// The watermark that this stage has handed on so far: the stamp of what it releases.
    [[nodiscard]] time_point mark() const { return loop->state().marks[I]; }
    /// How many records have come so far. Walks over the whole graph: for cold paths.
    [[nodiscard]] std::uint64_t records_taken() const {
        stage_counts counts[Loop::size];
        loop->account(counts);
        return counts[I].in - counts[I].dropped - counts[I].dead;
    }
    /// The context of a row that a stage releases.
    template <bool Timed>
    using row_context = context<std::conditional_t<Timed, timed, untimed>, origin>;
    [[nodiscard]] static constexpr unsigned first_input() { return node::input; }
    /// Does one of the sources above read the network?
    static consteval bool from_network() {
        return []<std::size_t... K>(std::index_sequence<K...>) {
            return (
                reads_network<typename Loop::template stage_at<graph::source_ids[node::input + K]>>
                || ...);
        }(std::make_index_sequence<node::stream_in::traits.inputs>{});
    }
    /// The key functions of the nearest `key_by` above.
    [[gnu::always_inline]] inline auto& key() const {
        return loop->template op<graph::template key_above<I>()>().functions;
    }
    /// The source that the records of this stage came in by, on this partition.
    [[gnu::always_inline]] inline auto& endpoint() const {
        return loop->template op<graph::source_ids[node::input]>();
    }
    /// Does a dead letter of this stage show its input?
    static constexpr bool keeps_input = has_letter_part<typename node::stage_type>;
};

}  // namespace millrace::detail
