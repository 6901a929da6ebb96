// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The engine that an operator uses: its core's, or without a core one of its own.

#include <cstdint>
#include <ctime>
#include <memory>
#include <type_traits>

#include <millrace/io/core_engine.hpp>
#include <millrace/io/detail/monotonic.hpp>

namespace millrace {

/// Borrowed from the environment, or made and owned. Nothing else turns an owned one: then its
/// operator does, each time it is asked for something.
template <class Engine>
class service_handle {
public:
    service_handle() : own_(std::make_unique<Engine>(service_options{})), engine_(own_.get()) {}
    explicit service_handle(Engine& shared) : engine_(&shared) {}

    Engine& operator*() const { return *engine_; }
    Engine* operator->() const { return engine_; }
    [[nodiscard]] bool owned() const { return own_ != nullptr; }

private:
    std::unique_ptr<Engine> own_;
    Engine* engine_;
};

/// The handle that an environment gives: to `env.service<core_engine>()` if it has one.
template <class Env>
auto service_of(Env& env) {
    if constexpr (requires { env.template service<core_engine>(); })
        return service_handle<std::remove_cvref_t<decltype(env.template service<core_engine>())>>(
            env.template service<core_engine>());
    else
        return service_handle<core_engine>();
}

namespace detail {

/// Which copy of an operator this is, and of how many.
template <class Env>
unsigned partition_of(Env& env) {
    if constexpr (requires { env.partition(); })
        return env.partition();
    else
        return 0;
}
template <class Env>
unsigned partitions_of(Env& env) {
    if constexpr (requires { env.partitions(); })
        return env.partitions();
    else
        return 1;
}

/// Cancels and waits until the kernel has let go. For destructors, of what may be pending.
template <class Engine>
void settle(Engine& engine, operation& asked) {
    if (asked.pending) engine.cancel(asked);
    while (asked.pending)
        if (!engine.turn()) engine.sleep(INT64_MAX);
}

/// Has the deadline passed? Most calls read the coarse clock only, a quarter of the price; it lags
/// by a tick, at most 10 ms.
inline bool is_past(std::int64_t deadline) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    std::int64_t const coarse = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    return coarse >= deadline || (coarse + 10'000'000 >= deadline && monotonic_ns() >= deadline);
}

}  // namespace detail

}  // namespace millrace
