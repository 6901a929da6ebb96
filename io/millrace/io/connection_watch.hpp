// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `connection_watch`: what closes connections that take too long.

#include <algorithm>
#include <cstdint>
#include <ctime>

#include <millrace/io/tcp_connection.hpp>
#include <millrace/io/tcp_counts.hpp>
#include <millrace/io/tcp_options.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

/// ns of the monotonic clock, late by up to a tick (10 ms at most), at a quarter of its price.
inline std::int64_t coarse_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
inline constexpr std::int64_t clock_tick_ns = 10'000'000;

struct watch_options {
    duration idle;
    duration frame_time;
    duration request_deadline;
    unsigned slots = 0;
};

/// Each connection is looked at eight times within the shortest limit, many at once, so that a byte
/// that moves costs a store and an idle core few wakes.
class connection_watch {
public:
    explicit connection_watch(watch_options const& options) : options_(options) {
        for (std::int64_t const limit :
             {options.idle.ns, options.frame_time.ns, options.request_deadline.ns})
            if (limit > 0) every_ = std::min(every_, std::max(limit / 8, clock_tick_ns));
    }

    void add(tcp_connection& c, std::int64_t now) {
        if (every_ == INT64_MAX) return;
        c.check_at = now + every_;
        watched_.push(c);
    }
    void remove(tcp_connection& c) { watched_.remove(c); }
    [[nodiscard]] std::int64_t next_deadline() const {
        return watched_.empty() ? INT64_MAX : watched_.first()->check_at;
    }
    /// We could not receive: that time is not the peers'.
    void stalled(std::int64_t now) { stalled_at_ = now; }

    /// `close(connection, reason)` for those that are past a limit.
    template <class F>
    void check(std::int64_t now, F&& close) {
        if (now < next_deadline()) return;
        std::int64_t const until = now + every_ / 4;  // some too early, so that one wake does
        while (!watched_.empty() && watched_.first()->check_at <= until) {
            tcp_connection& c = *watched_.first();
            watched_.remove(c);
            auto const why = judge(c, now - clock_tick_ns);
            if (why == tcp::close_reason::peer)
                add(c, now);
            else
                close(c, why);
        }
    }

private:
    /// `peer`: it may stay. What we hold back is not idle; what its own unread replies hold back
    /// is.
    [[nodiscard]] tcp::close_reason judge(tcp_connection const& c, std::int64_t now) const {
        auto const past = [now](std::int64_t since, duration limit) {
            return limit.ns > 0 && now - since >= limit.ns;
        };
        bool const blocked = c.in_waiting.in;
        bool const ours = c.has_input() && !blocked;
        if (!ours && c.taken == c.replied && past(std::max(c.touched, stalled_at_), options_.idle))
            return tcp::close_reason::idle;
        if (!ours && !blocked && !c.finishing && !c.carry.empty()
            && past(std::max(c.frame_began, stalled_at_), options_.frame_time))
            return tcp::close_reason::slow_frame;
        if (c.asked_at && c.taken != c.replied
            && past(c.asked_at[c.replied % options_.slots], options_.request_deadline))
            return tcp::close_reason::request_deadline;
        return tcp::close_reason::peer;
    }

    watch_options options_;
    connection_list<&tcp_connection::in_watched> watched_;
    std::int64_t every_ = INT64_MAX;
    std::int64_t stalled_at_ = 0;
};

}  // namespace millrace::detail
