// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a core's engine is made of, and what it counts.

#include <cstdint>

namespace millrace {

/// The defaults are measured (docs/internals/io.md).
struct engine_options {
    unsigned submissions = 256;         ///< entries, rounded up to a power of two
    unsigned completions = 4096;        ///< entries, rounded up, at least the submissions
    bool messages_without_ring = true;  ///< false: wakes as before Linux 6.13, by an eventfd
    unsigned tries_per_turn = 4;        ///< epoll: of one descriptor, before the next has its turn
};

/// What an engine has done so far.
struct engine_counts {
    std::uint64_t enters = 0;       ///< system calls that submit or collect
    std::uint64_t completions = 0;  ///< handlers called
    std::uint64_t overflows = 0;  ///< turns that found the completion queue overflown; none is lost
    std::uint64_t starved = 0;    ///< completions with -ENOBUFS
    std::uint64_t sleeps = 0;     ///< that reached the kernel
    std::uint64_t wakes = 0;      ///< sleeps that `wake` ended or prevented
    std::uint64_t retries = 0;    ///< enters answered with EAGAIN, EINTR or EBUSY
    std::uint64_t copied = 0;     ///< sends without a copy that were copied after all
};

}  // namespace millrace
