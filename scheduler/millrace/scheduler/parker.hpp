// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Where a core without any I/O sleeps: a futex with a deadline.

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <linux/futex.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

#include <millrace/io/core_service.hpp>

namespace millrace::detail {

class parker final : public core_service {
public:
    explicit parker(service_options const&) {}
    bool turn() override { return false; }
    void sleep(std::int64_t until) override {
        while (word_.exchange(0, std::memory_order_acquire) == 0) {
            timespec deadline{};
            deadline.tv_sec = until / 1'000'000'000;
            deadline.tv_nsec = until % 1'000'000'000;
            bool const endless = until == INT64_MAX;
            // Absolute and monotonic, as FUTEX_WAIT_BITSET takes it.
            auto const answer = ::syscall(SYS_futex, &word_, FUTEX_WAIT_BITSET_PRIVATE, 0,
                                          endless ? nullptr : &deadline, nullptr, ~0U);
            if (answer != 0 && errno == ETIMEDOUT) return;
        }
    }
    void wake() noexcept override {
        if (word_.exchange(1, std::memory_order_release) == 0)
            ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
    [[nodiscard]] std::string describe() const override { return "no I/O: futex\n"; }

private:
    std::atomic<std::uint32_t> word_{0};
    static_assert(sizeof(std::atomic<std::uint32_t>) == 4);
};

}  // namespace millrace::detail
