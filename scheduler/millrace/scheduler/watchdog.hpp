// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Notices a core that stands still: a stage that blocks its core stops everything else on it, and
// nobody else would say so.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <millrace/scheduler/clock.hpp>
#include <millrace/scheduler/core.hpp>
#include <millrace/scheduler/settings.hpp>

namespace millrace::detail {

/// Says of one core, from its turn counter, when it has stood still too long. Pure: times are
/// given.
class stall_judge {
public:
    static constexpr std::int64_t between_lines = 1'000'000'000;

    struct verdict {
        bool begins = false;  ///< a stall that was not seen before
        bool speaks = false;  ///< and a line is due, at most one each second
        std::int64_t for_ns = 0;
    };
    /// `rests`: it sleeps, or isn't in its loop.
    verdict look(std::uint64_t turns, bool rests, std::int64_t now, std::int64_t limit) {
        if (rests || turns != turns_ || since_ == 0) {
            turns_ = turns;
            since_ = now;
            stalled_ = false;
            return {};
        }
        if (now - since_ < limit) return {};
        verdict v{!stalled_, spoken_ == 0 || now - spoken_ >= between_lines, now - since_};
        stalled_ = true;
        if (v.speaks) spoken_ = now;
        return v;
    }

private:
    std::uint64_t turns_ = 0;
    std::int64_t since_ = 0;
    std::int64_t spoken_ = 0;
    bool stalled_ = false;
};

/// A thread that is never pinned and looks at all cores twice within the limit. Cores pay a
/// relaxed store a turn and one a firing. It lives as long as this does.
class watchdog {
public:
    /// Says what a core is at.
    struct place {
        [[nodiscard]] virtual std::string where(unsigned core) const = 0;

    protected:
        ~place() = default;
    };

    /// Looks where there are several cores or `alone_too`; stalls are counted in `stalls`, complete
    /// when this is gone.
    watchdog(std::vector<std::unique_ptr<core>> const& cores, run_settings const& settings,
             bool alone_too, place const& places, std::uint64_t& stalls)
        : cores_(cores),
          limit_(settings.watchdog.ns),
          tell_(settings.on_stall),
          places_(places),
          stalls_(stalls) {
        if (limit_ <= 0 || (cores.size() == 1 && !alone_too)) return;
        judges_.resize(cores.size());
        thread_ = std::jthread([this](std::stop_token const& stop) {
            ::pthread_setname_np(::pthread_self(), "millrace-ctl");
            watch(stop);
        });
    }
    watchdog(watchdog const&) = delete;
    watchdog& operator=(watchdog const&) = delete;

private:
    void watch(std::stop_token const& stop) {
        std::unique_lock lock(mutex_);
        std::chrono::nanoseconds const pause(limit_ / 2 > 0 ? limit_ / 2 : 1);
        while (!woken_.wait_for(lock, stop, pause, [&] { return stop.stop_requested(); })) look();
    }
    void look() {
        for (std::size_t c = 0; c < cores_.size(); ++c) {
            core const& watched = *cores_[c];
            auto const v = judges_[c].look(watched.turns(), watched.sleeps() || !watched.in_loop(),
                                           read_clock(CLOCK_MONOTONIC), limit_);
            if (v.begins) ++stalls_;
            if (v.speaks) say(static_cast<unsigned>(c), v.for_ns);
        }
    }
    void say(unsigned c, std::int64_t for_ns) const {
        int const cpu = cores_[c]->cpu();
        std::string text = "millrace: watchdog: core " + std::to_string(c);
        if (cpu >= 0) text += " on processor " + std::to_string(cpu);
        text += " has not turned for " + std::to_string(for_ns / 1'000'000) + " ms"
                + places_.where(c)
                + ". Look for what blocks or computes long in a stage, and do it elsewhere.";
        if (tell_ != nullptr)
            tell_(text);
        else
            std::fprintf(stderr, "%s\n", text.c_str());
    }

    std::vector<std::unique_ptr<core>> const& cores_;
    std::int64_t limit_;
    void (*tell_)(std::string_view);
    place const& places_;
    std::uint64_t& stalls_;
    std::vector<stall_judge> judges_;
    std::mutex mutex_;
    std::condition_variable_any woken_;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace millrace::detail
