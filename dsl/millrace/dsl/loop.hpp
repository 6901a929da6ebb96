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

#include <millrace/dsl/graph.hpp>
#include <millrace/dsl/graph_edges.hpp>
#include <millrace/dsl/loop_account.hpp>
#include <millrace/dsl/loop_emit.hpp>
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

public:
    using environment = Env;
    using hots = flat_tuple<typename hot_of<operator_of<Node>>::type...>;
    template <std::size_t I>
    using operator_at = flat_element<I, operators>;
    using origin = std::conditional_t<graph::needs_origin, traced, untraced>;
    using first_context = context<untimed, origin>;
    static constexpr std::size_t sources = graph::sources;

    fused_loop(P&& expression, Env& env) : operators_{{{open<Node>(expression, env)}...}} {
        each([&]<std::size_t I>() {
            if constexpr (requires { op<I>().start(hots_.template at<I>()); })
                op<I>().start(hots_.template at<I>());
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

    // --- records ---

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
    auto& state() { return state_; }
    auto& all_hot() { return hots_; }

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
        constexpr std::size_t id = graph::template parses<source>()
                                       ? static_cast<std::size_t>(graph::next[source])
                                       : source;
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

    // --- time ---

    /// Once a batch: flushes what is deferred, moves the watermarks down the graph, drains what is
    /// due at most `piece` rows at a time, ends the batch at the sinks. A stage hands its mark on
    /// only behind what it released.
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

    /// Success or not, once: sinks commit or take back what they wrote. All finish writing before
    /// the first commits, so a full disk leaves nothing of any; where one throws, calling again
    /// with `false` takes back those behind it.
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
            emit_to<fused_loop, I> emit{this, &hots_};
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

    /// How far it is: adds bytes, records and late ones to a progress state, and sets its
    /// watermark.
    template <class State>
    void progress(State& state) {
        each([&]<std::size_t I>() {
            if constexpr (requires { op<I>().progress().bytes_total; }) {
                auto const p = op<I>().progress();
                state.bytes_done += p.bytes_done;
                state.bytes_total += p.bytes_total;
            }
            if constexpr (stage_at<I>::kind == stage_kind::source
                          || stage_at<I>::kind == stage_kind::parser)
                state.records += state_.counts[I].out;
            if constexpr (requires { op<I>().read; }) state.records += op<I>().read;
            if constexpr (requires { hots_.template at<I>().late; })
                state.late += hots_.template at<I>().late;
        });
        state.watermark = low_mark();
    }

    // --- accounts ---

    /// The counts of every node, `in` derived from the edges (LANGUAGE, 17).
    void account(stage_counts (&out)[size]) { account_nodes(*this, state_, out); }

private:
    template <std::size_t K>
    [[gnu::always_inline]] inline bool poll_here(std::size_t n) {
        constexpr std::size_t id = graph::source_ids[K];
        frame_of<id> frame{*this, hots_};
        if constexpr (graph::template parses<id>()) {
            return poll_bytes<id>(n, frame.local);
        } else {
            return op<id>().poll(
                n, [this, &frame]<class R>(R&& record) __attribute__((always_inline)) {
                    first_context ctx{};
                    ctx.input = K;
                    this->template hand<id, node_at<id>::next>(static_cast<R&&>(record), ctx,
                                                               frame.local);
                });
        }
    }
    /// Only arithmetic from the source to one accumulator: nothing that calls, looks up or writes.
    template <std::size_t Head>
    static consteval bool vectorises() {
        bool all = is_arithmetic<operator_at<Head>>;
        each([&]<std::size_t I>() {
            if constexpr (I != Head && graph::template inlined_from<Head>(I))
                all = all
                      && (stage_at<I>::kind == stage_kind::one_to_one
                          || stage_at<I>::kind == stage_kind::filter
                          || is_arithmetic<operator_at<I>>);
        });
        return all;
    }
#if defined(__x86_64__) && !defined(__AVX2__)
    template <std::size_t K>
    [[gnu::target("avx2,bmi,bmi2")]] bool poll_avx2(std::size_t n) {
        return poll_here<K>(n);
    }
    template <std::size_t K>
    [[gnu::target("avx2,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]] bool poll_avx512(
        std::size_t n) {
        return poll_here<K>(n);
    }
    int const vector_level_ =
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") ? 2
        : __builtin_cpu_supports("avx2")                                         ? 1
                                                                                 : 0;
#endif

    template <class F>
    static constexpr void each(F&& f) {
        for_each_node<size>(f);
    }

    /// The hot state of one inlined stretch, in locals for the time of a batch: so counters and
    /// sums live in registers.
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

    template <std::size_t I, class R, class Ctx>
    [[gnu::noinline]] void segment(R&& record, Ctx const& ctx) {
        process<I>(static_cast<R&&>(record), ctx, hots_);
    }
    template <std::size_t I, class R, class Ctx>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, hots& frame) {
        emit_to<fused_loop, I> emit{this, &frame};
        op<I>().process(static_cast<R&&>(record), ctx, emit);
    }

    template <std::size_t Id>
    struct parsed_to {
        static constexpr std::size_t parser = static_cast<std::size_t>(node_at<Id>::next);
        fused_loop* loop;
        hots* frame;

        template <class R>
        [[gnu::always_inline]] inline void operator()(R&& record, std::string_view original,
                                                      std::uint64_t position) {
            first_context ctx{};
            ctx.input = node_at<Id>::input;
            if constexpr (first_context::is_traced) {
                ctx.original = original;
                ctx.position = position;
            }
            ++loop->state_.counts[parser].out;
            loop->template hand<parser, node_at<parser>::next>(static_cast<R&&>(record), ctx,
                                                               *frame);
        }
        [[gnu::noinline, gnu::cold]] void bad(std::string_view reason, std::string_view original,
                                              std::uint64_t position) {
            context<untimed, traced> ctx{};
            ctx.input = node_at<Id>::input;
            ctx.original = original;
            ctx.position = position;
            bytes const row{original, true};
            fail_record<parser, parser>(*loop, &row, ctx, reason);
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

    // --- settling ---
    template <std::size_t I>
    void flush_node() {
        emit_to<fused_loop, I> emit{this, &hots_};
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
        emit_to<fused_loop, I> emit{this, &hots_};
        if constexpr (kind == stage_kind::source || kind == stage_kind::bytes) {
            state_.marks[I] =
                state_.ended[node_at<I>::input] ? time_point::max() : time_point::min();
        } else if constexpr (kind == stage_kind::time) {
            state_.marks[I] = op<I>().mark(hots_.template at<I>(), [this](unsigned i) {
                return state_.ended[node_at<I>::input + i];
            });
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
