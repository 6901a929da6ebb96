// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// An input that gives nothing for a while does not hold the others' time back (SEMANTICS 4).

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/inject.hpp>
#include <millrace/scheduler/run.hpp>
#include <millrace/scheduler/wake_handle.hpp>

namespace {
using namespace millrace;

struct tick {
    std::int64_t t = 0;
    int key = 0;
};
MILLRACE_RECORD(tick, t, key);
time_point time_of(tick const& x) { return time_point{x.t}; }

template <class Done>
bool comes_true(Done done) {
    for (int i = 0; i < 2000; ++i) {
        if (done()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
}

class idle_inputs : public testing::TestWithParam<unsigned> {};

TEST_P(idle_inputs, do_not_hold_windows_open) {
    inject<tick> busy;
    inject<tick> silent;
    std::atomic<std::int64_t> rows{0};
    std::atomic<std::int64_t> counted{0};
    auto service =
        start(merge(busy.source() | event_time(time_of), silent.source() | event_time(time_of))
                  | key_by(field<&tick::key>) | window(tumbling{duration{10}}) | count<"n">()
                  | to([&](auto const& row) {
                        ++rows;
                        counted += static_cast<std::int64_t>(get<"n">(row));
                    }),
              {.oversubscribed = GetParam(), .idle_after = milliseconds(50)});
    for (std::int64_t t = 0; t < 100; ++t) ASSERT_TRUE(busy.push({t, static_cast<int>(t % 4)}));
    // Nothing of `silent` yet: the panes up to 90 close once it counts as idle.
    EXPECT_TRUE(comes_true([&] { return counted >= 90; })) << counted;
    // On its return it is judged by what the others have promised: 5 is late, 200 is not.
    ASSERT_TRUE(silent.push({5, 0}));
    ASSERT_TRUE(silent.push({200, 0}));
    busy.close();
    silent.close();
    report const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.late, 1U);
    EXPECT_EQ(counted, 101);
    EXPECT_TRUE(adds_up(r)) << to_text(r);
}

TEST_P(idle_inputs, hold_them_open_as_long_as_they_are_active) {
    inject<tick> busy;
    inject<tick> slow;
    std::atomic<std::int64_t> counted{0};
    auto service = start(
        merge(busy.source() | event_time(time_of), slow.source() | event_time(time_of))
            | key_by(field<&tick::key>) | window(tumbling{duration{10}}) | count<"n">()
            | to([&](auto const& row) { counted += static_cast<std::int64_t>(get<"n">(row)); }),
        {.oversubscribed = GetParam(), .idle_after = hours(1)});
    ASSERT_TRUE(slow.push({1, 0}));
    for (std::int64_t t = 0; t < 100; ++t) ASSERT_TRUE(busy.push({t, 1}));
    ASSERT_TRUE(slow.push({2, 0}));
    slow.close();
    EXPECT_TRUE(comes_true([&] { return counted >= 92; })) << counted;
    busy.close();
    report const r = service.wait();
    EXPECT_EQ(r.late, 0U) << to_text(r);
    EXPECT_EQ(counted, 102);
}

/// One at a time, or for a while none.
struct gate {
    std::atomic<bool>* open;
    std::atomic<std::int64_t>* taken;
    detail::wake_handle* core;
    template <class Env>
    gate open_sink(Env& env) {
        *core = detail::waker_of(env);
        return *this;
    }
    [[nodiscard]] std::size_t room() const { return *open ? 64 : 0; }
    template <class R>
    void write(R const&) {
        ++*taken;
    }
};
TEST(idle_time, does_not_run_while_there_is_no_room) {
    inject<tick> busy;
    inject<tick> silent;
    std::atomic<bool> open{true};
    std::atomic<std::int64_t> records{0};
    std::atomic<std::int64_t> rows{0};
    detail::wake_handle core;
    auto service = start(
        merge(busy.source() | event_time(time_of), silent.source() | event_time(time_of))
            | tee(to(gate{&open, &records, &core})) | key_by(field<&tick::key>)
            | window(tumbling{duration{10}}) | count<"n">() | to([&](auto const&) { ++rows; }),
        {.idle_after = seconds(2)});
    ASSERT_TRUE(silent.push({0, 0}));
    ASSERT_TRUE(busy.push({0, 0}));
    ASSERT_TRUE(comes_true([&] { return records == 2; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // `silent` is found empty
    open = false;
    ASSERT_TRUE(busy.push({100, 0}));  // which finds no room
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    EXPECT_EQ(rows, 0) << "back-pressure is no idleness";
    auto const opened = std::chrono::steady_clock::now();
    open = true;
    core.wake();
    EXPECT_TRUE(comes_true([&] { return rows > 0; }));
    EXPECT_GE(std::chrono::steady_clock::now() - opened, std::chrono::milliseconds(500));
    service.stop();
    EXPECT_TRUE(service.wait().ok());
}

INSTANTIATE_TEST_SUITE_P(threads, idle_inputs, testing::Values(0U, 2U, 3U));

}  // namespace
