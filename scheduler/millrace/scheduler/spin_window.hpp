// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// How long a core looks on before it sleeps: longer with traffic, shorter without.

#include <cstdint>
#include <ctime>

#include <millrace/scheduler/clock.hpp>
#include <millrace/scheduler/settings.hpp>

namespace millrace::detail {

/// `adaptive` begins with 2 ms: in a virtual machine a sleep and its wake cost some 50 µs. A wake
/// within one window doubles it, up to 4 ms; four sleeps longer than that halve it, down to 50 µs.
class spin_window {
public:
    static constexpr std::int64_t begins_with = 2'000'000;
    static constexpr std::int64_t longest = 4'000'000;
    static constexpr std::int64_t shortest = 50'000;
    static constexpr unsigned looks = 8;  // turns between two looks at the clock

    explicit spin_window(wait_policy policy) : policy_(policy) {}

    void worked() {
        turn_ = 0;
        idle_since_ = 0;
    }
    /// Is it time to sleep? After a turn that did nothing.
    bool over() {
        if (policy_ == wait_policy::spin) return false;
        if (policy_ == wait_policy::wait) return true;
        if (++turn_ % looks != 0) return false;
        std::int64_t const now = read_clock(CLOCK_MONOTONIC);
        if (idle_since_ == 0) idle_since_ = now;
        return now - idle_since_ >= length_;
    }
    void slept(std::int64_t ns) {
        worked();
        if (ns <= length_) {
            misses_ = 0;
            length_ = length_ * 2 < longest ? length_ * 2 : longest;
        } else if (++misses_ == 4) {
            misses_ = 0;
            length_ = length_ / 2 > shortest ? length_ / 2 : shortest;
        }
    }
    [[nodiscard]] std::int64_t length() const { return length_; }

private:
    wait_policy policy_;
    std::int64_t length_ = begins_with;
    std::int64_t idle_since_ = 0;
    unsigned turn_ = 0;
    unsigned misses_ = 0;
};

}  // namespace millrace::detail
