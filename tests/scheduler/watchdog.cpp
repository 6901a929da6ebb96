// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/inject.hpp>
#include <millrace/scheduler/run.hpp>
#include <millrace/scheduler/watchdog.hpp>

namespace {
using namespace millrace;
using detail::stall_judge;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr std::int64_t ms = 1'000'000;

// --- the judgement, by given times ---

TEST(stall_judge, lets_a_core_be_that_turns_or_rests) {
    stall_judge judge;
    std::int64_t now = ms;
    for (std::uint64_t turn = 0; turn < 100; ++turn, now += 90 * ms)
        EXPECT_FALSE(judge.look(turn, false, now, 100 * ms).begins);
    for (int i = 0; i < 100; ++i, now += 90 * ms)
        EXPECT_FALSE(judge.look(99, true, now, 100 * ms).begins);
    EXPECT_FALSE(judge.look(99, false, now, 100 * ms).begins);  // awake only since the last look
}
TEST(stall_judge, counts_a_stall_once_and_speaks_each_second) {
    stall_judge judge;
    unsigned begun = 0;
    std::vector<std::int64_t> spoken;
    for (std::int64_t now = 10 * ms; now <= 3'500 * ms; now += 50 * ms) {
        auto const v = judge.look(7, false, now, 100 * ms);
        begun += v.begins ? 1 : 0;
        if (v.speaks) spoken.push_back(v.for_ns / ms);
    }
    EXPECT_EQ(begun, 1U);
    EXPECT_EQ(spoken, (std::vector<std::int64_t>{100, 1100, 2100, 3100}));
}
TEST(stall_judge, counts_each_stall_but_keeps_to_one_line_a_second) {
    stall_judge judge;
    unsigned begun = 0;
    unsigned spoken = 0;
    std::uint64_t turn = 0;
    // Each 250 ms it turns once, for 1.5 s.
    for (std::int64_t now = 10 * ms; now < 1'510 * ms; now += 50 * ms) {
        if ((now / ms - 10) % 250 == 0) ++turn;
        auto const v = judge.look(turn, false, now, 100 * ms);
        begun += v.begins ? 1 : 0;
        spoken += v.speaks ? 1 : 0;
    }
    EXPECT_EQ(begun, 6U);
    EXPECT_EQ(spoken, 2U);
}

// --- in a run ---

std::mutex said_mutex;
std::vector<std::string> said;
std::atomic<unsigned> said_count{0};
void keep(std::string_view sentence) {
    std::lock_guard const lock(said_mutex);
    said.emplace_back(sentence);
    ++said_count;
}
std::vector<std::string> taken() {
    std::lock_guard const lock(said_mutex);
    said_count = 0;
    return std::exchange(said, {});
}
/// Blocks until the watchdog has spoken, or a minute is over.
void block_until_noticed() {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (said_count.load() == 0 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(watchdog, says_which_core_partition_and_loop_stand_still) {
    (void)taken();
    std::vector<int> const rows{1, 2, 3};
    auto service = start(from(rows) | map([](int x) {
                             if (x == 2) block_until_noticed();
                             return x;
                         }) | discard(),
                         {.on_stall = keep});
    auto const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_GE(r.stalls, 1U);
    auto const lines = taken();
    ASSERT_GE(lines.size(), 1U);
    EXPECT_THAT(lines[0], MatchesRegex("millrace: watchdog: core 0 has not turned for [0-9]+ ms in "
                                       "partition 0, in the loop that begins with from \\(stage 0"
                                       "\\)\\. Look for what blocks .*"));
    EXPECT_THAT(to_text(r), HasSubstr("stood  still "));
}
TEST(watchdog, names_the_stage_behind_the_cut_that_blocks) {
    (void)taken();
    std::vector<int> rows;
    for (int i = 0; i < 1000; ++i) rows.push_back(i);
    std::atomic<bool> blocked{false};
    auto const r = run(from(rows) | key_by([](int x) { return x; }) | map<"slow">([&](int x) {
                           if (!blocked.exchange(true)) block_until_noticed();
                           return x;
                       }) | discard(),
                       {.oversubscribed = 2, .on_stall = keep});
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_GE(r.stalls, 1U);
    auto const lines = taken();
    ASSERT_GE(lines.size(), 1U);
    EXPECT_THAT(lines[0], HasSubstr("in partition "));
    EXPECT_THAT(lines[0], HasSubstr("in the loop that begins with "));
}
TEST(watchdog, lets_sleeping_cores_lie) {
    (void)taken();
    inject<int> numbers;
    auto service = start(numbers.source() | key_by([](int x) { return x; }) | discard(),
                         {.oversubscribed = 2, .watchdog = milliseconds(5), .on_stall = keep});
    // Time enough for the watchdog to be wrong a hundred times; nothing is decided by it.
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    service.stop();
    auto const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    // A core may be late to wake on a busy machine, but not again and again.
    EXPECT_LE(r.stalls, 3U);
}
TEST(watchdog, is_off_at_zero_and_for_a_run_on_the_calling_thread) {
    (void)taken();
    std::vector<int> const rows{1};
    auto const pause = [](int x) {
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
        return x;
    };
    auto const r = run(from(rows) | map(pause) | discard(), {.on_stall = keep});
    EXPECT_EQ(r.stalls, 0U);
    auto off =
        start(from(rows) | map(pause) | discard(), {.watchdog = milliseconds(0), .on_stall = keep});
    EXPECT_EQ(off.wait().stalls, 0U);
    EXPECT_TRUE(taken().empty());
}

}  // namespace
