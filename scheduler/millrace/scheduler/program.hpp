// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `run(argc, argv, pipeline)`: a whole program, with its options, its report and its signals.

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <millrace/dsl/complete.hpp>
#include <millrace/dsl/explain.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/scheduler/command_line.hpp>
#include <millrace/scheduler/core_map.hpp>
#include <millrace/scheduler/divisible.hpp>
#include <millrace/scheduler/report.hpp>
#include <millrace/scheduler/run_state.hpp>
#include <millrace/scheduler/runner.hpp>
#include <millrace/scheduler/settings.hpp>
#include <millrace/scheduler/stop_signals.hpp>

namespace millrace {

namespace detail {
/// The configuration record that a program's function takes, or none.
template <class F>
struct configuration_of : configuration_of<decltype(&F::operator())> {};
template <class R, class C>
struct configuration_of<R (*)(C)> {
    using type = std::remove_cvref_t<C>;
};
template <class R>
struct configuration_of<R (*)()> {
    using type = no_configuration;
};
template <class R, class F, class C>
struct configuration_of<R (F::*)(C) const> {
    using type = std::remove_cvref_t<C>;
};
template <class R, class F>
struct configuration_of<R (F::*)() const> {
    using type = no_configuration;
};

/// Help and version are asked for, so they go to standard output; what is wrong goes to standard
/// error.
inline int print_answer(std::string const& text, command_line_next next, exit_code code) {
    std::FILE* const to = next == command_line_next::wrong ? stderr : stdout;
    std::fwrite(text.data(), 1, text.size(), to);
    if (!text.ends_with('\n')) std::fputc('\n', to);
    return static_cast<int>(code);
}
/// Of a run that was refused before a record came there is nothing to tell but why.
inline exit_code print_outcome(report const& result) {
    bool const begun = result.ok() || result.records_in + result.bad_rows + result.bytes_in != 0;
    std::string const text = begun ? to_text(result) : failure_text(result);
    std::fwrite(text.data(), 1, text.size(), stderr);
    return result.code;
}

template <class P>
int run_program(P pipeline, run_settings const& settings) {
    (void)fault_of<P>::template accept<P, true>();
    if constexpr (!is_complete<P>)
        return 0;
    else if (settings.explain == explain_mode::io) {
        run_settings here = settings;
        if (here.cores.empty()) here.cores = default_cores();
        run_state state;
        report const opened = run_on_cores(std::move(pipeline), here, state);
        return print_answer(opened.message,
                            opened.ok() ? command_line_next::help : command_line_next::wrong,
                            opened.code);
    } else if (settings.explain != explain_mode::off) {
        std::string const text =
            explain(pipeline, static_cast<explain_format>(static_cast<int>(settings.explain) - 1));
        std::fwrite(text.data(), 1, text.size(), stdout);
        return 0;
    } else {
        run_settings here = settings;
        if (divisible<P> && here.cores.empty()) here.cores = default_cores();
        run_state state(true);
        std::optional<stop_signals> listening;
        try {
            listening.emplace(state, here.stop_within);
        } catch (std::exception const& e) {
            throw failure(exit_code::configuration,
                          std::string("millrace: run: signals can't be listened to: ") + e.what()
                              + ". Raise the limits of descriptors and processes (ulimit -n, "
                                "ulimit -u).");
        }
        return static_cast<int>(print_outcome(run_on_cores(std::move(pipeline), here, state)));
    }
}
/// What is thrown before the run, by us or by the function that makes the pipeline, ends the
/// program by its sentence.
template <class F>
int reported(F&& begin) {
    try {
        return begin();
    } catch (failure const& f) {
        std::fprintf(stderr, "%s\n", f.what());
        return static_cast<int>(f.code());
    } catch (std::exception const& e) {
        std::fprintf(stderr, "millrace: program: %s. It was thrown before the run began.\n",
                     e.what());
        return static_cast<int>(exit_code::software);
    }
}
}  // namespace detail

/// A whole program: reads the command line (docs/reference/command-line.md), runs, prints the
/// report on standard error and returns the exit code. `made` is a pipeline, or a function that
/// makes one of its configuration record.
template <class Made>
[[nodiscard]] int run(int argc, char const* const* argv, Made made) {
    if constexpr (is_rejected<Made>) {
        return 0;
    } else if constexpr (is_pipeline<Made>) {
        auto const line = parse_command_line<no_configuration>(argc, argv);
        if (line.next != command_line_next::run)
            return detail::print_answer(line.text, line.next, line.code);
        return detail::reported(
            [&] { return detail::run_program(std::move(made), line.settings); });
    } else {
        using configuration = typename detail::configuration_of<Made>::type;
        auto line = parse_command_line<configuration>(argc, argv);
        if (line.next != command_line_next::run)
            return detail::print_answer(line.text, line.next, line.code);
        return detail::reported([&] {
            if constexpr (std::is_same_v<configuration, no_configuration>)
                return detail::run_program(made(), line.settings);
            else
                return detail::run_program(made(line.configuration), line.settings);
        });
    }
}

}  // namespace millrace
