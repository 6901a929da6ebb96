// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `auto service = start(pipeline, settings)`: a run on threads of its own, to be stopped and waited
// for.

#include <memory>
#include <thread>
#include <type_traits>
#include <utility>

#include <millrace/dsl/complete.hpp>
#include <millrace/scheduler/report.hpp>
#include <millrace/scheduler/run_state.hpp>
#include <millrace/scheduler/runner.hpp>
#include <millrace/scheduler/settings.hpp>

namespace millrace {

/// A run that goes on by itself. Dying it stops the run gently and waits for it.
class running {
public:
    running() = default;
    template <class Body>
    running(std::shared_ptr<detail::run_state> state, duration stop_within, Body body)
        : state_(std::move(state)),
          stop_within_(stop_within),
          report_(std::make_unique<report>()),
          thread_([body = std::move(body), state = state_, out = report_.get()]() mutable {
              *out = body(*state);
          }) {}
    running(running&&) noexcept = default;
    running& operator=(running&&) = delete;
    ~running() {
        if (!thread_.joinable()) return;
        stop();
        thread_.join();
    }

    /// From any thread, any number of times: sources stop, what is in flight goes to the sinks. The
    /// second call ends the run at once, with exit code 75.
    void stop() { state_->stop(stop_within_.ns); }
    /// Until the run has ended; once.
    [[nodiscard]] report wait() {
        thread_.join();
        return std::move(*report_);
    }

private:
    std::shared_ptr<detail::run_state> state_;
    duration stop_within_{};
    std::unique_ptr<report> report_;
    std::thread thread_;
};

/// Runs a complete pipeline beside the caller. What it borrows must live until `wait` returns.
template <class P>
[[nodiscard]] running start(P pipeline, run_settings settings = {}) {
    (void)detail::fault_of<P>::template accept<P, true>();
    if constexpr (!is_complete<P>) {
        return {};
    } else {
        auto const within = settings.stop_within;
        return running(std::make_shared<detail::run_state>(true), within,
                       [pipeline = std::move(pipeline),
                        settings = std::move(settings)](detail::run_state& state) mutable {
                           return detail::run_on_cores(std::move(pipeline), settings, state);
                       });
    }
}

}  // namespace millrace
