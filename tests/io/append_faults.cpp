// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <millrace/io/append.hpp>
#include <millrace/io/fault.hpp>

#include "on_tiers.hpp"
#include "scratch.hpp"

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

}  // namespace
