// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Where threads that are no core of ours sleep until there is room: a futex, and a count of them.

#include <atomic>
#include <climits>
#include <cstdint>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <millrace/scheduler/sleep_flag.hpp>

namespace millrace::detail {

/// Who finds no room calls `announce`, looks once more, and waits for the word to change; who makes
/// room calls `wake`, which is a fence and a load while nobody waits. No wake is lost: of the two
/// looks at least one sees the other's store (Dekker).
class wait_word {
public:
    /// What to `wait` for the change of.
    [[nodiscard]] std::uint32_t announce() noexcept {
        std::uint32_t const seen = word_.load(std::memory_order_acquire);
        waiting_.fetch_add(1, std::memory_order_relaxed);
        machine_fence::fence();
        return seen;
    }
    void withdraw() noexcept { waiting_.fetch_sub(1, std::memory_order_relaxed); }
    /// May return early.
    void wait(std::uint32_t seen) noexcept {
        ::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
    }
    /// At most `count` of those who wait.
    void wake(std::uint32_t count) noexcept {
        machine_fence::fence();
        if (waiting_.load(std::memory_order_relaxed) == 0) return;
        word_.fetch_add(1, std::memory_order_release);
        ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
    }
    void wake_all() noexcept { wake(INT_MAX); }

private:
    std::atomic<std::uint32_t> word_{0};
    std::atomic<std::uint32_t> waiting_{0};
};

}  // namespace millrace::detail
