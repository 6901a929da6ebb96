// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <set>

#include "engine_harness.hpp"
#include "scratch.hpp"

namespace {

using namespace millrace_test;

class pools : public every_tier {};
MILLRACE_ON_EVERY_TIER(pools);

/// A receiver that keeps its buffers, and parks when there are none.
struct keeper {
    core_engine& engine;
    probe in;
    std::vector<std::uint32_t> kept;
    unsigned parked = 0;

    keeper(core_engine& with, int fd, buffer_pool& from)
        : engine(with), in({.fd = fd, .verb = op_verb::receive, .multishot = true, .pool = &from}) {
        in.recycles = false;
        in.then = [this](completion const& got) {
            if (got.buffer != no_buffer) kept.push_back(got.buffer);
            if (got.result != -ENOBUFS) return;
            EXPECT_FALSE(got.more);
            ++parked;
            engine.park(in);
        };
        engine.submit(in);
    }
    void give_back(std::size_t count) {
        for (; count > 0 && !kept.empty(); --count) {
            in.pool->recycle(kept.front());
            kept.erase(kept.begin());
        }
    }
};

TEST_P(pools, hold_the_sender_back_and_lose_nothing) {
    auto const [a, b] = tcp_pair();
    buffer_pool& small = engine().make_pool({.buffers = 8, .bytes = 1000});
    keeper slow(engine(), b.fd, small);
    std::string const content = noise(400'000);
    probe writer({.fd = a.fd, .verb = op_verb::send});
    std::size_t sent = 0;
    auto const send = [&] {
        writer.data = const_cast<char*>(content.data()) + sent;
        writer.bytes = static_cast<std::uint32_t>(content.size() - sent);
        if (writer.bytes > 0) engine().submit(writer);
    };
    writer.then = [&](completion const& got) {
        ASSERT_GT(got.result, 0);
        sent += static_cast<std::size_t>(got.result);
        send();
    };
    send();
    while (slow.in.bytes_got.size() < content.size()) {
        std::size_t const before = slow.in.bytes_got.size();
        unsigned const parked = slow.parked;
        ASSERT_TRUE(until(engine(), [&] {
            return slow.parked > parked || slow.in.bytes_got.size() >= content.size();
        })) << before;
        if (slow.parked == parked) break;
        std::uint64_t const asked = engine().counts().starved;
        for (int i = 0; i < 20; ++i) engine().turn();
        EXPECT_EQ(engine().counts().starved, asked);  // not asked again while there is none
        slow.give_back(1);
        for (int i = 0; i < 5; ++i) engine().turn();
        EXPECT_LE(small.free(), 1U);  // nor when there is less than a quarter
        slow.give_back(7);
    }
    EXPECT_TRUE(slow.in.bytes_got == content);
    EXPECT_GT(slow.parked, 10U);
    EXPECT_EQ(engine().counts().starved, slow.parked);
    engine().cancel(slow.in);
    ASSERT_TRUE(until(engine(), [&] { return slow.in.over(); }));
    slow.give_back(8);
    EXPECT_EQ(small.free(), small.capacity());
}

TEST_P(pools, let_go_of_what_is_parked_when_cancelled) {
    auto const [a, b] = socket_pair();
    buffer_pool& one = engine().make_pool({.buffers = 1, .bytes = 4});
    keeper slow(engine(), b.fd, one);
    ASSERT_EQ(::send(a.fd, "12345678", 8, 0), 8);
    ASSERT_TRUE(until(engine(), [&] { return slow.parked == 1; }));
    EXPECT_TRUE(slow.in.pending);
    engine().cancel(slow.in);
    ASSERT_TRUE(until(engine(), [&] { return slow.in.over(); }));
    EXPECT_EQ(slow.in.last(), -ECANCELED);
    EXPECT_EQ(slow.in.bytes_got, "1234");
    EXPECT_EQ(engine().pending(), 0U);
}

TEST_P(pools, are_asked_again_from_sleep_too) {
    auto const [a, b] = socket_pair();
    buffer_pool& one = engine().make_pool({.buffers = 1, .bytes = 4});
    keeper slow(engine(), b.fd, one);
    ASSERT_EQ(::send(a.fd, "12345678", 8, 0), 8);
    ASSERT_TRUE(until(engine(), [&] { return slow.parked == 1; }));
    slow.give_back(1);
    engine().sleep(INT64_MAX);  // would not end if it slept on
    ASSERT_TRUE(until(engine(), [&] { return slow.in.bytes_got == "12345678"; }));
    engine().cancel(slow.in);
    ASSERT_TRUE(until(engine(), [&] { return slow.in.over(); }));
}

TEST_P(pools, keep_classes_of_connections_apart) {
    auto const [a, b] = socket_pair();
    auto const [c, d] = socket_pair();
    keeper greedy(engine(), b.fd, engine().make_pool({.buffers = 2, .bytes = 4}));
    keeper modest(engine(), d.fd, engine().make_pool({.buffers = 2, .bytes = 4}));
    ASSERT_EQ(::send(a.fd, "aaaabbbbcccc", 12, 0), 12);
    ASSERT_TRUE(until(engine(), [&] { return greedy.parked == 1; }));
    ASSERT_EQ(::send(c.fd, "dddd", 4, 0), 4);
    ASSERT_TRUE(until(engine(), [&] { return modest.in.bytes_got == "dddd"; }));
    engine().cancel(greedy.in);
    engine().cancel(modest.in);
    ASSERT_TRUE(until(engine(), [&] { return engine().pending() == 0; }));
}

TEST_P(pools, let_as_few_buffers_go_round_as_their_limit_says) {
    auto const [a, b] = socket_pair();
    buffer_pool& pool = engine().make_pool({.buffers = 16, .bytes = 4});
    pool.limit(2);
    keeper reader(engine(), b.fd, pool);
    std::set<std::uint32_t> late;
    for (std::size_t i = 1; i <= 100; ++i) {
        ASSERT_EQ(::send(a.fd, "abcd", 4, 0), 4);
        ASSERT_TRUE(until(engine(), [&] { return reader.in.bytes_got.size() == 4 * i; }));
        if (i > 32) late.insert(reader.kept.front());  // all sixteen had been offered before
        reader.give_back(1);
    }
    EXPECT_EQ(late.size(), 2U);
    EXPECT_EQ(pool.offered(), 2U);
    EXPECT_EQ(pool.free(), 16U);
    std::uint64_t const starved = engine().counts().starved;
    ASSERT_EQ(::send(a.fd, "aaaabbbbcccc", 12, 0), 12);
    ASSERT_TRUE(until(engine(), [&] { return engine().counts().starved > starved; }));
    EXPECT_EQ(reader.kept.size(), 2U);
    pool.limit(16);
    EXPECT_EQ(pool.offered(), 14U);
    ASSERT_TRUE(until(engine(), [&] { return reader.kept.size() == 3; }));
    reader.give_back(3);
    EXPECT_EQ(pool.offered(), 16U);
    engine().cancel(reader.in);
    ASSERT_TRUE(until(engine(), [&] { return reader.in.over(); }));
}

TEST_P(pools, have_a_shape_that_is_checked) {
    for (pool_options const bad :
         {pool_options{3, 64}, pool_options{0, 64}, pool_options{4, 0}, pool_options{65'536, 1}}) {
        failure const refused = failure_of([&] { (void)engine().make_pool(bad); });
        EXPECT_EQ(refused.code(), exit_code::configuration);
        EXPECT_NE(refused.message().find("power of two"), std::string_view::npos);
    }
    EXPECT_EQ(&engine().pool(), &engine().pool());
    EXPECT_EQ(engine().pool().capacity(), 64U);
    EXPECT_EQ(engine().pool().buffer_bytes(), 65'536U);
}

}  // namespace
