// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include <millrace/scheduler/progress.hpp>

namespace {

using namespace millrace;

progress_state const half{.bytes_done = 50'000'000,
                          .bytes_total = 100'000'000,
                          .records = 2'400'000,
                          .late = 1'234,
                          .watermark = time_point(1'357'016'400'000'000'000),
                          .elapsed = seconds(2)};

TEST(progress_text, shows_share_rate_rest_watermark_and_late) {
    EXPECT_EQ(
        progress_text(half, 200),
        "50 %  1.20 M records/s  3 s left  watermark 2013-01-01T05:00:00Z  1,234 late  25.0 MB/s");
}

TEST(progress_text, leaves_out_what_does_not_fit) {
    std::string const whole = progress_text(half, 200);
    for (std::size_t width = 0; width <= whole.size(); ++width) {
        std::string const line = progress_text(half, width);
        EXPECT_LE(line.size(), width);
        EXPECT_TRUE(whole.starts_with(line));
    }
    EXPECT_EQ(progress_text(half, 30), "50 %  1.20 M records/s");
    EXPECT_EQ(progress_text(half, whole.size()), whole);
    EXPECT_EQ(progress_text(half, 3), "");
}

TEST(progress_text, says_only_what_is_known) {
    EXPECT_EQ(progress_text({}, 100), "0 B  0 late");
    EXPECT_EQ(progress_text({.bytes_done = 12'345, .records = 10, .elapsed = seconds(1)}, 100),
              "12.3 kB  10 records/s  0 late  12.3 kB/s");
    EXPECT_EQ(progress_text({.bytes_total = 10, .elapsed = seconds(1)}, 100),
              "0 %  0 records/s  0 late  0 B/s");
}

TEST(progress_text, is_whole_only_when_all_is_done) {
    auto const first = [](std::uint64_t done, std::uint64_t total) {
        return progress_text({.bytes_done = done, .bytes_total = total}, 5);
    };
    EXPECT_EQ(first(9'999, 10'000), "99 %");
    EXPECT_EQ(first(10'000, 10'000), "100 %");
    EXPECT_EQ(first(10'001, 10'000), "100 %");  // the file grew
}

TEST(progress_text, colors_nothing_but_the_share_and_late_records) {
    EXPECT_EQ(progress_text(half, 200, true),
              "\x1b[1m50 %\x1b[0m  1.20 M records/s  3 s left  watermark 2013-01-01T05:00:00Z  "
              "\x1b[33m1,234 late\x1b[0m  25.0 MB/s");
}

TEST(figures, have_three_digits) {
    using namespace millrace::detail;
    EXPECT_EQ(with_commas(0), "0");
    EXPECT_EQ(with_commas(999), "999");
    EXPECT_EQ(with_commas(1'000), "1,000");
    EXPECT_EQ(with_commas(18'446'744'073'709'551'615U), "18,446,744,073,709,551,615");
    EXPECT_EQ(bytes_text(0), "0 B");
    EXPECT_EQ(bytes_text(999), "999 B");
    EXPECT_EQ(bytes_text(1'000), "1.00 kB");
    EXPECT_EQ(bytes_text(9'994), "9.99 kB");
    EXPECT_EQ(bytes_text(9'995), "10.0 kB");
    EXPECT_EQ(bytes_text(99'960), "100 kB");
    EXPECT_EQ(bytes_text(999'499), "999 kB");
    EXPECT_EQ(bytes_text(999'500), "1.00 MB");
    EXPECT_EQ(bytes_text(1e30), "999 PB");
    EXPECT_EQ(span_text(-1), "0 ns");
    EXPECT_EQ(span_text(850), "850 ns");
    EXPECT_EQ(span_text(1'240'000'000), "1.24 s");
    EXPECT_EQ(span_text(59'999'999'999), "60.0 s");
    EXPECT_EQ(span_text(250'000'000'000), "4 min 10 s");
    EXPECT_EQ(span_text(7'500'000'000'000), "2 h 5 min");
    EXPECT_EQ(span_text(900'000'000'000'000), "10 d 10 h");
}

/// What lands in a pipe.
struct listener {
    int ends[2]{};
    listener() {
        if (::pipe2(ends, O_NONBLOCK) != 0) ADD_FAILURE();
    }
    listener(listener const&) = delete;
    ~listener() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    std::string heard() const {
        char got[65'536];
        ssize_t const came = ::read(ends[0], got, sizeof got);
        return {got, static_cast<std::size_t>(came < 0 ? 0 : came)};
    }
    progress_output output(bool redraws, bool color = false) const {
        return {.fd = ends[1], .redraws = redraws, .color = color, .width = 30};
    }
};

TEST(progress_line, writes_a_line_each_ten_seconds_where_there_is_no_terminal) {
    for (progress_mode const mode : {progress_mode::automatic, progress_mode::plain}) {
        listener to;
        progress_line line(mode, to.output(mode == progress_mode::plain));
        progress_state state;
        std::string heard;
        for (int ms = 0; ms <= 35'000; ms += 7) {
            state.elapsed = milliseconds(ms);
            EXPECT_EQ(line.due(state.elapsed), ms / 7 * 7 / 10'000 != (ms - 7) / 10'000 && ms > 7);
            line.update(state);
        }
        line.finish();
        EXPECT_EQ(to.heard(),
                  "0 B  0 records/s  0 late  0 B/s\n0 B  0 records/s  0 late  0 B/s\n"
                  "0 B  0 records/s  0 late  0 B/s\n");
    }
}

TEST(progress_line, redraws_one_line_on_a_terminal_and_takes_it_away) {
    listener to;
    progress_line line(progress_mode::automatic, to.output(true));
    progress_state state = half;
    line.update(state);
    EXPECT_EQ(to.heard(), "\r50 %  1.20 M records/s\x1b[K");
    state.elapsed = state.elapsed + milliseconds(99);
    line.update(state);
    EXPECT_EQ(to.heard(), "");
    state.elapsed = state.elapsed + milliseconds(1);
    line.update(state);
    EXPECT_EQ(to.heard(), "\r50 %  1.14 M records/s\x1b[K");
    line.finish();
    EXPECT_EQ(to.heard(), "\r\x1b[K");
    line.finish();
    line.update({.elapsed = hours(1)});
    EXPECT_EQ(to.heard(), "");
}

TEST(progress_line, takes_itself_away_when_a_run_fails) {
    listener to;
    try {
        progress_line line(progress_mode::automatic, to.output(true));
        line.update({});
        EXPECT_EQ(to.heard(), "\r0 B  0 late\x1b[K");
        throw 1;
    } catch (int) {
        EXPECT_EQ(to.heard(), "\r\x1b[K");
    }
}

TEST(progress_line, is_silent_when_told) {
    listener to;
    progress_line line(progress_mode::none, to.output(true));
    EXPECT_FALSE(line.due(hours(1)));
    line.update({.elapsed = hours(1)});
    line.finish();
    EXPECT_EQ(to.heard(), "");
}

TEST(progress_line, survives_when_nobody_listens) {
    pid_t const child = ::fork();
    if (child == 0) {
        ::signal(SIGPIPE, SIG_DFL);
        int ends[2];
        if (::pipe(ends) != 0) ::_exit(1);
        ::close(ends[0]);
        progress_line line(progress_mode::plain, {.fd = ends[1]});
        line.update({.elapsed = seconds(10)});
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(progress_output, colors_only_a_terminal_that_may_be_colored) {
    int const terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
    ASSERT_GE(terminal, 0);
    if (::grantpt(terminal) != 0 || ::unlockpt(terminal) != 0)
        GTEST_SKIP() << "no pseudo terminals";
    int const fd = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
    ASSERT_GE(fd, 0);
    winsize size{};
    size.ws_col = 123;
    ::ioctl(fd, TIOCSWINSZ, &size);
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("NO_COLOR");
    EXPECT_TRUE(progress_output::of(fd).redraws);
    EXPECT_TRUE(progress_output::of(fd).color);
    EXPECT_EQ(progress_output::of(fd).columns(), 123U);
    ::setenv("NO_COLOR", "1", 1);
    EXPECT_TRUE(progress_output::of(fd).redraws);
    EXPECT_FALSE(progress_output::of(fd).color);
    ::setenv("NO_COLOR", "", 1);  // set but empty: no-color.org says it counts for nothing
    EXPECT_TRUE(progress_output::of(fd).color);
    ::setenv("TERM", "dumb", 1);
    EXPECT_FALSE(progress_output::of(fd).redraws);
    listener const to;
    EXPECT_FALSE(progress_output::of(to.ends[1]).redraws);
    EXPECT_EQ(progress_output::of(to.ends[1]).columns(), 80U);
    ::close(fd);
    ::close(terminal);
}

}  // namespace
