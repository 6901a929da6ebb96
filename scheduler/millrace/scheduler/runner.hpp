// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Runs a pipeline to its end: opens its partitions on their cores, joins them by lanes, turns them,
// closes their sinks, and adds up what they counted.

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <millrace/dsl/complete.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/scheduler/core.hpp>
#include <millrace/scheduler/core_map.hpp>
#include <millrace/scheduler/core_thread.hpp>
#include <millrace/scheduler/divisible.hpp>
#include <millrace/scheduler/loop_report.hpp>
#include <millrace/scheduler/partition.hpp>
#include <millrace/scheduler/progress.hpp>
#include <millrace/scheduler/report.hpp>
#include <millrace/scheduler/run_state.hpp>
#include <millrace/scheduler/settings.hpp>
#include <millrace/scheduler/state_memory.hpp>
#include <millrace/scheduler/watchdog.hpp>
#include <millrace/state/memory.hpp>

namespace millrace::detail {

inline void refuse_settings(run_settings const& settings) {
    if (settings.batch < 1 || settings.batch > run_settings::batch_max)
        throw failure(exit_code::configuration,
                      "millrace: run: .batch is not between 1 and 65536.");
    if (settings.lane_slots < 1 || settings.lane_slots > run_settings::lane_slots_max)
        throw failure(exit_code::configuration,
                      "millrace: run: .lane_slots is not between 1 and 1048576.");
    if (settings.stop_within < duration{})
        throw failure(exit_code::configuration, "millrace: run: .stop_within is negative.");
    // Pages are locked when they are touched: a table that grows is mapped whole, and to fault it
    // in at that moment took 2 to 27 ms at a million keys, with a bound of 200 µs for a turn.
    if (settings.lock_memory && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
        throw failure(exit_code::configuration,
                      "millrace: run: .lock_memory is refused by the kernel. Raise the limit with "
                      "ulimit -l unlimited, or run without it.");
}

/// Does one of its sources go on for as long as the program does?
template <class Stage>
inline constexpr bool stage_is_live = requires { requires Stage::live; };
template <class Nodes>
inline constexpr bool reads_live = false;
template <class... Node>
inline constexpr bool reads_live<node_list<Node...>> =
    (stage_is_live<typename Node::inner_type> || ...);
template <class P>
inline constexpr bool is_live = reads_live<nodes_of<P>>;

/// Tells the stages that want to know (`run_over()`) that their run has ended, also one that was
/// refused before it opened them.
template <class P, class... Node>
void tell_over(P& pipeline, node_list<Node...>) {
    auto const tell = [&]<class N>() {
        if constexpr (!std::is_same_v<typename N::stage_type, join_stage>) {
            auto& stage = inner_of(stage_by(pipeline, typename N::path_type{}));
            if constexpr (requires { stage.run_over(); }) stage.run_over();
        }
    };
    (tell.template operator()<Node>(), ...);
}

/// A pipeline on the cores of a map, with loops of `Env`.
template <class P, class Env>
class runner final : run_state::told, watchdog::place {
    using partition_type = partition<P, Env>;
    using loop_type = typename partition_type::loop_type;

public:
    runner(P pipeline, run_settings const& settings, core_map map, run_state& state)
        : pipeline_(std::move(pipeline)),
          settings_(settings),
          map_(std::move(map)),
          state_(state),
          phases_(map_.cores()) {
        for (unsigned c = 0; c < map_.cores(); ++c)
            cores_.push_back(std::make_unique<core>(
                state_, cores_, service_options{settings.io, c, map_.cores(), map_.cpus[c]},
                settings.oversubscribed > 0 ? wait_policy::wait : settings.wait));
        partitions_.resize(map_.partitions);
    }

    runner(runner const&) = delete;
    runner& operator=(runner const&) = delete;
    ~runner() { tell_over(pipeline_, nodes_of<P>{}); }

    /// All on their threads, to the end; the first core is the calling thread.
    report run() {
        report out;
        std::int64_t const wall = read_clock(CLOCK_MONOTONIC);
        std::int64_t const cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
        begun_ = wall;
        {
            listening const hears(*this);
            watchdog const watching(cores_, settings_, state_.controlled(), *this, out.stalls);
            std::vector<std::jthread> threads;
            begin_threads(threads);
            work(0);
        }
        report_counts<P, loop_type>(sum_, out);
        for (std::size_t i = 0; i < loop_type::size; ++i)
            out.stages[i].counters = std::move(counters_[i]);
        out.code = state_.code();
        out.message = settings_.explain == explain_mode::io && !state_.failed() ? description_
                                                                                : state_.message();
        out.wall_ns = read_clock(CLOCK_MONOTONIC) - wall;
        out.cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        return out;
    }

private:
    /// Hears of stops, while its cores are there.
    struct listening {
        explicit listening(runner& r) : run(r) { run.state_.on_change(&run); }
        listening(listening const&) = delete;
        listening& operator=(listening const&) = delete;
        ~listening() { run.state_.on_change(nullptr); }
        runner& run;
    };
    void level_changed() noexcept override {
        for (auto const& c : cores_) c->wake();
    }
    /// Of all cores but the first. Where the system gives no more threads the run fails, and those
    /// that there are wait for no others.
    void begin_threads(std::vector<std::jthread>& threads) {
        threads.reserve(map_.cores());
        unsigned c = 1;
        try {
            for (; c < map_.cores(); ++c) threads.emplace_back([this, c] { work(c); });
        } catch (std::exception const& e) {
            state_.fail(exit_code::configuration,
                        "millrace: run: there is no thread for core " + std::to_string(c) + ": "
                            + e.what()
                            + ". Run on fewer cores, or raise the limits of memory and processes "
                              "(ulimit -v, ulimit -u).");
            for (; c < map_.cores(); ++c) phases_.arrive_and_drop();
        }
    }
    /// What one core does from its start to its end. All cores go from phase to phase together,
    /// also where one has failed.
    void work(unsigned c) {
        thread_pin const pin(map_.cpus[c], c, !map_.own_thread);
        // Where somebody waits for answers no turn may take long (SEMANTICS 14).
        page_faults_here const faults(is_live<P> ? page_faults::small : page_faults::large);
        std::vector<turned*> mine;
        // One after the other: they copy the same stages.
        for (unsigned p = 0; p < map_.partitions; ++p) {
            if (map_.core_of(p) == c) guarded([&] { open(p, mine); });
            phases_.arrive_and_wait();
        }
        if constexpr (is_parallel<Env>) {
            guarded([&] {
                for (unsigned p = c; p < map_.partitions; p += map_.cores())
                    for (auto& other : partitions_)
                        if (other.get() != partitions_[p].get()) partitions_[p]->connect(*other);
            });
            phases_.arrive_and_wait();
        }
        bool const only_opens = settings_.explain == explain_mode::io;
        guarded([&] { only_opens ? describe(c) : warn(c); });
        if (c == 0 && !only_opens) guarded([&] { partitions_[0]->loop().begin(); });
        phases_.arrive_and_wait();
        if (!only_opens) guarded([&] { turn(c, mine); });
        phases_.arrive_and_wait();
        bool const success = !state_.failed() && !only_opens;
        phases_.arrive_and_wait();
        close(c, success);
        phases_.arrive_and_wait();
        if (success && state_.failed()) close(c, false);
        phases_.arrive_and_wait();
        leave(c);
    }
    /// What a core is at, as the watchdog says it.
    std::string where(unsigned at) const override {
        core const& c = *cores_[at];
        unsigned const p = c.index() + c.turning() * map_.cores();
        if (p >= map_.partitions) return ", while it showed progress";
        unsigned const stage = c.fires();
        std::string out = " in partition " + std::to_string(p);
        if (stage >= loop_type::size) return out + ", while it settled a batch";
        auto const& planned = plan_of<P>.stage[stage];
        return out + ", in the loop that begins with "
               + stage_label({std::string(planned.word), std::string(planned.name), {}, {}})
               + " (stage " + std::to_string(stage) + ")";
    }
    /// What the user has to know of the way to the kernel, where it is not the best.
    void warn(unsigned c) const {
        std::string const text = cores_[c]->describe();
        std::size_t const at = text.find("warning: ");
        if (at == std::string::npos) return;
        std::string const line = text.substr(at, text.find('\n', at) - at);
        std::fprintf(stderr, "millrace: %s\n", line.c_str());
    }
    void describe(unsigned c) {
        std::lock_guard const lock(sum_mutex_);
        std::string const text = cores_[c]->describe();
        description_ +=
            "core " + std::to_string(c)
            + (map_.cpus[c] < 0 ? std::string() : " on processor " + std::to_string(map_.cpus[c]))
            + ": " + (text.empty() ? "no service, files read and written directly\n" : text);
    }
    /// What a thread has made it also ends.
    void leave(unsigned c) {
        std::lock_guard const lock(sum_mutex_);
        for (unsigned p = c; p < map_.partitions; p += map_.cores()) {
            if (!partitions_[p]) continue;
            add_counts(partitions_[p]->loop(), sum_);
            add_counters(partitions_[p]->loop(), counters_);
            partitions_[p].reset();
        }
    }
    template <class F>
    void guarded(F&& f) {
        if (state_.level() == stop_level::now) return;
        try {
            f();
        } catch (...) {
            state_.fail_by_exception();
        }
    }
    void open(unsigned p, std::vector<turned*>& mine) {
        partitions_[p] = std::make_unique<partition_type>(pipeline_, *cores_[map_.core_of(p)],
                                                          settings_, map_, p);
        mine.push_back(partitions_[p].get());
    }
    void turn(unsigned c, std::vector<turned*>& mine) {
        if (c != 0 || settings_.progress == progress_mode::none) return cores_[c]->run(mine);
        watched shown(*this);
        mine.push_back(&shown);
        cores_[c]->run(mine);
        shown.line.finish();
    }
    /// Sinks commit, or take back what they wrote. What fails then is a failure of the run.
    void close(unsigned c, bool success) {
        for (unsigned p = c; p < map_.partitions; p += map_.cores()) {
            if (!partitions_[p]) continue;
            try {
                partitions_[p]->loop().close(success);
            } catch (failure const& f) {
                if (success)
                    state_.fail(f.code(), f.message());
                else
                    state_.add(f.message());
            } catch (...) {
                state_.fail_by_exception();
            }
        }
    }

    /// Shows progress between two turns of the first core: of its own partitions.
    struct watched final : turned {
        explicit watched(runner& r) : run(r), line(r.settings_.progress) {}
        bool turn() override {
            duration const elapsed{read_clock(CLOCK_MONOTONIC) - run.begun_};
            if (!line.due(elapsed)) return false;
            progress_state state;
            for (unsigned p = 0; p < run.map_.partitions; p += run.map_.cores())
                run.partitions_[p]->loop().progress(state);
            state.elapsed = elapsed;
            line.update(state);
            return false;
        }
        void stop() override {}
        bool finished() override { return true; }
        [[nodiscard]] bool starved() const override { return false; }
        [[nodiscard]] std::int64_t next_deadline() override { return INT64_MAX; }
        runner& run;
        progress_line line;
    };

    P pipeline_;
    run_settings const& settings_;
    core_map map_;
    run_state& state_;
    std::vector<std::unique_ptr<core>> cores_;
    std::vector<std::unique_ptr<partition_type>> partitions_;
    std::barrier<> phases_;
    std::mutex sum_mutex_;
    stage_counts sum_[loop_type::size];
    std::vector<counter_line> counters_[loop_type::size];
    std::string description_;
    std::int64_t begun_ = 0;
};

template <class P, class Run>
report run_guarded(P& pipeline, run_settings const& settings, run_state& state, Run&& run) {
    try {
        refuse_settings(settings);
        return run();
    } catch (...) {
        state.fail_by_exception();
        tell_over(pipeline, nodes_of<P>{});
        report out;
        out.code = state.code();
        out.message = state.message();
        return out;
    }
}

/// On one partition.
template <class P>
report run_alone(P pipeline, run_settings const& settings, run_state& state) {
    return run_guarded(pipeline, settings, state, [&] {
        return runner<P, alone_environment>(std::move(pipeline), settings,
                                            map_cores(settings, false), state)
            .run();
    });
}
/// More copies than their lanes have memory for don't begin. State may have the other half.
template <class P>
void refuse_lanes(run_settings const& settings, unsigned partitions, unsigned cores) {
    using exchange = typename partition<P, partition_environment>::loop_type::exchange_type;
    std::size_t const allowed = memory_of_process() / 2;
    auto const needs = [&](unsigned n) {
        return exchange::lane_bytes(n, std::min(n, cores), settings.lane_slots);
    };
    if (needs(partitions) <= allowed) return;
    unsigned most = partitions;
    while (most > 1 && needs(most) > allowed) --most;
    throw failure(exit_code::configuration,
                  "millrace: partitions: the lanes between " + std::to_string(partitions)
                      + " of them take " + std::to_string(needs(partitions) >> 20)
                      + " MiB, and may take " + std::to_string(allowed >> 20)
                      + ", half of the memory. Take at most " + std::to_string(most)
                      + " partitions, or fewer .lane_slots.");
}
/// Whether on one partition or several is decided here, once.
template <class P>
report run_on_cores(P pipeline, run_settings const& settings, run_state& state) {
    if constexpr (!divisible<P>) {
        return run_alone(std::move(pipeline), settings, state);
    } else {
        return run_guarded(pipeline, settings, state, [&] {
            core_map map = map_cores(settings, true);
            if (!feeds_all_partitions<P>)  // the others would be idle
                map.partitions = map.cores();
            if (map.partitions == 1) return run_alone(std::move(pipeline), settings, state);
            refuse_lanes<P>(settings, map.partitions, map.cores());
            return runner<P, partition_environment>(std::move(pipeline), settings, std::move(map),
                                                    state)
                .run();
        });
    }
}

}  // namespace millrace::detail
