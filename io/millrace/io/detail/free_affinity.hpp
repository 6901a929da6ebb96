// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Where the helper threads of a pinned thread may run: who pins it says so here.

#include <cstddef>
#include <sched.h>

namespace millrace::detail {

/// A mask of `bytes`, from the pinning to its end; null in a thread that is not pinned.
struct free_affinity {
    cpu_set_t const* mask = nullptr;
    std::size_t bytes = 0;
};
inline thread_local free_affinity affinity_before_pin;

/// Threads that are made while it lives run where this one could before it was pinned.
class unpinned {
public:
    unpinned() {
        free_affinity const before = affinity_before_pin;
        if (before.mask == nullptr || before.bytes > sizeof memory_) return;
        known_ = ::sched_getaffinity(0, before.bytes, own()) == 0
                 && ::sched_setaffinity(0, before.bytes, before.mask) == 0;
    }
    unpinned(unpinned const&) = delete;
    unpinned& operator=(unpinned const&) = delete;
    ~unpinned() {
        if (known_) (void)::sched_setaffinity(0, affinity_before_pin.bytes, own());
    }

private:
    cpu_set_t* own() { return reinterpret_cast<cpu_set_t*>(memory_); }
    alignas(cpu_set_t) unsigned char memory_[1024] = {};  // 8192 processors
    bool known_ = false;
};

}  // namespace millrace::detail
