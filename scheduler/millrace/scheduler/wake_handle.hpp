// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A core's waker in the hands of threads that may outlive the run.

#include <cstring>
#include <mutex>
#include <type_traits>

namespace millrace::detail {

/// Any small waker (`void wake() noexcept`), or none.
class wake_handle {
public:
    wake_handle() = default;
    template <class Waker>
        requires requires(Waker const& w) { w.wake(); }
    explicit wake_handle(Waker const& waker) {
        static_assert(std::is_trivially_copyable_v<Waker> && sizeof(Waker) <= sizeof storage_);
        std::memcpy(storage_, &waker, sizeof waker);
        call_ = [](void const* stored) noexcept { static_cast<Waker const*>(stored)->wake(); };
    }
    void wake() const noexcept {
        if (call_ != nullptr) call_(storage_);
    }

private:
    alignas(alignof(void*)) unsigned char storage_[2 * sizeof(void*)]{};
    void (*call_)(void const*) noexcept = nullptr;
};

/// `env.waker()` where the environment has one: environments of tests need none.
template <class Env>
wake_handle waker_of(Env& env) {
    if constexpr (requires { env.waker(); })
        return wake_handle(env.waker());
    else
        return {};
}

/// A waker that is gone once `set({})` has returned. The lock is taken for a wake, never for a
/// record.
class guarded_waker {
public:
    void set(wake_handle waker) {
        std::lock_guard const lock(mutex_);
        waker_ = waker;
    }
    void wake() {
        std::lock_guard const lock(mutex_);
        waker_.wake();
    }

private:
    std::mutex mutex_;
    wake_handle waker_;
};

}  // namespace millrace::detail
