// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Runs one fused loop to its end on the calling thread.

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include <millrace/dsl/complete.hpp>
#include <millrace/dsl/loop.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/scheduler/loop_report.hpp>
#include <millrace/scheduler/progress.hpp>
#include <millrace/scheduler/report.hpp>
#include <millrace/scheduler/settings.hpp>

namespace millrace::detail {

/// What operators are opened with: the core they run on.
struct core_environment {};

inline std::int64_t read_clock(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

template <class P>
class runner {
public:
    using loop_type = fused_loop<P, core_environment, nodes_of<P>>;

    report run(P pipeline, run_settings const& settings) {
        report out;
        std::int64_t const wall = read_clock(CLOCK_MONOTONIC);
        std::int64_t const cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
        try {
            refuse_settings(settings);
            loop_ = std::make_unique<loop_type>(std::move(pipeline), environment_);
            run_to_end(settings);
            loop_->close(true);
        } catch (failure const& f) {
            give_up(out, f.code(), f.message());
        } catch (std::exception const& e) {
            give_up(out, exit_code::software, std::string("millrace: ") + e.what());
        } catch (...) {
            give_up(out, exit_code::software, "millrace: an exception that is no std::exception");
        }
        if (loop_) account<P>(*loop_, out);
        out.wall_ns = read_clock(CLOCK_MONOTONIC) - wall;
        out.cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        return out;
    }

private:
    static void refuse_settings(run_settings const& settings) {
        if (settings.batch < 1 || settings.batch > run_settings::batch_max)
            throw failure(exit_code::configuration,
                          "millrace: run: .batch is not between 1 and 65536.");
    }
    void run_to_end(run_settings const& settings) {
        loop_->begin();
        progress_line line(settings.progress);
        bool const watched = settings.progress != progress_mode::none;
        std::int64_t const begun = watched ? read_clock(CLOCK_MONOTONIC) : 0;
        bool more = true;
        while (more) {
            more = false;
            poll_each(settings.batch, more, std::make_index_sequence<loop_type::sources>{});
            loop_->settle(settings.batch);
            if (watched) show(line, duration{read_clock(CLOCK_MONOTONIC) - begun});
        }
        line.finish();
    }
    void show(progress_line& line, duration elapsed) {
        if (!line.due(elapsed)) return;
        progress_state state;
        loop_->progress(state);
        state.elapsed = elapsed;
        line.update(state);
    }
    /// One batch of each input in turn.
    template <std::size_t... K>
    void poll_each(std::size_t batch, bool& more, std::index_sequence<K...>) {
        (poll_one<K>(batch, more), ...);
    }
    template <std::size_t K>
    void poll_one(std::size_t batch, bool& more) {
        if (loop_->source_ended(K)) return;
        if (loop_->template poll<K>(batch))
            more = true;
        else
            loop_->template end_source<K>();
    }
    void give_up(report& out, exit_code code, std::string_view message) {
        out.code = code;
        out.message = message;
        try {
            if (loop_) loop_->close(false);
        } catch (failure const& f) {
            out.message += ' ';
            out.message += f.message();
        }
    }

    core_environment environment_;
    std::unique_ptr<loop_type> loop_;
};

}  // namespace millrace::detail
