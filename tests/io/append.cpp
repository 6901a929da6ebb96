// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <csignal>
#include <cstdlib>
#include <optional>
#include <sys/mount.h>
#include <sys/resource.h>

#include <millrace/io/append.hpp>

#include "on_tiers.hpp"
#include "scratch.hpp"

namespace {

using namespace millrace;
using namespace millrace_test;

struct append_on : on_tiers {
    scratch directory;
    std::string const log = directory / "log";

    auto open(append_options options = {}) { return append(log, options).open_sink(env); }
    template <class Sink>
    void drain(Sink& sink) {
        ASSERT_TRUE(until([&] {
            sink.batch_end();
            return sink.drained();
        }));
    }
    /// What a crash leaves: the file as it is, without the sink's last word.
    std::string crashed_copy() {
        std::string const content = content_of(log);
        directory.put("crashed", content);
        return directory / "crashed";
    }
    /// What a log that is opened again takes for its content.
    std::string content_again(std::string const& name) {
        append(name, {.preallocate = 0}).open_sink(env).close(true);
        return content_of(name);
    }
};
MILLRACE_ON_TIERS(append_on);

TEST_P(append_on, writes_lines_and_bytes_and_leaves_no_padding) {
    auto sink = open();
    sink.write({"one", true});
    sink.write({"two", false});
    sink.write({"", true});
    EXPECT_FALSE(sink.drained());
    drain(sink);
    EXPECT_EQ(content_of(log).substr(0, 8), "one\ntwo\n");
    EXPECT_GE(content_of(log).size(), std::size_t{4} << 20);
    sink.write({"three", true});
    sink.close(true);
    EXPECT_EQ(content_of(log), "one\ntwo\nthree\n");
    EXPECT_EQ(sink.bytes_written(), 14U);
}

TEST_P(append_on, makes_an_empty_log_of_no_records_and_appends_to_what_is_there) {
    open().close(true);
    EXPECT_EQ(content_of(log), "");
    directory.put("log", "before\n");
    auto sink = open();
    sink.write({"after", true});
    sink.close(true);
    EXPECT_EQ(content_of(log), "before\nafter\n");
}

TEST_P(append_on, writes_what_came_in_a_turn_in_one_group) {
    auto sink = open({.preallocate = 0});
    for (int i = 0; i < 100; ++i) sink.write({"0123456789", true});
    drain(sink);
    EXPECT_EQ(sink.counts().groups, 1U);
    EXPECT_EQ(sink.counts().bytes_written, 1100U);
    sink.batch_end();
    drain(sink);
    EXPECT_EQ(sink.counts().groups, 1U);
}

TEST_P(append_on, collects_a_group_while_one_is_written) {
    auto sink = open();
    sink.write({"first", true});
    sink.batch_end();
    for (int i = 0; i < 50; ++i) {
        sink.write({"more", true});
        sink.batch_end();
    }
    drain(sink);
    EXPECT_LT(sink.counts().groups, 51U);
    sink.close(true);
    EXPECT_EQ(content_of(log).size(), 6U + 250U);
}

TEST_P(append_on, has_room_for_what_it_says) {
    append_options const options{.buffer_bytes = 10'000, .max_record = 100};
    auto sink = open(options);
    std::string const record(99, 'x');
    std::string expected;
    for (int batch = 0; batch < 20; ++batch) {
        std::size_t const room = sink.room();
        ASSERT_GE(room, 50U);
        for (std::size_t i = 0; i < room; ++i) {
            sink.write({record, true});
            expected += record + "\n";
        }
        EXPECT_EQ(sink.room(), 0U);
        sink.batch_end();
        ASSERT_TRUE(until([&] { return sink.room() > 50; }));
    }
    sink.close(true);
    EXPECT_EQ(content_of(log), expected);
}

TEST_P(append_on, waits_for_room_where_nobody_asks_for_it) {
    auto sink = open({.buffer_bytes = 1, .max_record = 3000});
    std::string expected;
    for (int i = 0; i < 40; ++i) {
        std::string const record = noise(2900, static_cast<unsigned>(i));
        sink.write({record, false});
        expected += record;
    }
    sink.close(true);
    EXPECT_TRUE(content_of(log) == expected);
}

TEST_P(append_on, refuses_a_record_that_is_too_long_and_goes_on) {
    auto sink = open({.max_record = 10});
    sink.write({"0123456789", false});
    EXPECT_THROW(sink.write({"0123456789", true}), refused_record);  // its line end counts
    EXPECT_THROW(sink.write({"0123456789a", false}), refused_record);
    EXPECT_THROW(sink.write({std::string(std::size_t{8} << 20, 'x'), false}), refused_record);
    sink.write({"x", true});
    sink.close(true);
    EXPECT_EQ(content_of(log), "0123456789x\n");
}

TEST_P(append_on, keeps_everything_without_sync_too) {
    auto sink = open({.sync = append_sync::at_end});
    EXPECT_FALSE(sink.direct());
    sink.write({"one", true});
    drain(sink);
    sink.close(true);
    EXPECT_EQ(content_of(log), "one\n");
}

TEST_P(append_on, finds_the_end_behind_any_content_after_a_crash) {
    // Contents around a block whose last bytes look like padding, or don't.
    std::string const zero(1, 0);
    std::string const mark = "\x80";
    for (std::size_t const bytes : {1U, 4095U, 4096U, 4097U, 8192U}) {
        for (std::string const& end :
             {std::string("x"), zero, mark, mark + zero, zero + mark, zero + zero + zero}) {
            if (end.size() > bytes) continue;
            for (std::size_t const ahead : {std::size_t{0}, std::size_t{20'000}}) {
                ::unlink(log.c_str());
                std::string const content = std::string(bytes - end.size(), 'a') + end;
                {
                    auto sink = open({.preallocate = ahead});
                    sink.write({content, false});
                    drain(sink);
                    std::string const crashed = crashed_copy();
                    ASSERT_EQ(content_of(crashed).size() % 4096, 0U);
                    std::string again = content_again(crashed);
                    again.resize(std::min(again.size(), bytes));
                    ASSERT_TRUE(again == content) << bytes << ' ' << ahead;
                    sink.close(true);
                }
                {
                    auto sink = open({.preallocate = ahead});
                    sink.write({"next", false});
                    sink.close(true);
                }
                ASSERT_TRUE(content_of(log) == content + "next") << bytes << ' ' << ahead;
            }
        }
    }
}

TEST_P(append_on, cuts_a_torn_line_off_if_told) {
    std::string const whole = "one\ntwo\n";
    std::string torn = whole + "thr";
    torn.resize(8192);
    for (bool const cut : {false, true}) {
        directory.put("log", torn);
        auto sink = open({.cut_torn_line = cut});
        sink.write({"four", true});
        sink.close(true);
        std::string expected = torn.substr(0, 4096) + "four\n";
        if (cut) expected = whole + "four\n";
        EXPECT_TRUE(content_of(log) == expected);
    }
    directory.put("log", whole + "thr");  // closed in good order: not torn
    open({.cut_torn_line = true}).close(true);
    EXPECT_EQ(content_of(log), whole + "thr");
}

TEST_P(append_on, keeps_what_was_safe_when_it_is_killed) {
    char const* const told = std::getenv("MILLRACE_SEED");
    auto const seed = told == nullptr ? 7U : static_cast<unsigned>(std::atoi(told));
    std::mt19937 random(seed);
    io_tier const tier = GetParam();
    std::string before;
    for (int life = 0; life < 8; ++life) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        pid_t const child = ::fork();
        if (child == 0) {
            core_env fresh(tier);
            auto sink = append(log, {.preallocate = 100'000}).open_sink(fresh);
            for (unsigned i = 0;; ++i) {
                std::string record = std::to_string(life) + ":" + std::to_string(i);
                record.append(random() % 3000, '.');
                sink.write({record, true});
                sink.batch_end();
                if (random() % 4 != 0) continue;
                while (!sink.drained())
                    if (!fresh.engine.turn()) fresh.engine.sleep(INT64_MAX);
                std::uint64_t const safe = sink.bytes_written();
                if (::write(ends[1], &safe, sizeof safe) != sizeof safe) ::_exit(1);
            }
        }
        ::close(ends[1]);
        std::uint64_t safe = 0;
        for (auto acknowledged = 1 + random() % 20; acknowledged != 0; --acknowledged)
            ASSERT_EQ(::read(ends[0], &safe, sizeof safe), static_cast<ssize_t>(sizeof safe));
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        for (std::uint64_t more = 0; ::read(ends[0], &more, sizeof more) == sizeof more;)
            safe = more;
        ::close(ends[0]);
        std::string const now = content_again(log);
        ASSERT_GE(now.size(), before.size() + safe) << "MILLRACE_SEED=" << seed;
        ASSERT_TRUE(now.starts_with(before));
        // Whole lines in order, of which the last may be torn: then it is ended here.
        std::string_view rest = std::string_view(now).substr(before.size());
        for (unsigned i = 0; rest.find('\n') != std::string_view::npos; ++i) {
            std::string const begin = std::to_string(life) + ":" + std::to_string(i);
            ASSERT_TRUE(rest.starts_with(begin)) << "MILLRACE_SEED=" << seed << ' ' << begin;
            rest.remove_prefix(rest.find('\n') + 1);
        }
        before = now;
    }
}

TEST_P(append_on, refuses_a_second_sink_and_what_is_no_file) {
    auto sink = open();
    auto error = failure_of([&] { (void)open(); });
    EXPECT_EQ(error.code(), exit_code::cannot_create);
    EXPECT_EQ(error.message(),
              "millrace: append: \"" + log
                  + "\" is written by another sink or process. Give each its own log.");
    error = failure_of([&] { (void)append("/dev/null").open_sink(env); });
    EXPECT_EQ(error.message(),
              "millrace: append: \"/dev/null\" is no regular file. Use file(…) for pipes and "
              "devices.");
    EXPECT_EQ(failure_of([&] { (void)append(directory / "no/log").open_sink(env); }).code(),
              exit_code::cannot_create);
    EXPECT_EQ(failure_of([&] { (void)append(directory.path()).open_sink(env); }).code(),
              exit_code::cannot_create);
}

/// Writes until it fails; gives how much was acknowledged before.
template <class Sink, class Test>
std::uint64_t write_until_it_fails(Sink& sink, Test& test, std::optional<failure>& error) {
    std::uint64_t safe = 0;
    try {
        for (int i = 0; i < 1000; ++i) {
            sink.write({std::string(999, 'x'), true});
            test.until([&] {
                sink.batch_end();
                return sink.drained();
            });
            safe = sink.counts().bytes_written;
        }
    } catch (failure const& caught) {
        error = caught;
    }
    return safe;
}

TEST_P(append_on, fails_in_a_sentence_when_the_disk_is_full) {
    if (::mount("none", directory.path().c_str(), "tmpfs", 0, "size=128k") != 0)
        GTEST_SKIP() << "no right to mount; fails_where_a_file_gets_too_large has the same";
    std::optional<failure> error;
    std::uint64_t safe = 0;
    {
        auto sink = open();
        safe = write_until_it_fails(sink, *this, error);
        EXPECT_EQ(failure_of([&] { sink.write({"x", true}); }).code(), exit_code::software);
        EXPECT_EQ(failure_of([&] { sink.finish(); }).code(), exit_code::io);
        sink.close(false);
    }
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code(), exit_code::io);
    EXPECT_EQ(error->message(), "millrace: file: cannot write \"" + log
                                    + "\": the disk is full. Free some room, or write elsewhere.");
    EXPECT_GT(safe, 50'000U);
    std::string const now = content_of(log);
    EXPECT_GE(now.size(), safe);
    EXPECT_EQ(now.find_first_not_of("x\n"), now.find('\x80'));
    EXPECT_EQ(::umount(directory.path().c_str()), 0);
}

TEST_P(append_on, fails_where_a_file_gets_too_large) {
    io_tier const tier = GetParam();
    EXPECT_EQ(in_child([&] {
                  rlimit const limit{50'000, 50'000};
                  ::setrlimit(RLIMIT_FSIZE, &limit);
                  ::signal(SIGXFSZ, SIG_DFL);
                  core_env fresh(tier);
                  auto sink = append(log).open_sink(fresh);
                  for (int i = 0; i < 1000; ++i) {
                      sink.write({std::string(999, 'x'), true});
                      sink.batch_end();
                      while (!sink.drained()) {
                          fresh.engine.turn();
                          sink.batch_end();
                      }
                  }
                  return 0;
              }),
              static_cast<int>(exit_code::io));
    EXPECT_GT(content_again(log).size(), 40'000U);
}

}  // namespace
