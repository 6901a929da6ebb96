// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Requests at a fixed rate, whatever the service does, and the latency of each from the moment it
// was to be sent. A client that waits for an answer before it asks again, or that measures from
// when it got round to sending, leaves out what a stall did to all who came meanwhile («coordinated
// omission», Tene).

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

#include "connection.hpp"
#include "histogram.hpp"
#include "wire.hpp"

namespace load {

inline std::int64_t now_ns(clockid_t which = CLOCK_MONOTONIC) {
    timespec t{};
    ::clock_gettime(which, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

struct run_options {
    double rate = 10'000;  ///< requests a second, over all connections
    std::int64_t measured_ns = 5'000'000'000;
    std::int64_t warm_up_ns = 500'000'000;  ///< sent and checked, not in the histogram
    std::int64_t drain_ns = 2'000'000'000;  ///< how long answers are waited for at the end
    std::int64_t late_ns = 1'000'000'000;   ///< an answer after that is late
    bool busy = false;                      ///< looks on instead of sleeping between two events
    bool poisson = false;                   ///< exponential gaps instead of even ones
    bool gives_up = false;                  ///< ends where a second's worth of answers is owed
};

struct outcome {
    histogram latencies;
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    std::uint64_t lost = 0;
    std::uint64_t late = 0;
    std::uint64_t errors = 0;
    std::int64_t behind_ns = 0;  ///< the most that a request left later than it was to
    double seconds = 0;          ///< from the first request to be sent to the last
    bool gave_up = false;
    std::string first_error;

    [[nodiscard]] bool clean() const { return lost == 0 && late == 0 && errors == 0; }
};

class open_loop {
public:
    open_loop(std::vector<connection>& connections, request_maker const& requests)
        : connections_(connections), requests_(requests), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
        for (std::size_t c = 0; c < connections_.size(); ++c) watch(c, EPOLL_CTL_ADD, false);
        waits_.resize(connections_.size());
    }
    open_loop(open_loop const&) = delete;
    open_loop& operator=(open_loop const&) = delete;
    ~open_loop() { ::close(poll_); }

    outcome run(run_options const& options) {
        outcome out;
        std::int64_t const begin = now_ns();
        std::int64_t const measured = begin + options.warm_up_ns;
        std::int64_t const end = measured + options.measured_ns;
        double const gap = 1e9 / options.rate;
        double next = static_cast<double>(begin);
        std::size_t turn = 0;
        auto const due_at = [&] { return static_cast<std::int64_t>(next); };
        while (due_at() < end && !out.gave_up && alive()) {
            std::int64_t now = now_ns();
            for (int burst = 0; burst < 256 && due_at() <= now && due_at() < end; ++burst) {
                send_one(turn++, due_at(), due_at() - origin_, due_at() >= measured, out);
                out.behind_ns = std::max(out.behind_ns, now - due_at());
                next += options.poisson ? gap * exponential() : gap;
            }
            flush(out);
            now = now_ns();
            take(options.busy || due_at() <= now ? 0 : std::min(due_at(), end) - now, options, out);
            out.gave_up = options.gives_up && static_cast<double>(owed_) > options.rate;
        }
        out.seconds = static_cast<double>(std::min(now_ns(), end) - begin) / 1e9;
        std::int64_t const last = now_ns() + options.drain_ns;
        while (owed_ > 0 && alive()) {
            flush(out);
            std::int64_t const left = last - now_ns();
            if (left <= 0) break;
            take(options.busy ? 0 : left, options, out);
        }
        for (connection& c : connections_) out.lost += c.owing();
        return out;
    }
    /// Is there a connection left?
    [[nodiscard]] bool alive() const {
        return std::any_of(connections_.begin(), connections_.end(),
                           [](connection const& c) { return c.open(); });
    }

private:
    void send_one(std::size_t turn, std::int64_t scheduled, std::int64_t after, bool measured,
                  outcome& out) {
        std::size_t at = turn % connections_.size();
        while (!connections_[at].open()) at = (at + 1) % connections_.size();
        connections_[at].ask(requests_.make(number_++, after), scheduled, measured);
        if (!waits_[at]) asked_.push_back(at);
        ++owed_;
        ++out.sent;
    }
    void flush(outcome& out) {
        for (std::size_t const c : asked_) push(c, out);
        asked_.clear();
    }
    void push(std::size_t c, outcome& out) {
        if (!connections_[c].open()) return;
        if (!connections_[c].send()) return fail(c, "broken", out);
        if (waits_[c] != connections_[c].has_unsent()) {
            waits_[c] = connections_[c].has_unsent();
            watch(c, EPOLL_CTL_MOD, waits_[c]);
        }
    }
    /// Waits for at most `wait` ns, and takes what has come.
    void take(std::int64_t wait, run_options const& options, outcome& out) {
        timespec limit{};
        limit.tv_sec = wait / 1'000'000'000;
        limit.tv_nsec = wait % 1'000'000'000;
        epoll_event events[64];
        int const n = ::epoll_pwait2(poll_, events, 64, &limit, nullptr);
        for (int i = 0; i < n; ++i) {
            std::size_t const c = events[i].data.u64;
            if ((events[i].events & EPOLLOUT) != 0) push(c, out);
            if (!connections_[c].open() || (events[i].events & ~EPOLLOUT) == 0) continue;
            char const* wrong = nullptr;
            std::int64_t const now = now_ns();
            bool const good = connections_[c].receive(wrong, [&](connection::owed const& o) {
                std::int64_t const latency = now - o.scheduled;
                --owed_;
                ++out.answered;
                if (o.measured) out.latencies.record(latency);
                if (latency > options.late_ns) ++out.late;
            });
            if (!good) fail(c, wrong, out);
        }
    }
    void fail(std::size_t c, char const* what, outcome& out) {
        ++out.errors;
        if (out.first_error.empty())
            out.first_error = "connection " + std::to_string(c) + ": " + what;
        owed_ -= connections_[c].owing();
        connections_[c].shut();
    }
    void watch(std::size_t c, int how, bool writable) {
        epoll_event event{};
        event.events = EPOLLIN;
        if (writable) event.events |= EPOLLOUT;
        event.data.u64 = c;
        ::epoll_ctl(poll_, how, connections_[c].fd(), &event);
    }
    /// Of mean 1; xorshift64 (Marsaglia 2003).
    double exponential() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return -std::log((static_cast<double>(state_ >> 11) + 1) * 0x1p-53);
    }

    std::vector<connection>& connections_;
    request_maker const& requests_;
    int poll_;
    std::int64_t const origin_ = now_ns();
    std::vector<std::size_t> asked_;
    std::vector<bool> waits_;  // for room in its socket
    std::uint64_t number_ = 0;
    std::uint64_t owed_ = 0;
    std::uint64_t state_ = 0x2545f4914f6cdd1d;
};

}  // namespace load
