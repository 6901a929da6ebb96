// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `run(pipeline)`: runs it to its end and reports. `start(pipeline)` does so beside the caller.
// Whole programs are `run(argc, argv, pipeline)`, in scheduler/program.hpp.

#include <utility>

#include <millrace/dsl/complete.hpp>
#include <millrace/scheduler/report.hpp>
#include <millrace/scheduler/run_state.hpp>
#include <millrace/scheduler/runner.hpp>
#include <millrace/scheduler/running.hpp>
#include <millrace/scheduler/settings.hpp>

namespace millrace {

/// Runs a complete pipeline to the end of its inputs, on the calling thread. What ends it early
/// stands in the report: `code` and one sentence. Sinks that write files leave them only where the
/// run succeeded.
template <class P>
[[nodiscard]] report run(P pipeline, run_settings const& settings = {}) {
    (void)detail::fault_of<P>::template accept<P, true>();
    if constexpr (!is_complete<P>) {
        return {};
    } else {
        detail::run_state state;
        return detail::run_on_cores(std::move(pipeline), settings, state);
    }
}
/// The same on one core, which is known when the program is compiled: no exchange is in its code.
template <class P, unsigned Count>
[[nodiscard]] report run(P pipeline, cores_constant<Count>, run_settings const& settings = {}) {
    (void)detail::fault_of<P>::template accept<P, true>();
    if constexpr (!is_complete<P>) {
        return {};
    } else {
        detail::run_state state;
        return detail::run_alone(std::move(pipeline), settings, state);
    }
}

}  // namespace millrace
