// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The time of day as an operator sees it: the machine's, or a test's.

#include <millrace/model/time.hpp>

namespace millrace {

/// Reads the environment's wall clock; costs what the clock does, so not for every record. One
/// without an environment stands at the end of time.
class wall_clock {
public:
    constexpr wall_clock() = default;
    template <class Env>
    constexpr explicit wall_clock(Env const& env)
        : environment_(&env),
          read_([](void const* e) { return static_cast<Env const*>(e)->wall_time(); }) {}

    [[nodiscard]] time_point now() const {
        return read_ == nullptr ? time_point::max() : read_(environment_);
    }

private:
    void const* environment_ = nullptr;
    time_point (*read_)(void const*) = nullptr;
};

namespace detail {

/// Environments may have no clock: then nothing is ahead of it.
template <class Env>
constexpr wall_clock wall_clock_of(Env const& env) {
    if constexpr (requires { env.wall_time(); })
        return wall_clock(env);
    else
        return {};
}

}  // namespace detail
}  // namespace millrace
