// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The fused loop: one object that holds every operator of a pipeline side by side and hands records from one to the
// next by inlined calls. docs/internals/fusion.md explains segments, hot state and marks.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

#include <millrace/dsl/graph.hpp>
#include <millrace/dsl/graph_edges.hpp>
#include <millrace/dsl/loop_account.hpp>
#include <millrace/dsl/loop_failure.hpp>
#include <millrace/dsl/loop_operator.hpp>
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

private:
    template <class N>
    static constexpr auto open(P& expression, Env& env) {
        if constexpr (std::is_same_v<typename N::stage_type, join_stage>) {
            join_stage join;
            return open_node<N>(join, env);
        } else {
            return open_node<N>(inner_of(stage_by(expression, typename N::path_type{})), env);
        }
    }
    template <class N>
    using operator_of = decltype(open<N>(std::declval<P&>(), std::declval<Env&>()));
    using operators = flat_tuple<operator_of<Node>...>;
    using hots = flat_tuple<typename hot_of<operator_of<Node>>::type...>;

public:
    template <std::size_t I>
    using operator_at = flat_element<I, operators>;
    using origin = std::conditional_t<graph::needs_origin, traced, untraced>;
    using first_context = context<untimed, origin>;
    static constexpr std::size_t sources = graph::sources;

    fused_loop(P&& expression, Env& env)
        : operators_{{{open<Node>(expression, env)}...}} {
        each([&]<std::size_t I>() {
            if constexpr (requires { op<I>().start(hots_.template at<I>()); }) op<I>().start(hots_.template at<I>());
            state_.marks[I] = time_point::min();
        });
    }
    fused_loop(fused_loop const&) = delete;
    fused_loop& operator=(fused_loop const&) = delete;

    template <std::size_t I>
    auto& op() {
        return operators_.template at<I>();
    }
    template <std::size_t I>
    auto& hot() {
        return hots_.template at<I>();
    }

    // --- records ------------------------------------------------------------------------------------------------

    /// What an operator hands its results to.
    template <std::size_t I>
    struct emit_to {
        fused_loop* loop;
        hots* frame;

        template <class R, class Ctx>
        [[gnu::always_inline]] inline void operator()(R&& record, Ctx const& ctx) const {
            loop->template hand<I, node_at<I>::next>(static_cast<R&&>(record), ctx, *frame);
        }
        /// Into branch K: a part of a fork, late records.
        template <std::size_t K, class R, class Ctx>
        [[gnu::always_inline]] inline void to(R&& record, Ctx const& ctx) const {
            loop->template hand<I, graph::template head<I, K>()>(static_cast<R&&>(record), ctx, *frame);
        }
        [[gnu::always_inline]] inline auto& hot() const { return frame->template at<I>(); }
        /// Counts one. An environment may say that it wants no counters: that is what bench/fusion/accounts.cpp compares.
        [[gnu::always_inline]] inline void tally(std::uint64_t& count) const {
            if constexpr (!requires { Env::uncounted; }) ++count;
        }
        /// The record at hand went nowhere, because the run ends with it.
        void count_dead() const { ++loop->state_.counts[I].dead; }
        /// In a catch block: what the stage's policy says, for the exception that is being handled.
        template <class R, class Ctx>
        void fail(R const& record, Ctx const& ctx) const {
            loop->template fail_by_exception<I>(&record, ctx);
        }
        /// The same for an exception of the key's function: the policy of its `key_by` comes first, if it has one.
        template <class R, class Ctx>
        void fail_key(R const& record, Ctx const& ctx) const {
            loop->template fail_by_exception<I, graph::template key_above<I>()>(&record, ctx);
        }
        template <class R, class Ctx>
        void fail_with(R const& record, Ctx const& ctx, std::string_view reason) const {
            loop->template fail<I>(&record, ctx, reason);
        }
        /// The context with event time in it.
        template <class Ctx>
        [[gnu::always_inline]] inline auto at_time(Ctx const& ctx, time_point event_time, time_point stamp) const {
            context<timed, origin> out{};
            static_cast<origin&>(out) = ctx;
            out.event_time = event_time;
            out.stamp = stamp;
            out.input = ctx.input;
            return out;
        }
        /// The watermark that this stage has handed on so far: the stamp of what it releases.
        [[nodiscard]] time_point mark() const { return loop->state_.marks[I]; }
        /// How many records have come so far. Walks over the whole graph: for cold paths.
        [[nodiscard]] std::uint64_t records_taken() const {
            stage_counts counts[size];
            loop->account(counts);
            return counts[I].in - counts[I].dropped - counts[I].dead;
        }
        /// The context of a row that a stage releases.
        template <bool Timed>
        using row_context = context<std::conditional_t<Timed, timed, untimed>, origin>;
        [[nodiscard]] static constexpr unsigned first_input() { return node_at<I>::input; }
        /// The key functions of the nearest `key_by` above.
        [[gnu::always_inline]] inline auto& key() const {
            return loop->template op<graph::template key_above<I>()>().functions;
        }
        /// Does a dead letter of this stage show its input?
        static constexpr bool keeps_input = has_letter_part<typename node_at<I>::stage_type>;
        static constexpr bool has_branch(std::size_t k) { return graph::template head_count<I>() > k; }
    };

    /// Reads up to `n` records from source K and sends them through. False at its end.
    template <std::size_t K>
    bool poll(std::size_t n) {
#if defined(__x86_64__) && !defined(__AVX2__)
        // A loop that the compiler can turn into masks and vectors is compiled for three machines.
        if constexpr (vectorises<graph::source_ids[K]>()) {
            if (vector_level_ == 2) return poll_avx512<K>(n);
            if (vector_level_ == 1) return poll_avx2<K>(n);
        }
#endif
        return poll_here<K>(n);
    }

    /// Sends one record in as if source K had read it.
    template <std::size_t K, class R>
    void push(R&& record) {
        // A parser between the source and the record is passed by.
        constexpr std::size_t source = graph::source_ids[K];
        constexpr std::size_t id = graph::template parses<source>() ? static_cast<std::size_t>(graph::next[source]) : source;
        first_context ctx{};
        ctx.input = K;
        ++state_.counts[id].out;
        hand<id, node_at<id>::next>(static_cast<R&&>(record), ctx, hots_);
    }

    template <std::size_t K>
    void end_source() {
        state_.ended[K] = true;
    }
    [[nodiscard]] bool source_ended(std::size_t k) const { return state_.ended[k]; }

    // --- time ---------------------------------------------------------------------------------------------------

    /// Once a batch: flushes what is deferred, moves the watermarks down the graph, drains what is due at most `piece`
    /// rows at a time, ends the batch at the sinks. A stage hands its mark on only behind what it released.
    void settle(std::size_t piece) {
        each([&]<std::size_t I>() { this->template settle_node<I>(piece); });
    }
    /// The first half of that for what stands behind a stage that drains.
    void flush_behind(std::size_t from) {
        each([&]<std::size_t I>() {
            if (I > from) this->template flush_node<I>();
        });
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

    /// Success or not, once: sinks commit or take back what they wrote. All finish writing before the first commits, so a
    /// full disk leaves nothing of any; where one throws, calling again with `false` takes back those behind it.
    void close(bool success) {
        if (success && state_.closed == 0)
            each([&]<std::size_t I>() {
                if constexpr (requires { op<I>().sink.finish(); }) op<I>().sink.finish();
            });
        each([&]<std::size_t I>() {
            if (I < state_.closed) return;
            state_.closed = I + 1;
            if constexpr (requires { op<I>().close(success); }) op<I>().close(success);
        });
    }
    /// Before the first record: headings of writers.
    void begin() {
        each([&]<std::size_t I>() {
            emit_to<I> emit{this, &hots_};
            if constexpr (requires { op<I>().begin(emit); }) op<I>().begin(emit);
        });
        each([&]<std::size_t I>() {
            if constexpr (stage_at<I>::kind == stage_kind::sink) {
                stage_counts c;
                op<I>().count(hots_.template at<I>(), c);
                state_.headings[I] = c.out;
            }
        });
    }

    /// How far it is: adds bytes, records and late ones to a progress state, and sets its watermark.
    template <class State>
    void progress(State& state) {
        each([&]<std::size_t I>() {
            if constexpr (requires { op<I>().progress().bytes_total; }) {
                auto const p = op<I>().progress();
                state.bytes_done += p.bytes_done;
                state.bytes_total += p.bytes_total;
            }
            if constexpr (stage_at<I>::kind == stage_kind::source || stage_at<I>::kind == stage_kind::parser)
                state.records += state_.counts[I].out;
            if constexpr (requires { op<I>().read; }) state.records += op<I>().read;
            if constexpr (requires { hots_.template at<I>().late; }) state.late += hots_.template at<I>().late;
        });
        state.watermark = low_mark();
    }

    // --- accounts -----------------------------------------------------------------------------------------------

    /// The counts of every node, `in` derived from the edges (LANGUAGE, 17).
    void account(stage_counts (&out)[size]) { account_nodes(*this, state_, out); }

private:
    friend Env;

    template <std::size_t K>
    [[gnu::always_inline]] inline bool poll_here(std::size_t n) {
        constexpr std::size_t id = graph::source_ids[K];
        frame_of<id> frame{*this, hots_};
        if constexpr (graph::template parses<id>()) {
            return poll_bytes<id>(n, frame.local);
        } else {
            return op<id>().poll(n, [this, &frame]<class R>(R&& record) __attribute__((always_inline)) {
                first_context ctx{};
                ctx.input = K;
                hand<id, node_at<id>::next>(static_cast<R&&>(record), ctx, frame.local);
            });
        }
    }
    /// Only arithmetic from the source to one accumulator: nothing that calls, looks up or writes.
    template <std::size_t Head>
    static consteval bool vectorises() {
        bool all = is_arithmetic<operator_at<Head>>;
        each([&]<std::size_t I>() {
            if constexpr (I != Head && graph::template inlined_from<Head>(I))
                all = all && (stage_at<I>::kind == stage_kind::one_to_one || stage_at<I>::kind == stage_kind::filter ||
                              is_arithmetic<operator_at<I>>);
        });
        return all;
    }
#if defined(__x86_64__) && !defined(__AVX2__)
    template <std::size_t K>
    [[gnu::target("avx2,bmi,bmi2")]] bool poll_avx2(std::size_t n) {
        return poll_here<K>(n);
    }
    template <std::size_t K>
    [[gnu::target("avx2,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]] bool poll_avx512(std::size_t n) {
        return poll_here<K>(n);
    }
    int const vector_level_ = __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") ? 2
                              : __builtin_cpu_supports("avx2")                                       ? 1
                                                                                                     : 0;
#endif

    template <class F>
    static constexpr void each(F&& f) {
        for_each_node<size>(f);
    }

    /// The hot state of one inlined stretch, in locals for the time of a batch: so counters and sums live in registers.
    template <std::size_t Head>
    struct frame_of {
        fused_loop& loop;
        hots local;
        ~frame_of() {
            each([&]<std::size_t I>() {
                if constexpr (graph::template inlined_from<Head>(I))
                    loop.hots_.template at<I>() = std::move(local.template at<I>());
            });
        }
    };

    /// From node From to node To: inlined within a segment, a call where a segment begins.
    template <std::size_t From, int To, class R, class Ctx>
    [[gnu::always_inline]] inline void hand(R&& record, Ctx const& ctx, hots& frame) {
        if constexpr (To < 0)
            (void)frame;
        else if constexpr (graph::begins_segment(From, static_cast<std::size_t>(To)))
            segment<static_cast<std::size_t>(To)>(static_cast<R&&>(record), ctx);
        else
            process<static_cast<std::size_t>(To)>(static_cast<R&&>(record), ctx, frame);
    }
    template <std::size_t I, class R, class Ctx>
    [[gnu::noinline]] void segment(R&& record, Ctx const& ctx) {
        process<I>(static_cast<R&&>(record), ctx, hots_);
    }
    template <std::size_t I, class R, class Ctx>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, hots& frame) {
        emit_to<I> emit{this, &frame};
        op<I>().process(static_cast<R&&>(record), ctx, emit);
    }

    template <std::size_t Id>
    struct parsed_to {
        static constexpr std::size_t parser = static_cast<std::size_t>(node_at<Id>::next);
        fused_loop* loop;
        hots* frame;

        template <class R>
        [[gnu::always_inline]] inline void operator()(R&& record, std::string_view original, std::uint64_t position) {
            first_context ctx{};
            ctx.input = node_at<Id>::input;
            if constexpr (first_context::is_traced) {
                ctx.original = original;
                ctx.position = position;
            }
            ++loop->state_.counts[parser].out;
            loop->template hand<parser, node_at<parser>::next>(static_cast<R&&>(record), ctx, *frame);
        }
        [[gnu::noinline, gnu::cold]] void bad(std::string_view reason, std::string_view original,
                                              std::uint64_t position) {
            context<untimed, traced> ctx{};
            ctx.input = node_at<Id>::input;
            ctx.original = original;
            ctx.position = position;
            bytes const row{original, true};
            loop->template fail<parser>(&row, ctx, reason);
        }
    };
    template <std::size_t Id>
    bool poll_bytes(std::size_t n, hots& frame) {
        constexpr std::size_t parser = static_cast<std::size_t>(node_at<Id>::next);
        parsed_to<Id> emit{this, &frame};
        for (;;) {
            std::size_t const got = op<parser>().parse(n, emit);
            n -= got < n ? got : n;
            if (n == 0) return true;
            chunk next;
            if (!op<Id>().next(next)) return false;
            ++state_.counts[Id].out;
            state_.counts[Id].bytes += next.data.size();
            op<parser>().feed(next);
        }
    }

    // --- errors -------------------------------------------------------------------------------------------------
    template <std::size_t I, std::size_t Holder = I, class R, class Ctx>
    [[gnu::noinline, gnu::cold]] void fail_by_exception(R const* record, Ctx const& ctx) {
        try {
            throw;
        } catch (std::exception const& e) {
            fail<I, Holder>(record, ctx, e.what());
        } catch (...) {
            fail<I, Holder>(record, ctx, "an exception that is no std::exception");
        }
    }
    template <std::size_t I, std::size_t Holder = I, class R, class Ctx>
    [[gnu::noinline, gnu::cold]] void fail(R const* record, Ctx const& ctx, std::string_view reason) {
        using stage_type = typename node_at<I>::stage_type;
        using holder_type = typename node_at<Holder>::stage_type;
        if constexpr (is_guarded<holder_type>) {
            by_policy<I, Holder, typename holder_type::policy_type>(record, ctx, reason);
        } else if constexpr (is_guarded<stage_type>) {
            by_policy<I, I, typename stage_type::policy_type>(record, ctx, reason);
        } else if constexpr (node_at<I>::fallback >= 0) {
            constexpr std::size_t source = static_cast<std::size_t>(node_at<I>::fallback);
            by_policy<I, source, typename node_at<source>::stage_type::policy_type>(record, ctx, reason);
        } else {
            by_policy<I, I, stop_policy>(record, ctx, reason);
        }
    }
    template <std::size_t I, std::size_t Holder, class Policy, class R, class Ctx>
    void by_policy(R const* record, Ctx const& ctx, std::string_view reason) {
        using failed = stage_at<graph::is_source(Holder) ? I : Holder>;
        if constexpr (std::is_same_v<Policy, drop_policy>) {
            ++state_.counts[I].dropped;
        } else if constexpr (std::is_same_v<Policy, stop_policy>) {
            ++state_.counts[I].dead;
            std::uint64_t position = 0;
            if constexpr (Ctx::is_traced) position = ctx.position;
            throw_stop(failed::name.empty() ? failed::word : failed::name.view(), reason, position);
        } else {
            ++state_.counts[I].dead;
            // The part of a stage takes that stage's input; the part of a source takes letters without one.
            using letter_type = std::conditional_t<graph::is_source(Holder), dead_letter<bytes>, dead_letter<R>>;
            letter_type letter;
            if constexpr (!graph::is_source(Holder)) letter.record = record;
            letter.reason = reason;
            letter.stage = failed::name.empty() ? failed::word : failed::name.view();
            first_context plain{};
            plain.input = ctx.input;
            if constexpr (Ctx::is_traced) {
                letter.original = ctx.original;
                letter.position = ctx.position;
                if constexpr (first_context::is_traced) {
                    plain.original = ctx.original;
                    plain.position = ctx.position;
                }
            }
            ++state_.letters[Holder];
            hand<Holder, graph::template letter_head<Holder>()>(letter, plain, hots_);
        }
    }

    // --- settling -----------------------------------------------------------------------------------------------
    template <std::size_t I>
    void flush_node() {
        emit_to<I> emit{this, &hots_};
        if constexpr (requires { op<I>().flush(emit); }) op<I>().flush(emit);
        if constexpr (requires { op<I>().batch_end(); }) op<I>().batch_end();
    }
    template <std::size_t I>
    time_point mark_before() const {
        time_point low = time_point::max();
        for (std::size_t p = 0; p < size; ++p)
            if (graph::precedes(p, I) && state_.marks[p] < low) low = state_.marks[p];
        return low;
    }
    template <std::size_t I>
    void settle_node(std::size_t piece) {
        constexpr stage_kind kind = stage_at<I>::kind;
        emit_to<I> emit{this, &hots_};
        if constexpr (kind == stage_kind::source || kind == stage_kind::bytes) {
            state_.marks[I] = state_.ended[node_at<I>::input] ? time_point::max() : time_point::min();
        } else if constexpr (kind == stage_kind::time) {
            state_.marks[I] = op<I>().mark(hots_.template at<I>(),
                                     [this](unsigned i) { return state_.ended[node_at<I>::input + i]; });
        } else if constexpr (requires { op<I>().advance(time_point{}); }) {
            op<I>().flush(emit);
            op<I>().advance(mark_before<I>());
            while (op<I>().drain(piece, emit)) flush_behind(I);
            state_.marks[I] = op<I>().mark();
        } else {
            state_.marks[I] = mark_before<I>();
            if constexpr (requires { op<I>().batch_end(); }) op<I>().batch_end();
        }
    }

    operators operators_;
    hots hots_{};
    loop_state<size, sources> state_;
};

}  // namespace millrace::detail
