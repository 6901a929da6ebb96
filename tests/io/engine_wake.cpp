// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <atomic>
#include <thread>

#include "engine_harness.hpp"

namespace {

using namespace millrace_test;
using millrace::detail::monotonic_ns;

constexpr std::int64_t a_while = 30'000'000'000;

class waking : public every_tier {};
MILLRACE_ON_EVERY_TIER(waking);

TEST_P(waking, before_a_sleep_ends_the_next_one) {
    engine().wake();
    engine().wake();
    for (int i = 0; i < 10; ++i) engine().turn();  // does not use it up
    std::int64_t const before = monotonic_ns();
    engine().sleep(before + a_while);
    EXPECT_LT(monotonic_ns() - before, a_while / 2);
    EXPECT_EQ(engine().counts().wakes, 1U);
}

TEST_P(waking, a_sleep_ends_at_its_deadline_and_not_before) {
    for (int i = 0; i < 10; ++i) engine().turn();
    for (std::int64_t const length : {0LL, 50'000LL, 3'000'000LL}) {
        std::int64_t const end = monotonic_ns() + length;
        while (monotonic_ns() < end) {
            std::uint64_t const slept = engine().counts().sleeps;
            engine().sleep(end);
            if (engine().counts().sleeps == slept) engine().turn();
        }
    }
    std::int64_t const before = monotonic_ns();
    engine().sleep(before - 1);
    EXPECT_LT(monotonic_ns() - before, a_while / 2);
    EXPECT_LT(engine().counts().sleeps, 20U);  // it slept, and did not spin
}

TEST_P(waking, by_what_completes) {
    auto const [a, b] = socket_pair();
    probe reading(
        {.fd = b.fd, .verb = op_verb::receive, .multishot = true, .pool = &engine().pool()});
    engine().submit(reading);
    std::thread sender([&, fd = a.fd] {
        for (int i = 0; i < 200; ++i) {
            EXPECT_EQ(::send(fd, "x", 1, 0), 1);
            std::this_thread::yield();
        }
    });
    std::int64_t const end = monotonic_ns() + a_while;
    while (reading.bytes_got.size() < 200 && monotonic_ns() < end) {
        engine().sleep(end);
        engine().turn();
    }
    sender.join();
    EXPECT_EQ(reading.bytes_got.size(), 200U);
    engine().cancel(reading);
    ASSERT_TRUE(until(engine(), [&] { return reading.over(); }));
}

/// Two threads take turns, each asleep until the other has written and woken it: a lost wake would
/// stop them.
void ping_pong(core_service& here, std::function<core_service*()> const& make_other,
               std::uint64_t rounds) {
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> answered{0};
    std::atomic<core_service*> other{nullptr};
    std::atomic<bool> gone{false};
    std::int64_t const end = monotonic_ns() + 4 * a_while;
    auto const wait_for = [&](core_service* me, std::atomic<std::uint64_t>& what,
                              std::uint64_t value) {
        while (what.load() < value && monotonic_ns() < end) {
            if (me == nullptr) {
                std::this_thread::yield();
                continue;
            }
            me->turn();
            if (what.load() < value) me->sleep(end);
        }
    };
    std::thread answering([&] {
        core_service* const own = make_other();
        other = own;
        for (std::uint64_t i = 1; i <= rounds; ++i) {
            wait_for(own, sent, i);
            answered = i;
            here.wake();
        }
        while (!gone.load()) std::this_thread::yield();
        delete own;
    });
    bool const sleeper = make_other != nullptr;
    while (sleeper && other.load() == nullptr && monotonic_ns() < end) std::this_thread::yield();
    for (std::uint64_t i = 1; i <= rounds; ++i) {
        sent = i;
        if (core_service* const to = other.load()) to->wake();
        wait_for(&here, answered, i);
    }
    EXPECT_EQ(answered.load(), rounds);
    EXPECT_LT(monotonic_ns(), end);
    gone = true;
    answering.join();
}

TEST_P(waking, is_never_lost_between_two_cores) {
    ping_pong(engine(), [&]() -> core_service* { return engine_of(GetParam()).release(); }, 10'000);
    EXPECT_GT(engine().counts().sleeps, 0U);
}

TEST_P(waking, is_never_lost_from_a_thread_without_an_engine) {
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> seen{0};
    constexpr std::uint64_t rounds = 10'000;
    std::thread waker([&] {
        for (std::uint64_t i = 1; i <= rounds; ++i) {
            sent = i;
            engine().wake();
            while (seen.load() < i) std::this_thread::yield();
        }
    });
    std::int64_t const end = monotonic_ns() + 4 * a_while;
    for (std::uint64_t i = 1; i <= rounds; ++i) {
        while (sent.load() < i && monotonic_ns() < end) {
            engine().turn();
            if (sent.load() < i) engine().sleep(end);
        }
        seen = i;
    }
    seen = rounds;
    waker.join();
    EXPECT_LT(monotonic_ns(), end);
}

TEST_P(waking, costs_nothing_where_nobody_sleeps) {
    for (int i = 0; i < 5; ++i) engine().turn();
    std::uint64_t const before = engine().counts().enters;
    for (int i = 0; i < 1000; ++i) engine().wake();
    if (GetParam() == io_tier::epoll) return;
    EXPECT_FALSE(engine().turn());
    EXPECT_EQ(engine().counts().enters, before);
}

TEST_P(waking, an_idle_turn_of_a_ring_does_not_enter_the_kernel) {
    auto const [a, b] = socket_pair();
    probe reading(
        {.fd = b.fd, .verb = op_verb::receive, .multishot = true, .pool = &engine().pool()});
    engine().submit(reading);
    for (int i = 0; i < 10; ++i) engine().turn();
    std::uint64_t const before = engine().counts().enters;
    for (int i = 0; i < 1000; ++i) EXPECT_FALSE(engine().turn());
    if (GetParam() != io_tier::epoll) {
        EXPECT_EQ(engine().counts().enters, before);
    }
    engine().cancel(reading);
    ASSERT_TRUE(until(engine(), [&] { return reading.over(); }));
}

}  // namespace
