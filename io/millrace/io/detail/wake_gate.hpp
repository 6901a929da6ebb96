// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `wake_gate`: a wake costs a system call only where there is a sleep to end, and none is lost.

#include <atomic>
#include <cstdint>

namespace millrace::detail {

/// awake → asleep by the owner; any → woken by others, who call the kernel only from asleep: one
/// call a sleep at most. A wake stays until the sleep that it ends or prevents.
class wake_gate {
public:
    /// The owner: false if a wake came before; then `awake` at once.
    [[nodiscard]] bool may_sleep() noexcept {
        std::uint32_t expected = awake_state;
        return state_.compare_exchange_strong(expected, asleep_state);
    }
    /// The owner, behind its sleep: true if it was woken.
    bool awake() noexcept { return state_.exchange(awake_state) == woken_state; }
    /// Others: true for the one that has to end the sleep.
    [[nodiscard]] bool must_wake() noexcept { return state_.exchange(woken_state) == asleep_state; }

private:
    static constexpr std::uint32_t awake_state = 0;
    static constexpr std::uint32_t asleep_state = 1;
    static constexpr std::uint32_t woken_state = 2;
    alignas(64) std::atomic<std::uint32_t> state_{awake_state};
};

}  // namespace millrace::detail
