// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One partition: a fused loop that is fired a batch at a time, where it has work and credit.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <millrace/dsl/loop.hpp>
#include <millrace/model/live.hpp>
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
          loop_(std::make_unique<loop_type>(std::move(pipeline), environment_)) {}

    loop_type& loop() { return *loop_; }
    void connect(partition& other) { loop_->exchanges().connect(other.loop_->exchanges()); }

    bool turn() override {
        worked_ = false;
        starved_ = false;
        if constexpr (cuts::count > 0) fire_inlets(std::make_index_sequence<cuts::count>{});
        poll_each(std::make_index_sequence<loop_type::sources>{});
        if (worked_ || left_ || !settled_) settle();
        if constexpr (cuts::count > 0)
            if (worked_ || unsent_) publish();
        return worked_;
    }
    void stop() override {
        stopping_ = true;
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
        bool all = true;
        for_each_node<loop_type::size>([&]<std::size_t I>() {
            if (!loop_->template present<I>()) return;
            all = all && loop_->state().no_more[I];
            if constexpr (requires { loop_->template op<I>().sink.drained(); })
                all = all && loop_->template op<I>().sink.drained();
        });
        if constexpr (cuts::count > 0)
            loop_type::exchange_type::each([&]<std::size_t E>() {
                all = all && loop_->exchanges().template at<E>().sent_end();
            });
        finished_ = all;
        return all;
    }
    [[nodiscard]] bool starved() const override { return starved_; }
    [[nodiscard]] std::int64_t next_deadline() override {
        std::int64_t least = INT64_MAX;
        for_each_node<loop_type::size>([&]<std::size_t I>() {
            if (!loop_->template present<I>()) return;
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
        if (!loop_->exchanges().template at<E>().has_input()) return;
        std::size_t const n = credit<cuts::list.at[E].to>(batch_);
        if (n == 0) return;
        environment_.fire(static_cast<unsigned>(cuts::list.at[E].to));
        loop_->template take<E>(n);
        worked_ = true;
    }
    template <std::size_t... K>
    void poll_each(std::index_sequence<K...>) {
        (poll_one<K>(), ...);
    }
    template <std::size_t K>
    void poll_one() {
        if (loop_->source_stopped(K)) return;
        std::size_t const n = credit<graph::source_ids[K]>(batch_);
        if (n == 0) return;
        std::uint64_t const before = loop_->template records_of<K>();
        environment_.fire(static_cast<unsigned>(graph::source_ids[K]));
        switch (loop_->template poll<K>(n)) {
            case source_state::idle:
                worked_ = worked_ || loop_->template records_of<K>() != before;
                return;
            case source_state::more:
                break;
            case source_state::ended:
                if (stopping_)
                    loop_->template stop_source<K>();
                else
                    loop_->template end_source<K>();
        }
        worked_ = true;
    }
    void settle() {
        std::uint64_t const drains = loop_->state().drains;
        environment_.fire(core::settling);
        left_ = loop_->settle(batch_, 1);
        settled_ = true;
        if (drains != loop_->state().drains)
            worked_ = true;
        else if (left_)
            starved_ = true;
    }
    void publish() {
        bool all = true;
        loop_type::exchange_type::each([&]<std::size_t E>() {
            constexpr std::size_t from = cuts::list.at[E].from;
            auto const& state = loop_->state();
            all = loop_->exchanges().template at<E>().publish(environment_, state.marks[from],
                                                              state.no_more[from])
                  && all;
        });
        unsent_ = !all;
        if (unsent_) starved_ = true;
    }

    Env environment_;
    std::size_t batch_;
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
