// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A thread of a core: pinned and named, and for a borrowed one put back as it was.

#include <cstddef>
#include <cstdio>
#include <pthread.h>
#include <sched.h>

#include <millrace/io/detail/free_affinity.hpp>

namespace millrace::detail {

/// For as long as it lives.
class thread_pin {
public:
    thread_pin(int cpu, unsigned core, bool rename) : renames_(rename) {
        if (renames_) {
            ::pthread_getname_np(::pthread_self(), name_, sizeof name_);
            char text[16];
            std::snprintf(text, sizeof text, "millrace-%u", core);
            ::pthread_setname_np(::pthread_self(), text);
        }
        if (cpu < 0) return;
        saved_ = CPU_ALLOC(processors);
        bytes_ = CPU_ALLOC_SIZE(processors);
        cpu_set_t* const one = CPU_ALLOC(processors);
        if (saved_ != nullptr && one != nullptr) {
            ::sched_getaffinity(0, bytes_, saved_);
            CPU_ZERO_S(bytes_, one);
            CPU_SET_S(static_cast<std::size_t>(cpu), bytes_, one);
            ::sched_setaffinity(0, bytes_, one);
            affinity_before_pin = {saved_, bytes_};
        }
        if (one != nullptr) CPU_FREE(one);
    }
    thread_pin(thread_pin const&) = delete;
    thread_pin& operator=(thread_pin const&) = delete;
    ~thread_pin() {
        if (saved_ != nullptr) {
            affinity_before_pin = {};
            ::sched_setaffinity(0, bytes_, saved_);
            CPU_FREE(saved_);
        }
        if (renames_) ::pthread_setname_np(::pthread_self(), name_);
    }

private:
    static constexpr std::size_t processors = 8192;
    bool renames_;
    char name_[16] = {};
    cpu_set_t* saved_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace millrace::detail
