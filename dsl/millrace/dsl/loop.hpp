// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The fused loop: one object that holds every operator of a pipeline side by side and hands records
// from one to the next by inlined calls. docs/internals/fusion.md explains segments, hot state and
// marks.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

#include <millrace/dsl/cuts.hpp>
#include <millrace/dsl/graph.hpp>
#include <millrace/dsl/graph_edges.hpp>
#include <millrace/dsl/loop_account.hpp>
#include <millrace/dsl/loop_blocks.hpp>
#include <millrace/dsl/loop_emit.hpp>
#include <millrace/dsl/loop_exchange.hpp>
#include <millrace/dsl/loop_failure.hpp>
#include <millrace/dsl/loop_frame.hpp>
#include <millrace/dsl/loop_operator.hpp>
#include <millrace/dsl/loop_run.hpp>
#include <millrace/dsl/loop_settle.hpp>
#include <millrace/dsl/loop_sources.hpp>
#include <millrace/model/context.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/stage.hpp>

namespace millrace::detail {

template <class P, class Env, class Nodes>
class fused_loop;

template <class P, class Env, class... Node>
class fused_loop<P, Env, node_list<Node...>> {
public:
    using graph = edges<Node...>;
    static constexpr std::size_t size = sizeof...(Node);
    template <std::size_t I>
    using node_at = typename graph::template node_at<I>;
    template <std::size_t I>
    using stage_at = typename node_at<I>::inner_type;

    static constexpr bool parallel = is_parallel<Env>;
    using cuts = std::conditional_t<parallel, cuts_of<graph, Node...>, no_cuts<graph>>;
    using flow = flow_of<graph, Node...>;
    using exchange_type = std::conditional_t<parallel, exchange<Env, graph, cuts>, no_exchange>;

    using origin = origin_of<graph>;
    using first_context = context<untimed, origin>;

private:
    using blocks_type =
        std::conditional_t<parallel, all_blocks<P, Env, graph, first_context::is_traced>,
                           no_blocks>;
    template <class N>
    static constexpr auto open(P& expression, Env& env) {
        if constexpr (std::is_same_v<typename N::stage_type, join_stage>) {
            join_stage join;
            return open_node<N>(join, env);
        } else if constexpr (!parallel) {
            return open_node<N>(inner_of(stage_by(expression, typename N::path_type{})), env);
        } else {
            // The stages behind an exchange read the key's functions on every partition.
            constexpr bool alone = cuts::single(N::id) && N::inner_type::kind != stage_kind::key;
            return open_copy<N, alone>(inner_of(stage_by(expression, typename N::path_type{})),
                                       env);
        }
    }
    template <class N>
    using operator_of = decltype(open<N>(std::declval<P&>(), std::declval<Env&>()));
    using operators = flat_tuple<operator_of<Node>...>;

public:
    using environment = Env;
    using hots = flat_tuple<typename hot_of<opened_operator<operator_of<Node>>>::type...>;
    template <std::size_t I>
    using operator_at = opened_operator<flat_element<I, operators>>;
    static constexpr std::size_t sources = graph::sources;

    /// Where loops run side by side the expression stays whole, for the next one to open.
    fused_loop(P&& expression, Env& env)
        : operators_{{{open<Node>(expression, env)}...}}, exchange_(env), blocks_(expression, env) {
        each([&]<std::size_t I>() {
            // What is absent holds nothing back.
            state_.marks[I] = present<I>() ? time_point::min() : time_point::max();
            state_.no_more[I] = !present<I>();
            if (!present<I>()) return;
            if constexpr (requires { op<I>().start(hots_.template at<I>()); })
                op<I>().start(hots_.template at<I>());
            if constexpr (requires { op<I>().report_to(env.state_budget()); })
                op<I>().report_to(env.state_budget());
        });
        each_source([&]<std::size_t K>() {  // what is read elsewhere is no input here
            constexpr std::size_t id = graph::source_ids[K];
            if (!present<id>()) return end_source<K>();
            if constexpr (requires { op<id>().has_more_inputs(); })
                state_.more_inputs[K] = op<id>().has_more_inputs();
        });
    }
    fused_loop(fused_loop const&) = delete;
    fused_loop& operator=(fused_loop const&) = delete;

    template <std::size_t I>
    auto& op() {
        return opened(operators_.template at<I>());
    }
    /// Does stage I run here? One that runs on a single partition is absent from the others.
    template <std::size_t I>
    [[nodiscard]] bool present() {
        return is_present(operators_.template at<I>());
    }
    /// The part of this partition in parsing what is read in blocks.
    blocks_type& blocks() { return blocks_; }
    /// Where loops run side by side: joins this one to another.
    void connect(fused_loop& other) {
        exchange_.connect(other.exchange_);
        blocks_.join(other.blocks_);
    }
    template <std::size_t I>
    auto& hot() {
        return hots_.template at<I>();
    }

    // --- records ---

    /// From node From to node To: inlined within a segment, a call where a segment begins. Stays:
    /// also over a cut edge on this partition.
    template <std::size_t From, int To, bool Stays = false, class R, class Ctx, class Frame>
    [[gnu::always_inline]] inline void hand(R&& record, Ctx const& ctx, Frame& frame) {
        if constexpr (To < 0)
            (void)frame;
        else if constexpr (!Stays && cuts::index(From, static_cast<std::size_t>(To)) >= 0)
            exchange_.template cross<From, static_cast<std::size_t>(To)>(
                *this, static_cast<R&&>(record), ctx, frame);
        else if constexpr (graph::begins_segment(From, static_cast<std::size_t>(To)))
            segment<static_cast<std::size_t>(To)>(static_cast<R&&>(record), ctx);
        else
            process<static_cast<std::size_t>(To)>(static_cast<R&&>(record), ctx, frame);
    }
    /// Does node I stand in a loop of vectors, whose counts are narrow for the time of a batch?
    template <std::size_t I>
    static consteval bool counts_in_batches() {
        return [&]<std::size_t... K>(std::index_sequence<K...>) {
            return ((graph::template reached<graph::source_ids[K]>.value[I]
                     && vectorises<graph::source_ids[K]>())
                    || ...);
        }(std::make_index_sequence<sources>{});
    }
    auto& state() { return state_; }
    auto& all_hot() { return hots_; }
    exchange_type& exchanges() { return exchange_; }
    /// A record that enters a segment: a call.
    template <std::size_t I, class R, class Ctx>
    [[gnu::noinline]] void segment(R&& record, Ctx const& ctx) {
        process<I>(static_cast<R&&>(record), ctx, hots_);
    }
    /// Takes up to `n` records that came over cut edge E; how many there were.
    template <std::size_t E>
    std::size_t take(std::size_t n) {
        constexpr std::size_t head = cuts::list.at[E].to;
        frame_of<fused_loop, head> frame{*this, hots_};
        return exchange_.template at<E>().take(
            exchange_.environment(), n, [&](auto&& item) __attribute__((always_inline)) {
                auto const ctx = item.context(node_at<head>::input);
                this->template process<head>(item.record.open(), ctx, frame.local);
            });
    }

    /// Reads up to `n` records from source K and sends them through; says whether it has more.
    template <std::size_t K>
    source_state poll(std::size_t n) {
        begin_input<K>(*this);
#if defined(__x86_64__) && !defined(__AVX2__)
        // A loop that the compiler can turn into masks and vectors is compiled for three machines.
        if constexpr (vectorises<graph::source_ids[K]>()) {
            if (vector_level_ == 2) return poll_avx512<K>(n);
            if (vector_level_ == 1) return poll_avx2<K>(n);
        }
#endif
        if constexpr (vectorises<graph::source_ids[K]>()) return poll_vectors<K>(n);
        return poll_here<K>(n);
    }

    /// Sends one record in as if source K had read it.
    template <std::size_t K, class R>
    void push(R&& record) {
        // A parser between the source and the record is passed by.
        constexpr std::size_t source = graph::source_ids[K];
        constexpr std::size_t id = graph::template parses<source>()
                                       ? static_cast<std::size_t>(graph::next[source])
                                       : source;
        first_context ctx{};
        ctx.input = K;
        ++state_.counts[id].out;
        frame_of<fused_loop, source> frame{*this, hots_};  // a batch of one
        hand<id, node_at<id>::next>(static_cast<R&&>(record), ctx, frame.local);
    }

    /// How many records and chunks source K has given.
    template <std::size_t K>
    [[nodiscard]] std::uint64_t records_of() {
        constexpr std::size_t id = graph::source_ids[K];
        std::uint64_t given = state_.counts[id].out;
        if constexpr (requires { op<id>().read; })
            given += op<id>().read;
        else if constexpr (graph::template parses<id>())
            given += state_.counts[graph::next[id]].out;
        return given;
    }
    template <std::size_t K>
    void end_source() {
        state_.ended[K] = true;
        state_.stopped[K] = true;
    }
    /// Nothing more is read from it, which is not the end of its input: no watermark moves.
    template <std::size_t K>
    void stop_source() {
        state_.stopped[K] = true;
    }
    /// Has it been empty for so long that it counts as idle? Then it holds no watermark back.
    template <std::size_t K>
    void quiet_source(bool quiet) {
        state_.quiet[K] = quiet;
    }
    [[nodiscard]] bool source_quiet(std::size_t k) const { return state_.quiet[k]; }
    [[nodiscard]] bool source_stopped(std::size_t k) const { return state_.stopped[k]; }
    [[nodiscard]] bool source_ended(std::size_t k) const { return state_.ended[k]; }

    // --- time ---

    /// Once a batch: flushes what is deferred, moves the watermarks down the graph, drains what is
    /// due, at most `pieces` times `piece` rows of each stage and no more than there is room for,
    /// and ends the batch at the sinks. A stage hands its mark on only behind what it released.
    /// True while something is due that has not gone out.
    bool settle(std::size_t piece, std::size_t pieces = ~std::size_t{0}) {
        return settle_nodes(*this, piece, pieces);
    }
    /// How many records may enter behind node Head, at most `n`: each has room for all it can
    /// become, in every lane and sink.
    template <std::size_t Head>
    std::size_t credit(std::size_t n) {
        return credit_behind<Head>(*this, n);
    }
    /// Does a stage behind node Head still hold rows that are due? Then they go first.
    template <std::size_t Head>
    [[nodiscard]] bool blocked() const {
        constexpr auto worst = flow::template worst<Head>;
        for (std::size_t i = 0; i < size; ++i)
            if (worst.at[i] > 0 && state_.undrained[i]) return true;
        return false;
    }
    [[nodiscard]] time_point mark(std::size_t node) const { return state_.marks[node]; }
    /// The low mark of the whole: the least of what reaches the sinks.
    [[nodiscard]] time_point low_mark() const {
        time_point low = time_point::max();
        each([&]<std::size_t I>() {
            if constexpr (stage_at<I>::kind == stage_kind::time)
                if (state_.marks[I] < low) low = state_.marks[I];
        });
        return low;
    }

    /// Success or not, once: sinks commit or take back what they wrote. All finish writing before
    /// the first commits, so a full disk leaves nothing of any; where one throws, calling again
    /// with `false` takes back those behind it.
    void close(bool success) {
        if (success && state_.closed == 0)
            each([&]<std::size_t I>() {
                if (!present<I>()) return;
                if constexpr (requires { op<I>().sink.finish(); }) op<I>().sink.finish();
            });
        each([&]<std::size_t I>() {
            if (I < state_.closed) return;
            state_.closed = I + 1;
            if (!present<I>()) return;
            if constexpr (requires { op<I>().close(success); }) op<I>().close(success);
        });
    }
    /// Before the first record: headings of writers, once.
    void begin() {
        each([&]<std::size_t I>() {
            emit_to<fused_loop, I> emit{this, &hots_};
            if constexpr (requires { op<I>().begin(emit); }) op<I>().begin(emit);
        });
        each([&]<std::size_t I>() {
            if constexpr (stage_at<I>::kind == stage_kind::sink) {
                if (!present<I>()) return;
                stage_counts c;
                op<I>().count(hots_.template at<I>(), c);
                state_.headings[I] = c.out;
            }
        });
    }

    /// How far it is: adds bytes, records and late ones to a progress state, and sets its
    /// watermark.
    template <class State>
    void progress(State& state) {
        add_progress(*this, state);
    }

    // --- accounts ---

    /// The counts of every node, `in` derived from the edges (LANGUAGE, 17).
    void account(stage_counts (&out)[size]) { account_nodes(*this, state_, out); }

private:
    template <std::size_t K>
    [[gnu::always_inline]] inline source_state poll_here(std::size_t n) {
        constexpr std::size_t id = graph::source_ids[K];
        if constexpr (vectorises<id>()) n = n >> 32 == 0 ? n : ~std::uint32_t{0};
        if constexpr (constexpr int window = window_of_runs<fused_loop, id>(); window >= 0)
            if (op<window>().runs()) return poll_runs<id, window>(*this, n);
        frame_of<fused_loop, id> frame{*this, hots_};
        if constexpr (graph::template parses<id>())
            return poll_bytes<id>(*this, n, frame.local);
        else
            return as_state(op<id>().poll(n, pushed_from<fused_loop, id>{this, &frame.local}));
    }
    /// Only arithmetic from the source to one accumulator: nothing that calls, looks up or writes.
    template <std::size_t Head>
    static consteval bool vectorises() {
        bool all = is_arithmetic<operator_at<Head>> && !cuts::within(graph::template reached<Head>);
        each([&]<std::size_t I>() {
            if constexpr (I != Head && graph::template reached<Head>.value[I])
                all = all
                      && (stage_at<I>::kind == stage_kind::one_to_one
                          || stage_at<I>::kind == stage_kind::filter
                          || is_arithmetic<operator_at<I>>);
        });
        return all;
    }
    // g++ would sink the loads of a record into the branches of its filters, where they become
    // masked loads: a quarter slower.
#ifdef __clang__
#define MILLRACE_LOOP_OF_VECTORS [[gnu::noinline]]
#else
#define MILLRACE_LOOP_OF_VECTORS [[gnu::noinline, gnu::optimize("no-tree-sink")]]
#endif
    template <std::size_t K>
    MILLRACE_LOOP_OF_VECTORS source_state poll_vectors(std::size_t n) {
        return poll_here<K>(n);
    }
#if defined(__x86_64__) && !defined(__AVX2__)
    template <std::size_t K>
    MILLRACE_LOOP_OF_VECTORS [[gnu::target("avx2,bmi,bmi2")]] source_state poll_avx2(
        std::size_t n) {
        return poll_here<K>(n);
    }
    template <std::size_t K>
    MILLRACE_LOOP_OF_VECTORS
        [[gnu::target("avx2,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]] source_state
        poll_avx512(std::size_t n) {
        return poll_here<K>(n);
    }
    int const vector_level_ =
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") ? 2
        : __builtin_cpu_supports("avx2")                                         ? 1
                                                                                 : 0;
#endif
#undef MILLRACE_LOOP_OF_VECTORS

    template <class F>
    static constexpr void each(F&& f) {
        for_each_node<size>(f);
    }
    template <class F>
    static constexpr void each_source(F&& f) {
        for_each_node<sources>(f);
    }

    template <std::size_t I, class R, class Ctx, class Frame>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Frame& frame) {
        emit_to<fused_loop, I, Frame> emit{this, &frame};
        op<I>().process(static_cast<R&&>(record), ctx, emit);
    }

    operators operators_;
    [[no_unique_address]] exchange_type exchange_;
    [[no_unique_address]] blocks_type blocks_;
    hots hots_{};
    loop_state<size, sources> state_;
};

}  // namespace millrace::detail
