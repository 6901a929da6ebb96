// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Behaviour is tested on every way to the kernel: a fixture that is made once for each, and turns
// its engine until a condition holds.

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include <millrace/io/core_engine.hpp>
#include <millrace/io/core_service.hpp>
#include <millrace/io/detail/monotonic.hpp>

namespace millrace_test {

inline std::string name_of(millrace::io_tier tier) {
    switch (tier) {
        case millrace::io_tier::deferred:
            return "deferred";
        case millrace::io_tier::cooperative:
            return "cooperative";
        default:
            return "epoll";
    }
}

/// An environment with a core's engine, as the scheduler gives it.
struct core_env {
    millrace::core_engine engine;

    explicit core_env(millrace::io_tier tier) : engine(millrace::service_options{.tier = tier}) {}
    template <class T>
    T& service() {
        return engine;
    }
};

/// `TEST_P(x, …)` with `struct x : on_tiers {…}` and `MILLRACE_ON_TIERS(x)`.
struct on_tiers : testing::TestWithParam<millrace::io_tier> {
    core_env env{GetParam()};

    /// Turns until `done`, asleep between; no test waits longer than ten seconds.
    template <class Done>
    bool until(Done done) {
        std::int64_t const end = millrace::detail::monotonic_ns() + 10'000'000'000;
        while (!done()) {
            if (millrace::detail::monotonic_ns() > end) return false;
            if (!env.engine.turn()) env.engine.sleep(millrace::detail::monotonic_ns() + 2'000'000);
        }
        return true;
    }
};

#define MILLRACE_ON_TIERS(Suite)                                                     \
    INSTANTIATE_TEST_SUITE_P(                                                        \
        , Suite,                                                                     \
        testing::Values(millrace::io_tier::deferred, millrace::io_tier::cooperative, \
                        millrace::io_tier::epoll),                                   \
        [](auto const& one) { return millrace_test::name_of(one.param); })

}  // namespace millrace_test
