// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <algorithm>
#include <sys/resource.h>

#include <millrace/io/tcp.hpp>

#include "tcp_harness.hpp"

namespace {

using namespace millrace;
using namespace tcp_test;
using reason = tcp::close_reason;
using clock_type = std::chrono::steady_clock;

template <class Framing = lines>
struct listening {
    env<> world;
    decltype(tcp::listen({}, Framing{}).open_source(world)) source;
    driver<core_engine, decltype(source)> drive;

    explicit listening(io_tier tier, tcp::limit_options limits, Framing framing = {})
        : world(tier),
          source(tcp::listen({.host = "127.0.0.1", .limits = limits}, framing).open_source(world)),
          drive(world.engine, source) {}
    client peer() { return client(source.port()); }
    tcp::counts const& counts() const { return source.counts(); }
    bool until_closed(client& peer) {
        return wait_for([&] { drive.step(); }, [&] { return !peer.read(); });
    }
};

class tcp_limits : public on_every_tier {};
MILLRACE_ON_EVERY_TIER(tcp_limits);

TEST_P(tcp_limits, refuses_connections_above_their_number) {
    listening<> at(GetParam(), {.connections = 2});
    client one = at.peer();
    client two = at.peer();
    ASSERT_TRUE(at.drive.until([&] { return at.counts().accepted == 2; }));
    client three = at.peer();
    ASSERT_TRUE(at.until_closed(three));
    EXPECT_EQ(at.counts().refused_all, 1U);
    one.close();
    ASSERT_TRUE(at.drive.until([&] { return at.counts().closed_by(reason::peer) == 1; }));
    client const four = at.peer();
    four.send("in\n");
    ASSERT_TRUE(at.drive.until_frames(1));
    EXPECT_TRUE(two.read());
}

TEST_P(tcp_limits, refuses_connections_of_one_address_above_their_number) {
    listening<> at(GetParam(), {.per_address = 1});
    client one = at.peer();
    ASSERT_TRUE(at.drive.until([&] { return at.counts().accepted == 1; }));
    client two = at.peer();
    ASSERT_TRUE(at.until_closed(two));
    EXPECT_EQ(at.counts().refused_address, 1U);
    // Another address of this machine is another host.
    int const fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
    sockaddr_in to = from;
    to.sin_port = htons(at.source.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    client const other = client::of(fd);
    other.send("in\n");
    ASSERT_TRUE(at.drive.until_frames(1));
    EXPECT_TRUE(one.read());
}

TEST_P(tcp_limits, accepts_no_faster_than_its_rate) {
    listening<> at(GetParam(), {.accepts_per_second = 100});
    std::vector<client> all;
    auto const begun = clock_type::now();
    for (int i = 0; i < 40; ++i) all.push_back(at.peer());
    ASSERT_TRUE(at.drive.until([&] { return at.counts().accepted == 40; }));
    // Ten at once, and what a cancel comes too late for; none is refused.
    EXPECT_GE(clock_type::now() - begun, std::chrono::milliseconds(150));
    EXPECT_GT(at.counts().accept_pauses, 0U);
    EXPECT_EQ(at.counts().refused_all, 0U);
}

TEST_P(tcp_limits, closes_what_is_idle) {
    listening<> at(GetParam(), {.idle = milliseconds(100), .frame_time = duration{0}});
    client busy = at.peer();
    client idle = at.peer();
    idle.send("hello\n");
    auto const begun = clock_type::now();
    ASSERT_TRUE(wait_for(
        [&] {
            busy.send("tick\n");
            at.drive.step();
        },
        [&] { return !idle.read(); }));
    EXPECT_GE(clock_type::now() - begun, std::chrono::milliseconds(90));
    EXPECT_EQ(at.counts().closed_by(reason::idle), 1U);
    EXPECT_TRUE(busy.read());
}

TEST_P(tcp_limits, closes_a_peer_that_vanished_without_a_word) {
    // Half open: no FIN, no reset, as after a cut cable; only the idle time tells.
    listening<> at(GetParam(), {.idle = milliseconds(60)});
    client const vanished = at.peer();
    vanished.send("half a fra");
    ASSERT_TRUE(at.drive.until([&] { return at.counts().closed_by(reason::idle) == 1; }));
    EXPECT_EQ(at.counts().cut_frames, 1U);
}

TEST_P(tcp_limits, closes_a_frame_that_trickles_in) {
    listening<> at(GetParam(), {.idle = duration{0}, .frame_time = milliseconds(100)});
    client trickling = at.peer();
    client quick = at.peer();
    unsigned step = 0;
    auto const begun = clock_type::now();
    ASSERT_TRUE(wait_for(
        [&] {
            if (++step % 64 == 0) trickling.send("x");
            quick.send("whole\nha");
            quick.send("lf\n");
            at.drive.step();
        },
        [&] { return !trickling.read(); }));
    EXPECT_GE(clock_type::now() - begun, std::chrono::milliseconds(90));
    EXPECT_EQ(at.counts().closed_by(reason::slow_frame), 1U);
    EXPECT_TRUE(quick.read());
}

TEST_P(tcp_limits, does_not_take_its_own_back_pressure_for_idleness) {
    listening<> at(GetParam(), {.idle = milliseconds(50), .frame_time = milliseconds(50)});
    client peer = at.peer();
    peer.send("one\ntwo\nhal");
    ASSERT_TRUE(at.drive.until([&] { return at.counts().bytes_in == 11; }));
    at.drive.frames.clear();
    client other = at.peer();
    other.send("waits\nhal");
    auto const until = clock_type::now() + std::chrono::milliseconds(200);
    at.drive.credit = 0;  // polled, without credit
    ASSERT_TRUE(at.drive.until([&] { return clock_type::now() > until; }));
    EXPECT_EQ(at.counts().closed_by(reason::idle), 1U);  // the first, of which all was read
    EXPECT_EQ(at.counts().closed_by(reason::slow_frame), 0U);
    at.drive.credit = 64;
    ASSERT_TRUE(at.drive.until_frames(1));
    EXPECT_EQ(at.drive.frames, (std::vector<std::string>{"waits"}));
    other.send("f\n");
    ASSERT_TRUE(at.drive.until_frames(2));
    EXPECT_EQ(at.drive.frames.back(), "half");
}

TEST_P(tcp_limits, closes_the_largest_holder_when_all_hold_too_much) {
    listening<length_prefix<4>> at(GetParam(), {.buffered_bytes = 100'000}, {.max_frame = 200'000});
    std::vector<client> small;
    std::string const header("\0\1\0\0", 4);
    for (int i = 0; i < 8; ++i) {
        small.push_back(at.peer());
        small.back().send(header + std::string(1000, 's'));
    }
    client large = at.peer();
    large.send(header + std::string(60'000, 'l'));
    ASSERT_TRUE(at.drive.until([&] { return at.counts().bytes_in == 8 * 1004 + 60'004; }));
    at.drive.settle();
    EXPECT_EQ(at.counts().closed_by(reason::memory), 0U);
    // These hold less each than the large one, but reach the bound together.
    for (client const& one : small) one.send(std::string(8000, 's'));
    ASSERT_TRUE(at.until_closed(large));
    at.drive.settle();
    EXPECT_EQ(at.counts().closed_by(reason::memory), 1U);
    EXPECT_LE(at.source.buffered(), 100'000U);
    for (client& one : small) EXPECT_TRUE(one.read());
}

TEST_P(tcp_limits, waits_for_descriptors_when_there_are_none) {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit low = before;
    low.rlim_cur = 256;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);  // an accept knows the limit from its beginning
    listening<> at(GetParam(), {});
    client first = at.peer();
    first.send("in\n");
    EXPECT_TRUE(at.drive.until_frames(1));
    std::vector<int> taken;
    int const mine = ::socket(AF_INET, SOCK_STREAM, 0);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(at.source.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(mine, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    client const second = client::of(mine);
    second.send("late\n");
    EXPECT_TRUE(at.drive.until([&] { return at.counts().accept_errors != 0; }));
    first.send("still\n");
    EXPECT_TRUE(at.drive.until_frames(2));
    for (int const fd : taken) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_TRUE(at.drive.until_frames(3));
    EXPECT_EQ(at.drive.frames.back(), "late");
}

TEST_P(tcp_limits, wakes_an_idle_core_seldom) {
    std::size_t const many = 100;
    listening<> at(GetParam(), {.idle = milliseconds(800), .frame_time = duration{0}});
    std::vector<client> peers;
    for (std::size_t i = 0; i < many; ++i) peers.push_back(at.peer());
    ASSERT_TRUE(at.drive.until([&] { return at.counts().accepted == many; }));
    std::uint64_t const before = at.world.engine.counts().sleeps;
    ASSERT_TRUE(wait_for(
        [&] {
            at.drive.step();
            if (at.drive.state == source_state::idle)
                at.world.engine.sleep(at.source.next_deadline());
        },
        [&] { return at.counts().closed_by(reason::idle) == many; }));
    EXPECT_LE(at.world.engine.counts().sleeps - before, 64U);
}

TEST_P(tcp_limits, says_when_it_has_to_be_polled) {
    listening<> at(GetParam(), {.idle = seconds(8), .frame_time = duration{0}});
    EXPECT_EQ(at.source.next_deadline(), INT64_MAX);
    client const peer = at.peer();
    ASSERT_TRUE(at.drive.until([&] { return at.counts().accepted == 1; }));
    std::int64_t const left = at.source.next_deadline() - detail::monotonic_ns();
    EXPECT_GT(left, 0);
    EXPECT_LE(left, 1'000'000'000);
}

}  // namespace
