// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a core waits on: the one thing of a core that completions, deadlines and wakes reach. The
// scheduler turns it; `io` implements it; neither knows the other.

#include <cstdint>
#include <string>

namespace millrace {

/// Which way to the kernel: the best that it gives, or one of them or nothing.
enum class io_tier : std::uint8_t {
    automatic,    ///< deferred, else cooperative, else epoll, with one warning
    ring,         ///< a ring of either kind, or exit code 78
    deferred,     ///< io_uring with deferred task work (Linux 6.1)
    cooperative,  ///< io_uring with cooperative task work (Linux 6.0)
    epoll,        ///< no io_uring
};

/// What a service is made with, by the thread of its core.
struct service_options {
    io_tier tier = io_tier::automatic;
    unsigned core = 0;   ///< its number among the run's cores, from 0
    unsigned cores = 1;  ///< of the run
    int cpu = -1;        ///< the processor it is pinned to, or -1
};

/// One a core, made by and belonging to the core's thread; only `wake` may be called by others.
class core_service {
public:
    core_service() = default;
    core_service(core_service const&) = delete;
    core_service& operator=(core_service const&) = delete;
    virtual ~core_service() = default;

    /// Handles what has completed, submits what is queued; never blocks. True if it did anything.
    /// Enters the kernel only where there is something to submit or a flag asks for it.
    virtual bool turn() = 0;
    /// Sleeps until something completes, `wake` is called, or the monotonic clock reaches `until`
    /// (ns; INT64_MAX: no deadline). A wake that came before is not lost.
    virtual void sleep(std::int64_t until) = 0;
    /// From any thread: ends a `sleep`, or the next one. Costs a system call.
    virtual void wake() noexcept = 0;
    /// What is in use and what the kernel refused, in lines, for `--explain=io`.
    [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace millrace
