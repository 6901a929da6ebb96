// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One partition: a fused loop that is fired a batch at a time, where it has work and credit.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <millrace/dsl/loop.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/live.hpp>
#include <millrace/scheduler/clock.hpp>
#include <millrace/scheduler/core.hpp>
#include <millrace/scheduler/environment.hpp>

namespace millrace::detail {

/// The firing rule (SEMANTICS 11–13): downstream first, what is due before what is new, and nothing
/// without room for all that it can become.
template <class P, class Env>
class partition final : public turned {
public:
    using loop_type = fused_loop<P, Env, nodes_of<P>>;
    using graph = typename loop_type::graph;
    using cuts = typename loop_type::cuts;

    /// Opens the loop on the calling thread.
    partition(P& pipeline, core& c, run_settings const& settings, core_map const& map,
              unsigned number)
        : environment_(c, settings, map, number),
          batch_(settings.batch),
          idle_after_(settings.idle_after.ns),
          loop_(std::make_unique<loop_type>(std::move(pipeline), environment_)) {
        refuse_small_sinks();
    }

    loop_type& loop() { return *loop_; }
    void connect(partition& other) { loop_->connect(*other.loop_); }

    bool turn() override {
        worked_ = false;
        starved_ = false;
        if constexpr (cuts::count > 0) fire_inlets(std::make_index_sequence<cuts::count>{});
        bool const took = std::exchange(worked_, false);
        poll_each(std::make_index_sequence<loop_type::sources>{});
        // What is parsed goes first, since only that makes room for more.
        if constexpr (in_blocks)
            worked_ |= loop_->blocks().work(std::min(batch_, rows_at_a_time), !worked_);
        worked_ |= took;
        if (worked_ || left_ || !settled_) settle();
        if constexpr (cuts::count > 0)
            if (worked_ || unsent_) publish();
        return worked_;
    }
    void stop() override {
        stopping_ = true;
        if constexpr (in_blocks) loop_->blocks().stop();
        for_each_node<loop_type::sources>([&]<std::size_t K>() {
            constexpr std::size_t id = graph::source_ids[K];
            if (loop_->source_stopped(K)) return;
            if constexpr (requires { loop_->template op<id>().stop(); })
                loop_->template op<id>().stop();
            else
                loop_->template stop_source<K>();
        });
        settled_ = false;
    }
    bool finished() override {
        if (finished_) return true;
        if (left_ || unsent_ || !settled_) return false;
        for (bool const done : loop_->state().no_more)  // what is absent has none
            if (!done) return false;
        bool all = true;
        for_each_node<loop_type::size>([&]<std::size_t I>() {
            if (!loop_->template present<I>()) return;
            if constexpr (requires { loop_->template op<I>().sink.drained(); })
                all = all && loop_->template op<I>().sink.drained();
            else if constexpr (requires { loop_->template op<I>().drained(); })
                all = all && loop_->template op<I>().drained();
        });
        if constexpr (cuts::count > 0)
            loop_type::exchange_type::each([&]<std::size_t E>() {
                all = all && loop_->exchanges().template at<E>().sent_end();
            });
        if constexpr (in_blocks) all = all && loop_->blocks().done();
        finished_ = all;
        return all;
    }
    [[nodiscard]] bool starved() const override { return starved_; }
    [[nodiscard]] std::int64_t next_deadline() override {
        std::int64_t least = INT64_MAX;
        for (std::size_t k = 0; has_time && k < loop_type::sources; ++k)
            if (empty_at_[k] != 0 && !loop_->source_quiet(k) && !loop_->source_stopped(k))
                least = std::min(
                    least, time_after(empty_at_[k] + clock_step, idle_after_ - empty_for_[k]));
        for_each_node<loop_type::size>([&]<std::size_t I>() {
            if (!loop_->template present<I>()) return;
            if constexpr (graph::is_source(I)) {  // who is not read can't do what it wants to
                constexpr std::size_t k = loop_type::template node_at<I>::input;
                if (held_back_[k] || loop_->source_stopped(k)) return;
            }
            std::int64_t wanted = INT64_MAX;
            if constexpr (requires { loop_->template op<I>().next_deadline(); })
                wanted = loop_->template op<I>().next_deadline();
            else if constexpr (requires { loop_->template op<I>().sink.next_deadline(); })
                wanted = loop_->template op<I>().sink.next_deadline();
            if (wanted < least) least = wanted;
        });
        return least;
    }

private:
    /// A sink that has some room, and less than one record can become there, would never get any.
    void refuse_small_sinks() {
        for_each_node<loop_type::size>([&]<std::size_t I>() {
            if constexpr (requires { loop_->template op<I>().sink.room(); }) {
                if (!loop_->template present<I>()) return;
                constexpr std::size_t most = loop_type::flow::worst_at(I);
                auto& sink = loop_->template op<I>().sink;
                if constexpr (requires { sink.takes_at_once(most); }) sink.takes_at_once(most);
                std::size_t const room = sink.room();
                if (room == 0 || room >= most) return;
                throw failure(exit_code::configuration,
                              "millrace: run: a sink has room for " + std::to_string(room)
                                  + " records, and one record of the pipeline can become "
                                  + std::to_string(most)
                                  + " there. Give the sink larger buffers, or flat_map a smaller "
                                    "bound.");
            }
        });
    }
    /// How many of `n` may enter behind node Head now.
    template <std::size_t Head>
    std::size_t credit(std::size_t n) {
        if (loop_->template blocked<Head>()) return 0;
        n = loop_->template credit<Head>(n);
        if (n == 0) starved_ = true;
        return n;
    }
    template <std::size_t... E>
    void fire_inlets(std::index_sequence<E...>) {
        (fire_inlet<cuts::count - 1 - E>(), ...);
    }
    template <std::size_t E>
    void fire_inlet() {
        if (loop_->exchanges().template at<E>().has_input()) take_batches<E>();
    }
    // Called, like all that only a busy turn does: an idle one saves no registers.
    template <std::size_t E>
    [[gnu::noinline]] void take_batches() {
        auto& port = loop_->exchanges().template at<E>();
        // A batch for each lane, as the source beside takes one: else its input would run ahead of
        // those of the other partitions.
        for (std::size_t lanes = port.lanes_in(); lanes > 0 && port.has_input(); --lanes) {
            std::size_t const n = credit<cuts::list.at[E].to>(batch_);
            if (n == 0) {
                worked_ = port.take_controls(environment_) || worked_;
                return;
            }
            environment_.fire(static_cast<unsigned>(cuts::list.at[E].to));
            loop_->template take<E>(n);
            worked_ = true;
        }
    }
    template <std::size_t... K>
    void poll_each(std::index_sequence<K...>) {
        (poll_one<K>(), ...);
    }
    template <std::size_t K>
    void poll_one() {
        if (!loop_->source_stopped(K)) poll_source<K>();
    }
    template <std::size_t K>
    [[gnu::noinline]] void poll_source() {
        std::size_t const n = credit<graph::source_ids[K]>(batch_);
        held_back_[K] = n == 0;
        if (n == 0) {
            empty_at_[K] = 0;
            return;
        }
        std::uint64_t const before = loop_->template records_of<K>();
        environment_.fire(static_cast<unsigned>(graph::source_ids[K]));
        switch (loop_->template poll<K>(n)) {
            case source_state::idle:
                if (loop_->template records_of<K>() == before) return rest<K>();
                break;
            case source_state::more:
                break;
            case source_state::ended:
                if (stopping_)
                    loop_->template stop_source<K>();
                else
                    loop_->template end_source<K>();
        }
        worked_ = true;
        if constexpr (has_time) wake<K>();
    }
    /// A live source is empty. It is idle when it has been so for long enough (SEMANTICS 4): time
    /// without credit, or in which it has no connection, does not count.
    template <std::size_t K>
    void rest() {
        if constexpr (has_time && !has_end<K>) {
            if (loop_->source_quiet(K)) return;
            if constexpr (requires { loop_->template op<graph::source_ids[K]>().away(); })
                if (loop_->template op<graph::source_ids[K]>().away()) {
                    empty_at_[K] = 0;
                    return;
                }
            std::int64_t const now = read_clock(CLOCK_MONOTONIC_COARSE);
            if (empty_at_[K] != 0) empty_for_[K] += now - empty_at_[K];
            empty_at_[K] = now;
            if (empty_for_[K] < idle_after_) return;
            loop_->template quiet_source<K>(true);
            worked_ = true;
        }
    }
    template <std::size_t K>
    void wake() {
        empty_at_[K] = 0;
        empty_for_[K] = 0;
        if (loop_->source_quiet(K)) loop_->template quiet_source<K>(false);
    }
    [[gnu::noinline]] void settle() {
        std::uint64_t const drains = loop_->state().drains;
        environment_.fire(core::settling);
        left_ = loop_->settle(batch_, 1);
        if (!settled_) worked_ = true;  // the others are told what has begun or stopped
        settled_ = true;
        if (environment_.state_budget().report_due()) [[unlikely]]
            warn_of_state();
        if (drains != loop_->state().drains)
            worked_ = true;
        else if (left_)
            starved_ = true;
    }
    [[gnu::cold, gnu::noinline]] void warn_of_state() {
        auto const& budget = environment_.state_budget();
        std::fprintf(stderr,
                     "millrace: state: partition %u holds %zu of %zu bytes, 90 %% of its share of "
                     "--state-memory. Beyond it %s.\n",
                     environment_.partition(), budget.used(), budget.limit(),
                     budget.policy() == state_policy::stop ? "the run ends"
                     : budget.policy() == state_policy::shed_new_keys
                         ? "new keys are refused"
                         : "the oldest state gives way");
    }
    [[gnu::noinline]] void publish() {
        bool all = true;
        loop_type::exchange_type::each([&]<std::size_t E>() {
            constexpr std::size_t from = cuts::list.at[E].from;
            auto const& state = loop_->state();
            all = loop_->exchanges().template at<E>().publish(environment_, state.marks[from],
                                                              state.idle[from], state.no_more[from])
                  && all;
        });
        unsent_ = !all;
        if (unsent_) starved_ = true;
    }

    static constexpr bool has_time = [] {
        for (stage_kind const kind : graph::kinds)
            if (kind == stage_kind::time) return true;
        return false;
    }();
    static constexpr bool in_blocks = is_parallel<Env> && any_parsed_in_blocks<graph>;
    static constexpr std::size_t rows_at_a_time = 256;  // some 50 us of a turn
    /// What can be read again has an end: it may be slow, but is never idle.
    template <std::size_t K>
    static constexpr bool has_end =
        requires { requires loop_type::template stage_at<graph::source_ids[K]>::replayable; };
    static constexpr std::int64_t clock_step = 10'000'000;  // of the coarse clock, at most

    Env environment_;
    std::size_t batch_;
    std::int64_t idle_after_;
    static constexpr std::size_t sources = loop_type::sources == 0 ? 1 : loop_type::sources;
    bool held_back_[sources]{};         // not read, for want of room
    std::int64_t empty_at_[sources]{};  // when it was last found empty; 0: was not, or not read
    std::int64_t empty_for_[sources]{};
    std::unique_ptr<loop_type> loop_;
    bool worked_ = false;
    bool starved_ = false;
    bool left_ = false;    // something is due that has not gone out
    bool unsent_ = false;  // something waits for room in a lane
    bool settled_ = false;
    bool stopping_ = false;
    bool finished_ = false;
};

}  // namespace millrace::detail
