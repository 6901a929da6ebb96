// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdio>
#include <cstdlib>

#include <millrace/io/fault.hpp>
#include <millrace/io/tail.hpp>

#include "on_tiers.hpp"
#include "scratch.hpp"

namespace {

using namespace millrace;
using namespace millrace_test;

void add(std::string const& to, std::string_view text) {
    std::ofstream(to, std::ios::app | std::ios::binary) << text;
}

/// Takes what comes; every chunk but a file's last ends with a line end.
struct collector {
    std::string text;
    unsigned lasts = 0;
    source_state state = source_state::more;

    template <class Source>
    void pull(Source& source) {
        chunk part;
        while ((state = source.next(part)) == source_state::more) {
            text += part.data;
            lasts += part.last;
            if (!part.last && (part.data.empty() || part.data.back() != '\n')) ++torn;
        }
    }
    unsigned torn = 0;
};

constexpr tail_options from_beginning{.start = tail_start::beginning,
                                      .rotation_grace = duration{0}};

struct tail_on : on_tiers {
    scratch directory;
    std::string const log = directory / "log";
    collector got;

    auto open(tail_options const& options = from_beginning) {
        return tail(log, options).open_source(env);
    }
    template <class Source>
    bool reads(Source& source, std::string_view expected) {
        return until([&] {
                   got.pull(source);
                   return got.text.size() >= expected.size();
               })
               && got.text == expected && got.torn == 0;
    }
    template <class Source>
    void settle(Source& source) {
        ASSERT_TRUE(until([&] {
            got.pull(source);
            return source.next_deadline() != INT64_MAX;
        }));
    }
};
MILLRACE_ON_TIERS(tail_on);

TEST_P(tail_on, reads_what_is_there_and_what_is_appended) {
    add(log, "one\ntwo\n");
    auto source = open();
    EXPECT_TRUE(reads(source, "one\ntwo\n"));
    EXPECT_EQ(got.state, source_state::idle);
    for (int i = 0; i < 20; ++i) {
        add(log, "more\n");
        ASSERT_TRUE(reads(source, got.text + "more\n")) << i;
    }
    EXPECT_EQ(got.lasts, 0U);
}

TEST_P(tail_on, is_notified_and_does_not_wait_for_the_clock) {
    add(log, "one\n");
    tail_options options = from_beginning;
    options.check_every = hours(1);
    auto source = open(options);
    ASSERT_TRUE(reads(source, "one\n"));
    settle(source);
    EXPECT_GT(source.next_deadline(), millrace::detail::monotonic_ns() + minutes(30).ns);
    add(log, "two\n");
    EXPECT_TRUE(reads(source, "one\ntwo\n"));
}

TEST_P(tail_on, sleeps_while_nothing_comes) {
    add(log, "one\n");
    auto source = open();
    ASSERT_TRUE(reads(source, "one\n"));
    settle(source);
    while (env.engine.turn()) got.pull(source);
    auto const before = env.engine.counts().completions;
    for (int i = 0; i < 1000; ++i) {
        got.pull(source);
        EXPECT_EQ(got.state, source_state::idle);
        EXPECT_FALSE(env.engine.turn());
    }
    EXPECT_EQ(env.engine.counts().completions, before);
}

TEST_P(tail_on, holds_a_line_until_it_has_ended) {
    add(log, "one\ntw");
    auto source = open();
    ASSERT_TRUE(reads(source, "one\n"));
    settle(source);
    EXPECT_EQ(source.bytes_held(), 2U);
    add(log, "o");
    ASSERT_TRUE(until([&] {
        got.pull(source);
        return source.bytes_held() == 3;
    }));
    EXPECT_EQ(got.text, "one\n");
    add(log, "\nthree");
    EXPECT_TRUE(reads(source, "one\ntwo\n"));
}

TEST_P(tail_on, begins_at_the_end_behind_the_line_that_is_half_there) {
    add(log, std::string(1000, 'x') + "\nold\nhal");
    auto source = open({});
    settle(source);
    add(log, "f\nnew\n");
    EXPECT_TRUE(reads(source, "new\n"));
    EXPECT_EQ(source.counts().bytes_skipped, 2U);
    EXPECT_EQ(source.counts().truncations, 0U);
}

TEST_P(tail_on, follows_a_rename_and_ends_the_old_file) {
    add(log, "one\n");
    auto source = open();
    ASSERT_TRUE(reads(source, "one\n"));
    settle(source);
    ASSERT_EQ(std::rename(log.c_str(), (directory / "log.1").c_str()), 0);
    add(directory / "log.1", "two\nhalf");
    ASSERT_TRUE(reads(source, "one\ntwo\n"));
    EXPECT_EQ(got.lasts, 0U);
    add(log, "three\n");
    got.torn = 0;
    ASSERT_TRUE(reads(source, "one\ntwo\nhalfthree\n"));
    EXPECT_EQ(got.lasts, 1U);
    EXPECT_EQ(source.counts().rotations, 1U);
}

TEST_P(tail_on, reads_a_renamed_file_on_until_its_writer_has_had_time) {
    add(log, "one\n");
    tail_options options = from_beginning;
    options.rotation_grace = milliseconds(300);
    auto source = open(options);
    ASSERT_TRUE(reads(source, "one\n"));
    ASSERT_EQ(std::rename(log.c_str(), (directory / "log.1").c_str()), 0);
    add(log, "new\n");
    settle(source);
    add(directory / "log.1", "late\n");
    ASSERT_TRUE(reads(source, "one\nlate\nnew\n"));
    EXPECT_EQ(got.lasts, 1U);
}

TEST_P(tail_on, begins_anew_when_the_file_is_cut) {
    add(log, "one\ntwo\n");
    auto source = open();
    ASSERT_TRUE(reads(source, "one\ntwo\n"));
    settle(source);
    ASSERT_EQ(::truncate(log.c_str(), 0), 0);
    add(log, "3\n");
    ASSERT_TRUE(reads(source, "one\ntwo\n3\n"));
    EXPECT_EQ(source.counts().truncations, 1U);
    EXPECT_EQ(source.counts().rotations, 0U);
}

TEST_P(tail_on, notices_a_cut_file_that_has_grown_past_its_place) {
    add(log, "one\ntwo\n");
    auto source = open();
    ASSERT_TRUE(reads(source, "one\ntwo\n"));
    settle(source);
    ASSERT_EQ(::truncate(log.c_str(), 0), 0);
    std::string const more = "THE OTHER CONTENT IS LONGER\n";
    add(log, more);
    ASSERT_TRUE(reads(source, "one\ntwo\n" + more));
    EXPECT_EQ(source.counts().truncations, 1U);
}

TEST_P(tail_on, waits_for_a_file_that_is_missing_only_if_told) {
    auto const error = failure_of([&] { (void)open(); });
    EXPECT_EQ(error.code(), exit_code::no_input);
    EXPECT_EQ(error.message(),
              "millrace: file: cannot read \"" + log + "\": no such file. Check the path.");
    tail_options options;
    options.wait_for_file = true;
    auto source = open(options);
    settle(source);
    EXPECT_EQ(got.state, source_state::idle);
    add(log, "one\n");
    EXPECT_TRUE(reads(source, "one\n"));
}

TEST_P(tail_on, waits_for_a_directory_by_the_clock) {
    std::string const deep = directory / "d/log";
    auto source =
        tail(deep, {.wait_for_file = true, .check_every = milliseconds(5)}).open_source(env);
    settle(source);
    ASSERT_EQ(::mkdir((directory / "d").c_str(), 0755), 0);
    add(deep, "one\n");
    EXPECT_TRUE(reads(source, "one\n"));
}

TEST_P(tail_on, cuts_a_line_that_is_longer_than_its_buffer) {
    std::string const line(10'000, 'x');
    add(log, line + "\n");
    tail_options options = from_beginning;
    options.buffer_bytes = 1;
    auto source = open(options);
    ASSERT_TRUE(until([&] {
        got.pull(source);
        return got.text.size() > line.size();
    }));
    EXPECT_EQ(got.text, line + "\n");
    EXPECT_EQ(got.torn, 2U);
}

TEST_P(tail_on, stops_in_order) {
    add(log, "one\ntwo\nhalf");
    auto source = open();
    ASSERT_TRUE(reads(source, "one\ntwo\n"));
    source.stop();
    add(log, " more\n");
    ASSERT_TRUE(until([&] {
        got.pull(source);
        return got.state == source_state::ended;
    }));
    EXPECT_EQ(got.text.substr(0, 8), "one\ntwo\n");
    got.pull(source);
    EXPECT_EQ(got.state, source_state::ended);
    source.report([](std::string_view name, std::uint64_t value) {
        if (name == "rotations") {
            EXPECT_EQ(value, 0U);
        }
    });
}

TEST_P(tail_on, stops_before_it_has_begun) {
    add(log, "one\n");
    auto source = open();
    source.stop();
    got.pull(source);
    EXPECT_EQ(got.state, source_state::ended);
    EXPECT_EQ(got.text, "");
}

TEST_P(tail_on, refuses_what_is_no_file) {
    auto const error = failure_of([&] { (void)tail(directory.path()).open_source(env); });
    EXPECT_EQ(error.code(), exit_code::no_input);
    EXPECT_EQ(error.message(), "millrace: tail: \"" + directory.path()
                                   + "\" is no regular file. Use file(…) for pipes and devices.");
}

unsigned seed_of_run() {
    char const* const told = std::getenv("MILLRACE_SEED");
    return told == nullptr ? 11U : static_cast<unsigned>(std::atoi(told));
}

/// Appends in pieces of any size, renames and cuts at random: the text must be what was written.
template <class Engine, class Pump>
void random_life(Engine& engine, scratch const& directory, unsigned seed, Pump pump) {
    std::mt19937 random(seed);
    std::string const log = directory / ("log" + std::to_string(seed));
    add(log, "");
    tail_options options = from_beginning;
    options.buffer_bytes = 4096 + random() % 10'000;
    basic_tail_source<Engine> source(service_handle<Engine>(engine), log, options);
    collector got;
    std::string expected;
    std::string line;
    std::uint64_t rotations = 0;
    std::uint64_t cuts = 0;
    for (int i = 0; i < 300; ++i) {
        unsigned long const what = random() % 20;
        if (what < 16) {
            std::string text;
            for (unsigned long n = random() % 30; n != 0; --n) {
                text += static_cast<char>('a' + random() % 26);
                if (random() % 8 == 0) text += '\n';
            }
            add(log, text);
            expected += text;
        } else if (what < 18) {
            // What is open is ended by the rotation.
            std::string const old = log + ".1";
            ASSERT_EQ(std::rename(log.c_str(), old.c_str()), 0);
            add(log, "");
            if (random() % 2 == 0) pump(source, got);
            ++rotations;
            ASSERT_TRUE(pump.until([&] {
                pump(source, got);
                return source.counts().rotations == rotations;
            })) << seed;
        } else {
            // Only what was read before the cut is not lost.
            ASSERT_TRUE(pump.until([&] {
                pump(source, got);
                return got.text.size() + source.bytes_held() == expected.size();
            })) << seed;
            if (expected.empty()) continue;
            struct stat now{};
            ASSERT_EQ(::stat(log.c_str(), &now), 0);
            if (now.st_size == 0) continue;
            ASSERT_EQ(::truncate(log.c_str(), 0), 0);
            ++cuts;
            ASSERT_TRUE(pump.until([&] {
                pump(source, got);
                return source.counts().truncations == cuts;
            })) << seed;
        }
        if (random() % 3 == 0) pump(source, got);
    }
    add(log, "\n");
    expected += "\n";
    ASSERT_TRUE(pump.until([&] {
        pump(source, got);
        return got.text.size() >= expected.size();
    })) << "MILLRACE_SEED="
        << seed;
    ASSERT_EQ(got.text, expected) << "MILLRACE_SEED=" << seed;
    ASSERT_EQ(got.torn, 0U);
    ASSERT_EQ(source.counts().rotations, rotations);
}

template <class Engine>
struct pump_of {
    Engine& engine;
    template <class Source>
    void operator()(Source& source, collector& got) {
        engine.turn();
        got.pull(source);
    }
    template <class Done>
    bool until(Done done) {
        std::int64_t const end = millrace::detail::monotonic_ns() + 10'000'000'000;
        while (!done()) {
            if (millrace::detail::monotonic_ns() > end) return false;
            engine.sleep(millrace::detail::monotonic_ns() + 1'000'000);
        }
        return true;
    }
};

TEST_P(tail_on, reads_any_life_of_a_log) {
    for (unsigned seed = seed_of_run(); seed < seed_of_run() + 20; ++seed)
        random_life(env.engine, directory, seed, pump_of<core_engine>{env.engine});
}

TEST_P(tail_on, reads_any_life_of_a_log_through_short_reads_and_interruptions) {
    for (unsigned seed = seed_of_run(); seed < seed_of_run() + 10; ++seed) {
        fault_plan plan;
        plan.at_random({.seed = seed, .refuse = 10, .shorten = 30, .hold = 10});
        using engine = basic_core_engine<fault_plan>;
        engine faulty({.tier = GetParam()}, {}, plan);
        random_life(faulty, directory, seed, pump_of<engine>{faulty});
        ASSERT_GT(faulty.faults().struck(), 10U);
    }
}

TEST_P(tail_on, takes_no_short_read_for_the_end_of_a_renamed_file) {
    add(log, std::string(99, 'x') + "\n");
    using engine = basic_core_engine<fault_plan>;
    engine faulty({.tier = GetParam()}, {}, {});
    basic_tail_source<engine> source(service_handle<engine>(faulty), log, from_beginning);
    pump_of<engine> pump{faulty};
    auto const has = [&](std::size_t bytes) {
        return pump.until([&] {
            pump(source, got);
            return got.text.size() == bytes && source.next_deadline() != INT64_MAX;
        });
    };
    ASSERT_TRUE(has(100));
    // Twice no more than what is read again for comparison.
    auto const next = faulty.faults().submissions(op_verb::read);
    for (std::uint64_t const n : {next, next + 1})
        faulty.faults().add(
            {.what = fault::kind::shorten, .verb = op_verb::read, .value = 64, .from = n});
    add(log, "last\n");
    ASSERT_EQ(std::rename(log.c_str(), (directory / "log.1").c_str()), 0);
    add(log, "new\n");
    ASSERT_TRUE(has(109));
    EXPECT_EQ(got.text.substr(100), "last\nnew\n");
    EXPECT_EQ(faulty.faults().struck(), 2U);
}

TEST_P(tail_on, ends_with_the_name_when_the_device_fails) {
    add(log, "one\n");
    using engine = basic_core_engine<fault_plan>;
    fault_plan plan;
    plan.add({.what = fault::kind::refuse, .verb = op_verb::read, .value = EIO});
    engine faulty({.tier = GetParam()}, {}, plan);
    basic_tail_source<engine> source(service_handle<engine>(faulty), log, from_beginning);
    pump_of<engine> pump{faulty};
    auto const error = failure_of([&] {
        pump.until([&] {
            pump(source, got);
            return false;
        });
    });
    EXPECT_EQ(error.code(), exit_code::io);
    EXPECT_EQ(error.message(), "millrace: file: cannot read \"" + log
                                   + "\": the device reports an error. Check the disk and the "
                                     "kernel's log.");
    EXPECT_EQ(got.text, "");
}

}  // namespace
