// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One core: a thread that turns its partitions, waits by policy, and is woken only where it sleeps.
// docs/internals/scheduler.md has the firing rule and why no wake is lost.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <type_traits>
#include <vector>

#include <millrace/io/core_service.hpp>
#include <millrace/scheduler/clock.hpp>
#include <millrace/scheduler/parker.hpp>
#include <millrace/scheduler/run_state.hpp>
#include <millrace/scheduler/settings.hpp>
#include <millrace/scheduler/sleep_flag.hpp>
#include <millrace/scheduler/spin_window.hpp>

namespace millrace::detail {

/// One partition as its core sees it. A call a turn, none a record.
class turned {
public:
    turned() = default;
    turned(turned const&) = delete;
    turned& operator=(turned const&) = delete;
    virtual ~turned() = default;
    /// Fires what has work and credit, once each; true if anything was done.
    virtual bool turn() = 0;
    /// Takes nothing new from now on; what is in flight goes on.
    virtual void stop() = 0;
    [[nodiscard]] virtual bool finished() = 0;
    /// Did the last turn leave something for want of room?
    [[nodiscard]] virtual bool starved() const = 0;
    /// When it wants to be turned again although nothing came: monotonic ns, or INT64_MAX.
    [[nodiscard]] virtual std::int64_t next_deadline() = 0;
};

class core {
public:
    core(run_state& run, std::vector<std::unique_ptr<core>>& all, service_options options,
         wait_policy policy)
        : run_(run), all_(all), options_(options), window_(policy) {
        touched_.resize(options.cores);
    }
    core(core const&) = delete;
    core& operator=(core const&) = delete;

    [[nodiscard]] unsigned index() const { return options_.core; }
    [[nodiscard]] int cpu() const { return options_.cpu; }

    /// The service of this core, made when it is first asked for, by the core's thread.
    template <class Service>
    Service& service() {
        if (own_ == nullptr) {
            auto made = std::make_unique<Service>(options_);
            own_ = made.get();
            kind_ = &kind_of<Service>;
            service_.store(made.get(), std::memory_order_release);
            made_ = std::move(made);
        }
        if (kind_ != &kind_of<Service>)
            throw failure(
                exit_code::software,
                "millrace: core: two kinds of services were asked for. Use one engine for "
                "all sources and sinks of a run.");
        return static_cast<Service&>(*own_);
    }
    [[nodiscard]] std::string describe() const { return made_ ? made_->describe() : std::string(); }

    // --- wakes ---

    /// This core has published something for `other`, or given back room to it.
    void touch(unsigned other, bool only_room) {
        if (other == options_.core) return;
        std::uint8_t& mark = touched_[other];
        mark = static_cast<std::uint8_t>(mark | (only_room ? 1 : 2));
        any_touched_ = true;
    }
    /// From any thread: turns again, if it sleeps. Without a system call where it does not.
    void wake() noexcept {
        machine_fence::fence();
        if (sleeping_.load(std::memory_order_relaxed) != awake) wake_now();
    }

    /// Until all partitions are finished, or the run is to end at once.
    void run(std::vector<turned*> const& partitions) {
        struct inside {
            std::atomic<bool>& turns;
            ~inside() { turns.store(false, std::memory_order_relaxed); }
        } const here{in_loop_};
        in_loop_.store(true, std::memory_order_relaxed);
        unsigned quiet_turns = 0;  // since one that worked
        while (run_.level() != stop_level::now) {
            bool const worked = turn_all(partitions);
            if (run_.level() != stop_level::none && heard_ == stop_level::none) {
                heard_ = stop_level::gently;
                for (turned* const p : partitions) p->stop();
                continue;
            }
            quiet_turns = worked ? 0 : quiet_turns + 1;
            if (quiet_turns % spin_window::looks == 0 && finished(partitions)) break;
            if (heard_ != stop_level::none && read_clock(CLOCK_MONOTONIC) > run_.deadline())
                run_.give_up();
            if (worked)
                window_.worked();
            else if (window_.over())
                sleep(partitions);
            else if (quiet_turns % spin_window::looks == 0)  // one alone costs more than a turn may
                pause();
        }
        wake_touched();
    }
    /// Turns so far, for the watchdog, and whether it sleeps.
    [[nodiscard]] std::uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool sleeps() const { return sleeping_.load(std::memory_order_relaxed) != awake; }
    /// The stage that is fired there, or `settling`. One store a firing, for the watchdog.
    static constexpr unsigned settling = ~0U;
    void fire(unsigned stage) { fires_.store(stage, std::memory_order_relaxed); }
    [[nodiscard]] unsigned fires() const { return fires_.load(std::memory_order_relaxed); }
    /// Is it in its loop at all? Not while it opens, closes, or waits for the other cores to.
    [[nodiscard]] bool in_loop() const { return in_loop_.load(std::memory_order_relaxed); }
    /// Which of its partitions is being turned.
    [[nodiscard]] unsigned turning() const { return turning_.load(std::memory_order_relaxed); }

private:
    static constexpr int awake = 0;
    static constexpr int idle = 1;
    static constexpr int starved = 2;  // it lacked room somewhere
    template <class Service>
    static constexpr char kind_of = 0;

    bool turn_all(std::vector<turned*> const& partitions) {
        turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        bool worked = own_ != nullptr && own_->turn();
        unsigned at = 0;
        for (turned* const p : partitions) {
            if (partitions.size() > 1) turning_.store(at++, std::memory_order_relaxed);
            worked |= p->turn();
        }
        if (any_touched_) wake_touched();
        return worked;
    }
    static bool finished(std::vector<turned*> const& partitions) {
        for (turned* const p : partitions)
            if (!p->finished()) return false;
        return true;
    }
    static void pause() {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    void wake_touched() {
        any_touched_ = false;
        machine_fence::fence();
        for (std::size_t c = 0; c < touched_.size(); ++c) {
            std::uint8_t const touch = touched_[c];
            if (touch == 0) continue;
            touched_[c] = 0;
            int const state = all_[c]->sleeping_.load(std::memory_order_relaxed);
            if (state == starved || (state == idle && (touch & 2) != 0)) all_[c]->wake_now();
        }
    }
    void wake_now() noexcept {
        if (sleeping_.exchange(awake, std::memory_order_acq_rel) == awake) return;
        if (core_service* const s = service_.load(std::memory_order_acquire)) s->wake();
    }
    /// Says that it sleeps, and looks once more at everything: who publishes after that look sees
    /// that it sleeps (SEMANTICS 12).
    void sleep(std::vector<turned*> const& partitions) {
        if (own_ == nullptr) (void)service<parker>();
        int const state = lacks_room(partitions) ? starved : idle;
        sleeping_.store(state, std::memory_order_relaxed);
        machine_fence::fence();
        bool const worked = turn_all(partitions);
        bool const may_sleep = !worked && run_.level() == heard_ && !finished(partitions)
                               && (state == starved || !lacks_room(partitions));
        if (may_sleep) {
            std::int64_t until = heard_ == stop_level::none ? INT64_MAX : run_.deadline();
            for (turned* const p : partitions) {
                std::int64_t const wanted = p->next_deadline();
                if (wanted < until) until = wanted;
            }
            std::int64_t const begun = read_clock(CLOCK_MONOTONIC);
            if (begun < until) own_->sleep(until);
            window_.slept(read_clock(CLOCK_MONOTONIC) - begun);
        }
        sleeping_.store(awake, std::memory_order_relaxed);
        if (worked) window_.worked();
    }
    static bool lacks_room(std::vector<turned*> const& partitions) {
        for (turned* const p : partitions)
            if (p->starved()) return true;
        return false;
    }

    run_state& run_;
    std::vector<std::unique_ptr<core>>& all_;
    service_options options_;
    spin_window window_;
    std::unique_ptr<core_service> made_;
    core_service* own_ = nullptr;
    char const* kind_ = nullptr;
    std::vector<std::uint8_t> touched_;
    bool any_touched_ = false;
    stop_level heard_ = stop_level::none;  // what the partitions have been told

    alignas(128) std::atomic<int> sleeping_{awake};
    std::atomic<core_service*> service_{nullptr};
    alignas(128) std::atomic<std::uint64_t> turns_{0};
    std::atomic<unsigned> turning_{0};
    std::atomic<unsigned> fires_{settling};
    std::atomic<bool> in_loop_{false};
};

}  // namespace millrace::detail
