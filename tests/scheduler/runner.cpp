// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;
using strings = std::vector<std::string>;

/// Notes what it is told, and fails where it is told to.
struct noting_sink {
    strings* notes;
    std::string fails_at;
    template <class Env>
    noting_sink open_sink(Env&) {
        return *this;
    }
    void say(std::string note) {
        bool const fails = note == fails_at;
        notes->push_back(std::move(note));
        if (fails) throw failure(exit_code::io, "millrace: sink: " + fails_at + " failed.");
    }
    template <class R>
    void write(R const& r) {
        say(std::to_string(r));
    }
    void batch_end() { say("batch"); }
    void finish() { say("finish"); }
    void close(bool success) { say(success ? "commit" : "take back"); }
};
template <class P>
report run_with(P p, std::size_t batch) {
    return run(std::move(p), {.batch = batch});
}
std::vector<int> const five{1, 2, 3, 4, 5};

TEST(runner, settles_behind_each_batch_and_commits_at_the_end) {
    strings notes;
    auto const r = run_with(from(five) | to(noting_sink{&notes, ""}), 2);
    EXPECT_TRUE(r.ok());
    EXPECT_EQ(notes,
              (strings{"1", "2", "batch", "3", "4", "batch", "5", "batch", "finish", "commit"}));
}
TEST(runner, takes_a_batch_of_each_input_in_turn_and_leaves_ended_ones_alone) {
    int asked = 0;
    strings notes;
    auto none = generate([&]() -> std::optional<int> {
        ++asked;
        return {};
    });
    auto const r = run_with(merge(std::move(none), from(five)) | to(noting_sink{&notes, ""}), 2);
    EXPECT_TRUE(r.ok());
    EXPECT_EQ(asked, 1);
}
TEST(runner, takes_back_what_was_written_when_it_fails) {
    strings notes;
    auto const r = run_with(from(five) | map([](int x) {
                                if (x == 3) throw std::runtime_error("three");
                                return x;
                            }) | to(noting_sink{&notes, ""}),
                            2);
    EXPECT_EQ(r.code, exit_code::data);
    EXPECT_EQ(notes, (strings{"1", "2", "batch", "take back"}));
    EXPECT_TRUE(adds_up(r));
}
TEST(runner, keeps_the_first_cause_and_adds_what_closing_says) {
    strings notes;
    auto const r = run_with(from(five) | map([](int) -> int { throw std::runtime_error("first"); })
                                | to(noting_sink{&notes, "take back"}),
                            2);
    EXPECT_EQ(r.code, exit_code::data);
    EXPECT_EQ(r.message.find("millrace: map: first."), 0U) << r.message;
    EXPECT_NE(r.message.find("take back failed."), std::string::npos);
}
TEST(runner, accounts_for_the_record_that_a_sink_gave_up_at) {
    for (std::string const where : {"3", "batch", "finish", "commit"}) {
        strings notes;
        auto const r =
            run_with(from(five) | map([](int x) { return x; }) | to(noting_sink{&notes, where}), 2);
        EXPECT_EQ(r.code, exit_code::io);
        EXPECT_EQ(r.message, "millrace: sink: " + where + " failed.");
        EXPECT_TRUE(adds_up(r)) << to_text(r);
        EXPECT_EQ(r.dead, where == "3" ? 1U : 0U);
    }
}
TEST(runner, accounts_for_what_crossed_to_the_stage_that_ended_the_run) {
    std::vector<int> numbers;
    for (int i = 0; i < 10'000; ++i) numbers.push_back(i);
    for (int const at : {1, 4'321, 9'999}) {
        auto const r = run(from(numbers) | key_by([](int x) { return x; }) | map([at](int x) {
                               if (x == at) throw std::runtime_error("enough");
                               return x;
                           }) | discard(),
                           {.batch = 100, .oversubscribed = 3});
        EXPECT_EQ(r.code, exit_code::data);
        EXPECT_TRUE(adds_up(r)) << to_text(r);
        ASSERT_EQ(r.stages.size(), 4U);
        EXPECT_EQ(r.stages[2].counts.in, r.stages[1].counts.out) << to_text(r);
        EXPECT_EQ(r.stages[2].counts.dead, 1U);
    }
}
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
TEST(runner, fails_where_there_are_too_few_threads) {
    auto const run_with_little = [] {
        // Each thread wants 8 MiB of addresses for its stack: there is room for some of them.
        std::size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        rlimit const most{(pages + 25'000) * 4096, RLIM_INFINITY};
        if (::setrlimit(RLIMIT_AS, &most) != 0) return 1;
        auto const r = run(
            from(five) | key_by([](int x) { return x; }) | map([](int x) { return x; }) | discard(),
            {.oversubscribed = 64});
        std::fprintf(stderr, "%s\n", r.message.c_str());
        return r.code == exit_code::configuration ? 0 : 2;
    };
    EXPECT_EXIT(std::_Exit(run_with_little()), testing::ExitedWithCode(0),
                "millrace: run: there is no thread for core [0-9]+: .*\\. Run on fewer cores");
}
#endif
TEST(runner, refuses_settings_before_a_sink_is_opened) {
    strings notes;
    auto const r = run_with(from(five) | to(noting_sink{&notes, ""}), 0);
    EXPECT_EQ(r.code, exit_code::configuration);
    EXPECT_TRUE(notes.empty());
    EXPECT_TRUE(r.stages.empty());
}

}  // namespace
