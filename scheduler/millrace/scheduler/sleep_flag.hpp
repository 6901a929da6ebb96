// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `sleep_flag`: how a core says that it sleeps, so that others wake it then and only then.

#include <atomic>

namespace millrace {

namespace detail {
struct machine_fence {
    template <class V>
    using variable = std::atomic<V>;
    static void fence() noexcept {
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wtsan"
#endif
        // The thread sanitizer knows no fences. It loses nothing: no data is handed over by this
        // one, only the order of two flags.
        std::atomic_thread_fence(std::memory_order_seq_cst);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
    }
};
}  // namespace detail

/// Of one core. Whoever is about to sleep calls `announce`, looks once more at all inputs and at
/// the outputs that it lacked room on, and sleeps if there is nothing (SEMANTICS, 12). Whoever gave
/// it input or room asks `must_wake` behind its `publish` or `take`. Each side's fence lies between
/// its write and its look, so one of the two sees the other (Dekker); the wake itself must be one
/// that is kept, like `core_service::wake`.
template <class Atomics = detail::machine_fence>
class basic_sleep_flag {
public:
    /// The owner: from here on others wake it.
    void announce() noexcept {
        sleeping_.store(true, std::memory_order_relaxed);
        Atomics::fence();
    }
    /// The owner, awake again.
    void withdraw() noexcept { sleeping_.store(false, std::memory_order_relaxed); }

    /// Others: true for the one that has to wake it. A fence and a load; where many outputs were
    /// published in one turn, `fence` once and ask each by `claims`.
    [[nodiscard]] bool must_wake() noexcept {
        Atomics::fence();
        return claims();
    }
    static void fence() noexcept { Atomics::fence(); }
    [[nodiscard]] bool claims() noexcept {
        return sleeping_.load(std::memory_order_relaxed)
               && sleeping_.exchange(false, std::memory_order_acq_rel);
    }

private:
    alignas(128) typename Atomics::template variable<bool> sleeping_{false};
};
using sleep_flag = basic_sleep_flag<>;

}  // namespace millrace
