// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// How far a run has come, for whoever watches it: `--progress=auto|plain|none`.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

#include <millrace/io/write_signals.hpp>
#include <millrace/model/time.hpp>
#include <millrace/scheduler/figures.hpp>
#include <millrace/scheduler/option_value.hpp>
#include <millrace/scheduler/settings.hpp>

namespace millrace {

/// What is known between two batches. `bytes_total` is 0 where it can't be known (a pipe); a
/// `watermark` at its minimum is none yet.
struct progress_state {
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_total = 0;
    std::uint64_t records = 0;
    std::uint64_t late = 0;
    time_point watermark = time_point::min();
    duration elapsed = {};  ///< since the run began, by the run's clock: a test has its own
};

namespace detail {

/// Less than the whole until all is done: 99.97 % is not 100 %.
inline std::string percent_text(progress_state const& s) {
    if (s.bytes_done >= s.bytes_total) return "100 %";
    double const share = static_cast<double>(s.bytes_done) / static_cast<double>(s.bytes_total);
    return std::to_string(static_cast<int>(share * 100)) + " %";
}

/// What is left at the mean rate so far. Empty while nothing can be said.
inline std::string left_text(progress_state const& s) {
    if (s.bytes_total == 0 || s.bytes_done == 0 || s.elapsed.ns < 100'000'000) return {};
    if (s.bytes_done >= s.bytes_total) return {};
    double const left = static_cast<double>(s.elapsed.ns)
                        * static_cast<double>(s.bytes_total - s.bytes_done)
                        / static_cast<double>(s.bytes_done);
    if (left > 9e18) return {};
    std::int64_t const second = 1'000'000'000;
    auto const seconds =
        static_cast<std::int64_t>(left) / second + 1;  // whole seconds, and never «0 s left»
    return (seconds < 60 ? std::to_string(seconds) + " s" : span_text(seconds * second)) + " left";
}

/// The fields of the line, the most wanted first.
inline std::vector<std::string> progress_fields(progress_state const& s) {
    std::vector<std::string> out;
    out.push_back(s.bytes_total != 0 ? percent_text(s)
                                     : bytes_text(static_cast<double>(s.bytes_done)));
    double const seconds = static_cast<double>(s.elapsed.ns) / 1e9;
    if (seconds > 0) out.push_back(records_text(static_cast<double>(s.records) / seconds) + "/s");
    if (std::string left = left_text(s); !left.empty()) out.push_back(std::move(left));
    if (s.watermark != time_point::min() && s.watermark != time_point::max())
        out.push_back("watermark " + option_value<time_point>::show(s.watermark));
    out.push_back(with_commas(s.late) + " late");
    if (seconds > 0) out.push_back(bytes_text(static_cast<double>(s.bytes_done) / seconds) + "/s");
    return out;
}

}  // namespace detail

/// One line without its end, at most `width` characters: fields that don't fit are left out, the
/// last first. `42 %  1.20 M records/s  3 s left  watermark 2013-03-04T05:00:00Z  120 late  105
/// MB/s`
[[nodiscard]] inline std::string progress_text(progress_state const& state, std::size_t width,
                                               bool color = false) {
    std::string out;
    std::size_t used = 0;
    for (std::string const& field : detail::progress_fields(state)) {
        std::size_t const more = field.size() + (used == 0 ? 0 : 2);
        if (used + more > width) break;
        if (used != 0) out += "  ";
        bool const warns = color && state.late != 0 && field.ends_with(" late");
        bool const leads = color && used == 0;
        out.append(leads ? "\x1b[1m" : warns ? "\x1b[33m" : "").append(field);
        if (leads || warns) out += "\x1b[0m";
        used += more;
    }
    return out;
}

/// Where progress goes, and what can be done there.
struct progress_output {
    int fd = STDERR_FILENO;
    bool redraws = false;   ///< a terminal that takes control sequences
    bool color = false;     ///< and `NO_COLOR` is not set (no-color.org)
    std::size_t width = 0;  ///< 0: ask the terminal each time, as windows change

    static progress_output of(int fd) {
        auto const set = [](char const* name) {
            char const* const value = std::getenv(name);
            return value != nullptr && *value != 0;
        };
        char const* const kind = std::getenv("TERM");
        progress_output out{.fd = fd};
        out.redraws = ::isatty(fd) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
        out.color = out.redraws && !set("NO_COLOR");
        return out;
    }
    [[nodiscard]] std::size_t columns() const {
        if (width != 0) return width;
        winsize size{};
        if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) return size.ws_col;
        return 80;
    }
};

/// Fed between batches; writes when it is time: ten redraws a second on a terminal, a line each ten
/// seconds elsewhere. What it writes may get lost, and never stops a run. Reads no clock: `elapsed`
/// is the caller's.
class progress_line {
public:
    static constexpr duration redraw_every = milliseconds(100);
    static constexpr duration line_every = seconds(10);

    explicit progress_line(progress_mode mode,
                           progress_output output = progress_output::of(STDERR_FILENO))
        : output_(output), silent_(mode == progress_mode::none) {
        output_.redraws = output_.redraws && mode == progress_mode::automatic;
        next_ = output_.redraws ? duration{} : line_every;
    }

    progress_line(progress_line const&) = delete;
    progress_line& operator=(progress_line const&) = delete;
    ~progress_line() { finish(); }

    /// Is a line due? Asked before the figures are gathered; one comparison.
    [[nodiscard]] bool due(duration elapsed) const { return !silent_ && elapsed >= next_; }

    void update(progress_state const& state) {
        if (!due(state.elapsed)) return;
        show(state);
        duration const every = output_.redraws ? redraw_every : line_every;
        next_ = state.elapsed - duration(state.elapsed.ns % every.ns) + every;
    }

    /// The redrawn line goes, so that what is printed next stands alone, also when a run fails
    /// (the destructor calls it); a plain output needs
    /// nothing.
    void finish() {
        if (drawn_) put("\r\x1b[K");
        drawn_ = false;
        silent_ = true;
    }

private:
    void show(progress_state const& state) {
        if (!output_.redraws) return put(progress_text(state, 1000) + "\n");
        std::string line = "\r";  // not operator+: g++ 12 warns of it at -O3 (GCC bug 105651)
        line += progress_text(state, output_.columns() - 1, output_.color);
        line += "\x1b[K";
        put(line);
        drawn_ = true;
    }
    void put(std::string_view text) const {
        detail::write_signal_guard const guard;
        if (::write(output_.fd, text.data(), text.size()) < 0) return;  // nobody listens: so be it
    }

    progress_output output_;
    duration next_;
    bool silent_;
    bool drawn_ = false;
};

}  // namespace millrace
