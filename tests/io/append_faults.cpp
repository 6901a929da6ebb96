// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <sys/syscall.h>
#include <unistd.h>

#include <millrace/io/append.hpp>
#include <millrace/io/fault.hpp>

#include "on_tiers.hpp"
#include "scratch.hpp"

namespace {

int syncs = 0;
bool sync_fails = false;

}  // namespace

/// In place of the C library's: counts, and fails where told.
extern "C" int fdatasync(int fd) {
    ++syncs;
    if (!sync_fails) return static_cast<int>(::syscall(SYS_fdatasync, fd));
    errno = EIO;
    return -1;
}

namespace {

using namespace millrace;
using namespace millrace_test;

struct append_with_faults : testing::TestWithParam<io_tier> {
    using engine = basic_core_engine<fault_plan>;
    scratch directory;
    std::string const log = directory / "log";

    static basic_append_sink<engine> open(engine& on, std::string const& name,
                                          append_options const& options = {}) {
        return {service_handle<engine>(on), name, options};
    }
};
MILLRACE_ON_TIERS(append_with_faults);

TEST_P(append_with_faults, never_writes_again_after_the_disk_has_failed) {
    fault_plan plan;
    plan.add({.what = fault::kind::rewrite, .verb = op_verb::write, .value = -EIO, .from = 1});
    engine on({.tier = GetParam()}, {}, plan);
    auto sink = open(on, log, {.preallocate = 0});
    sink.write({"safe", true});
    sink.batch_end();
    while (!sink.drained()) on.turn();
    sink.write({"lost", true});
    auto const error = failure_of([&] {
        for (;;) {
            sink.batch_end();
            on.turn();
        }
    });
    EXPECT_EQ(error.code(), exit_code::io);
    EXPECT_EQ(error.message(), "millrace: file: cannot write \"" + log
                                   + "\": the device reports an error. Check the disk and the "
                                     "kernel's log.");
    EXPECT_EQ(sink.counts().bytes_written, 5U);
    EXPECT_EQ(sink.counts().bytes_waiting, 5U);
    EXPECT_FALSE(sink.drained());
    EXPECT_THROW(sink.batch_end(), failure);
    EXPECT_THROW(sink.finish(), failure);
    sink.close(false);
    EXPECT_EQ(on.faults().submissions(op_verb::write), 2U);
    EXPECT_EQ(on.faults().submissions(op_verb::sync), 0U);
}

TEST_P(append_with_faults, goes_on_behind_short_writes_and_interruptions) {
    std::uint64_t struck = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        fault_plan plan;
        plan.at_random({.seed = seed, .refuse = 20, .shorten = 40, .hold = 20});
        engine on({.tier = GetParam()}, {}, plan);
        ::unlink(log.c_str());
        auto sink =
            open(on, log, {.buffer_bytes = 30'000, .max_record = 5000, .preallocate = 50'000});
        std::string expected;
        std::mt19937 random(static_cast<unsigned>(seed));
        for (int i = 0; i < 60; ++i) {
            std::string const record = noise(random() % 5000, static_cast<unsigned>(i));
            sink.write({record, false});
            expected += record;
            sink.batch_end();
            on.turn();
        }
        sink.close(true);
        ASSERT_TRUE(content_of(log) == expected) << seed;
        struck += on.faults().struck();
    }
    EXPECT_GT(struck, 50U);
}

TEST_P(append_with_faults, does_without_what_the_file_system_refuses) {
    fault_plan plan;
    plan.add({.what = fault::kind::refuse, .verb = op_verb::write, .value = EINVAL});
    engine on({.tier = GetParam()}, {}, plan);
    auto sink = open(on, log, {.preallocate = 0});
    bool const direct = sink.direct();
    sink.write({"one", true});
    if (!direct) {
        EXPECT_EQ(failure_of([&] { sink.finish(); }).code(), exit_code::io);
        return;
    }
    sink.close(true);
    EXPECT_FALSE(sink.direct());
    EXPECT_EQ(content_of(log), "one\n");
}

/// A log whose second write makes room ahead, and ends with `error`.
struct room_refused {
    basic_core_engine<fault_plan> on;
    basic_append_sink<basic_core_engine<fault_plan>> sink;

    room_refused(io_tier tier, std::string const& log, int error)
        : on({.tier = tier}, {},
             fault_plan().add({.what = fault::kind::rewrite,
                               .verb = op_verb::write,
                               .value = -error,
                               .from = 1})),
          sink(append_with_faults::open(on, log, {.max_record = 128 * 1024, .preallocate = 8192})) {
        sink.write({std::string(100'000, 'x'), false});
        sink.batch_end();
        for (int i = 0; on.faults().struck() == 0 && i < 10'000'000; ++i) on.turn();
        EXPECT_EQ(on.faults().struck(), 1U);
        EXPECT_EQ(sink.counts().bytes_written, 100'000U);
    }
};

/// Making room syncs, too: what is written behind a failed sync would only seem to be safe.
TEST_P(append_with_faults, ends_where_the_disk_fails_while_room_is_made) {
    room_refused at(GetParam(), log, EIO);
    at.sink.write({"more", true});
    EXPECT_EQ(failure_of([&] { at.sink.batch_end(); }).code(), exit_code::io);
    EXPECT_THROW(at.sink.finish(), failure);
    at.sink.close(false);
    EXPECT_EQ(at.on.faults().submissions(op_verb::write), 2U);
    EXPECT_EQ(at.sink.counts().bytes_waiting, 5U);
}

TEST_P(append_with_faults, goes_on_without_room_ahead_where_there_is_none) {
    for (int const error : {ENOSPC, EDQUOT, EFBIG}) {
        ::unlink(log.c_str());
        room_refused at(GetParam(), log, error);
        at.sink.write({"more", true});
        at.sink.close(true);
        EXPECT_EQ(content_of(log), std::string(100'000, 'x') + "more\n");
    }
}

TEST_P(append_with_faults, never_syncs_again_where_the_last_sync_has_failed) {
    engine on({.tier = GetParam()}, {}, {});
    auto sink = open(on, log, {.sync = append_sync::at_end, .preallocate = 0});
    sink.write({"one", true});
    syncs = 0;
    sync_fails = true;
    EXPECT_EQ(failure_of([&] { sink.close(true); }).code(), exit_code::io);
    EXPECT_THROW(sink.finish(), failure);
    sink.close(false);
    sync_fails = false;
    EXPECT_EQ(syncs, 1);
}

}  // namespace
