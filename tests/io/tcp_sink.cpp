// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/un.h>

#include <millrace/io/tcp.hpp>

#include "scratch.hpp"
#include "tcp_harness.hpp"
#include "tcp_server.hpp"

namespace {

using namespace millrace;
using namespace tcp_test;
using millrace_test::scratch;
using reason = tcp::close_reason;

tcp::retry_options quickly() { return {.first = milliseconds(2), .longest = milliseconds(10)}; }
bytes record(std::string_view text) { return {text, true}; }

class tcp_sink : public on_every_tier {};
MILLRACE_ON_EVERY_TIER(tcp_sink);

TEST_P(tcp_sink, sends_records_to_the_peer_it_connects_to) {
    server at;
    env<> world(GetParam());
    auto sink = tcp::connect({.host = "127.0.0.1", .port = at.port}).open_sink(world);
    sink.write(record("one"));
    sink.write(record("two"));
    sink.batch_end();
    client peer;
    ASSERT_TRUE(until_accepted(world, at, peer));
    sink.write(record("three"));
    sink.batch_end();
    ASSERT_TRUE(wait_for([&] { world.engine.turn(); },
                         [&] { return peer.read() && peer.got == "one\ntwo\nthree\n"; }));
    ASSERT_TRUE(wait_for([&] { world.engine.turn(); }, [&] { return sink.drained(); }));
    EXPECT_EQ(sink.bytes_written(), 14U);
    sink.close(true);
    EXPECT_FALSE(peer.read());
}

TEST_P(tcp_sink, waits_for_a_peer_that_is_not_there_yet) {
    std::uint16_t port = 0;
    {
        server const gone;
        port = gone.port;
    }
    env<> world(GetParam());
    auto sink =
        tcp::connect(
            {.host = "127.0.0.1",
             .port = port,
             .retry = {.first = milliseconds(2), .longest = milliseconds(10), .attempts = 0}})
            .open_sink(world);
    sink.write(record("early"));
    sink.batch_end();
    ASSERT_TRUE(
        wait_for([&] { world.engine.turn(); }, [&] { return sink.counts().failed_connects >= 3; }));
    server at(port);
    ASSERT_TRUE(at.ok);
    client peer;
    ASSERT_TRUE(until_accepted(world, at, peer));
    ASSERT_TRUE(wait_for([&] { world.engine.turn(); },
                         [&] { return peer.read() && peer.got == "early\n"; }));
}

TEST_P(tcp_sink, says_that_a_connection_is_refused_and_what_to_do) {
    std::uint16_t port = 0;
    {
        server const gone;
        port = gone.port;
    }
    env<> world(GetParam());
    auto sink =
        tcp::connect(
            {.host = "127.0.0.1", .port = port, .retry = {.first = milliseconds(1), .attempts = 3}})
            .open_sink(world);
    auto const why = failure_of([&] {
        static_cast<void>(
            wait_for([&] { world.engine.turn(); }, [&] { return sink.drained() && false; }));
    });
    EXPECT_EQ(why.code(), exit_code::io);
    EXPECT_THAT(std::string(why.message()), testing::HasSubstr("the connection is refused. Start"));
    EXPECT_EQ(sink.counts().failed_connects, 3U);
}

TEST_P(tcp_sink, stops_the_pipeline_when_its_peer_does_not_read_and_goes_on_after) {
    server at(0, 4096);
    env<> world(GetParam());
    auto sink = tcp::connect({.host = "127.0.0.1", .port = at.port, .unsent_bytes = 64 * 1024})
                    .open_sink(world);
    client peer;
    ASSERT_TRUE(until_accepted(world, at, peer));
    std::string const text(999, 'x');
    std::size_t written = 0;
    std::size_t still = 0;
    ASSERT_TRUE(wait_for(
        [&] {
            std::size_t const room = sink.room();
            for (std::size_t i = 0; i < std::min<std::size_t>(room, 16); ++i, ++written)
                sink.write(record(text));
            sink.batch_end();
            still = room == 0 ? still + 1 : 0;
            world.engine.turn();
        },
        [&] { return still > 3000; }));
    EXPECT_GT(written, 64U);
    ASSERT_TRUE(wait_for(
        [&] {
            world.engine.turn();
            peer.read();
        },
        [&] { return peer.got.size() == written * 1000; }));
    EXPECT_TRUE(sink.drained());
    EXPECT_GT(sink.room(), 16U);
}

TEST_P(tcp_sink, goes_on_over_a_new_connection_and_counts_the_record_that_broke) {
    server at(0, 4096);
    env<> world(GetParam());
    auto sink = tcp::connect({.host = "127.0.0.1",
                              .port = at.port,
                              .retry = quickly(),
                              .unsent_bytes = std::size_t{8} << 20})
                    .open_sink(world);
    client first;
    ASSERT_TRUE(until_accepted(world, at, first));
    // More than the kernel takes, so that one record is half handed over.
    std::size_t const records = 6'000;
    auto const text = [](std::size_t i) {
        std::string out = std::to_string(i);
        return out + std::string(1000 - out.size(), '.');
    };
    for (std::size_t i = 0; i < records; ++i) sink.write(record(text(i)));
    sink.batch_end();
    std::uint64_t sent = 0;
    for (int still = 0; still < 2000; ++still) {
        world.engine.turn();
        if (sink.counts().bytes_out != sent) still = 0;
        sent = sink.counts().bytes_out;
    }
    ASSERT_LT(sent, records * 1001);
    first.reset();
    client second;
    ASSERT_TRUE(until_accepted(world, at, second));
    EXPECT_EQ(sink.counts().closed_by(reason::reset) + sink.counts().closed_by(reason::peer), 1U);
    ASSERT_TRUE(wait_for(
        [&] {
            world.engine.turn();
            second.read();
        },
        [&] { return second.got.ends_with(text(records - 1) + "\n"); }));
    // It begins with a whole record, and none is missing from there on.
    std::size_t const begin = std::stoul(second.got);
    EXPECT_EQ(second.got.size(), (records - begin) * 1001);
    EXPECT_EQ(second.got.substr(0, 1000), text(begin));
    bool const broke = sink.counts().lost == 1;
    EXPECT_EQ(sink.counts().bytes_out,
              begin * 1001 + second.got.size() - (broke ? begin * 1001 - sent : 0));
}

TEST_P(tcp_sink, sends_every_byte_over_a_peer_that_takes_one_at_a_time) {
    server at;
    env<> world(GetParam());
    auto sink =
        tcp::connect({.host = "127.0.0.1", .port = at.port}, length_prefix<2>{}).open_sink(world);
    client peer;
    ASSERT_TRUE(until_accepted(world, at, peer));
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        std::string const text = "record " + std::to_string(i);
        expected += std::string{0, static_cast<char>(text.size())} + text;
        sink.write(record(text));
        if (i % 7 == 0) sink.batch_end();
    }
    sink.batch_end();
    ASSERT_TRUE(wait_for(
        [&] {
            world.engine.turn();
            peer.read();
        },
        [&] { return peer.got.size() >= expected.size(); }));
    EXPECT_EQ(peer.got, expected);
}

TEST_P(tcp_sink, takes_a_record_that_is_longer_than_its_buffer_when_nothing_waits) {
    server at;
    env<> world(GetParam());
    auto sink =
        tcp::connect({.host = "127.0.0.1", .port = at.port, .unsent_bytes = 100}).open_sink(world);
    sink.takes_at_once(3);
    client peer;
    ASSERT_TRUE(until_accepted(world, at, peer));
    std::string const text(999, 'x');
    for (std::size_t burst = 1; burst <= 50; ++burst) {
        ASSERT_TRUE(wait_for([&] { world.engine.turn(); }, [&] { return sink.room() >= 3; }))
            << "it would stand still for ever, behind burst " << burst;
        EXPECT_EQ(sink.room(), 3U);
        for (int i = 0; i < 3; ++i) sink.write(record(text));
        EXPECT_EQ(sink.room(), 0U);
        sink.batch_end();
    }
    ASSERT_TRUE(wait_for(
        [&] {
            world.engine.turn();
            peer.read();
        },
        [&] { return peer.got.size() == 150'000; }));
    EXPECT_EQ(sink.counts().bytes_out, 150'000U);
}

TEST_P(tcp_sink, refuses_a_record_that_does_not_fit_the_framing) {
    server const at;
    env<> world(GetParam());
    auto sink = tcp::connect({.host = "127.0.0.1", .port = at.port}, lines{.max_frame = 4})
                    .open_sink(world);
    EXPECT_THROW(sink.write(record("12345")), refused_record);
    EXPECT_THROW(sink.write(record("a\nb")), refused_record);
    sink.write(record("1234"));
}

TEST_P(tcp_sink, publishes_to_every_peer) {
    env<> world(GetParam());
    auto sink = tcp::publish({.host = "127.0.0.1"}).open_sink(world);
    sink.write(record("nobody"));
    EXPECT_EQ(sink.counts().unheard, 1U);
    client one(sink.port());
    client two(sink.port());
    ASSERT_TRUE(wait_for([&] { world.engine.turn(); }, [&] { return sink.peers() == 2; }));
    sink.write(record("both"));
    sink.batch_end();
    ASSERT_TRUE(wait_for(
        [&] {
            world.engine.turn();
            one.read();
            two.read();
        },
        [&] { return one.got == "both\n" && two.got == "both\n"; }));
    one.close();
    ASSERT_TRUE(wait_for([&] { world.engine.turn(); },
                         [&] { return sink.counts().closed_by(reason::peer) == 1; }));
    sink.write(record("you"));
    sink.batch_end();
    ASSERT_TRUE(wait_for(
        [&] {
            world.engine.turn();
            two.read();
        },
        [&] { return two.got == "both\nyou\n"; }));
    sink.close(true);
    EXPECT_FALSE(two.read());
}

TEST_P(tcp_sink, waits_for_a_subscriber_that_is_slow) {
    env<> world(GetParam());
    auto sink =
        tcp::publish({.host = "127.0.0.1", .unsent_bytes = 64 * 1024, .wait_for_peer = true})
            .open_sink(world);
    EXPECT_EQ(sink.room(), 0U);
    client slow(sink.port(), AF_INET, 4096);
    ASSERT_TRUE(wait_for([&] { world.engine.turn(); }, [&] { return sink.peers() == 1; }));
    std::string const text(999, 'x');
    std::size_t written = 0;
    std::size_t still = 0;
    ASSERT_TRUE(wait_for(
        [&] {
            std::size_t const room = sink.room();
            for (std::size_t i = 0; i < std::min<std::size_t>(room, 16); ++i, ++written)
                sink.write(record(text));
            sink.batch_end();
            still = room == 0 ? still + 1 : 0;
            world.engine.turn();
        },
        [&] { return still > 3000; }));
    ASSERT_TRUE(wait_for(
        [&] {
            world.engine.turn();
            slow.read();
        },
        [&] { return slow.got.size() == written * 1000; }));
    EXPECT_TRUE(sink.drained());
}

TEST_P(tcp_sink, publishes_records_that_are_longer_than_its_buffer) {
    for (tcp::slow_peer const on_slow : {tcp::slow_peer::wait, tcp::slow_peer::close}) {
        env<> world(GetParam());
        auto sink = tcp::publish({.host = "127.0.0.1", .unsent_bytes = 100, .on_slow = on_slow})
                        .open_sink(world);
        client peer(sink.port());
        ASSERT_TRUE(
            wait_for([&] { world.engine.turn(); }, [&] { return sink.counts().accepted == 1; }));
        std::string const text(999, 'x');
        for (std::size_t i = 1; i <= 20; ++i) {
            ASSERT_TRUE(wait_for([&] { world.engine.turn(); }, [&] { return sink.room() >= 1; }));
            sink.write(record(text));
            sink.batch_end();
            ASSERT_TRUE(wait_for(
                [&] {
                    world.engine.turn();
                    peer.read();
                },
                [&] { return peer.got.size() == 1000 * i; }))
                << i;
        }
        EXPECT_EQ(sink.counts().closed_by(reason::slow_reader), 0U);
    }
}

TEST_P(tcp_sink, closes_a_subscriber_that_is_slow_where_told) {
    env<> world(GetParam());
    auto sink =
        tcp::publish(
            {.host = "127.0.0.1", .unsent_bytes = 64 * 1024, .on_slow = tcp::slow_peer::close})
            .open_sink(world);
    client slow(sink.port(), AF_INET, 4096);
    client good(sink.port());
    ASSERT_TRUE(wait_for([&] { world.engine.turn(); }, [&] { return sink.peers() == 2; }));
    std::string const text(999, 'x');
    std::size_t written = 0;
    ASSERT_TRUE(wait_for(
        [&] {
            for (int i = 0; i < 16; ++i, ++written) sink.write(record(text));
            sink.batch_end();
            ASSERT_TRUE(wait_for(
                [&] {
                    world.engine.turn();
                    good.read();
                },
                [&] { return good.got.size() == written * 1000; }));
        },
        [&] { return sink.counts().closed_by(reason::slow_reader) == 1; }));
    EXPECT_GT(sink.counts().lost, 0U);
    EXPECT_TRUE(good.read());
}

class tcp_connect : public on_every_tier {};
MILLRACE_ON_EVERY_TIER(tcp_connect);

TEST_P(tcp_connect, reads_frames_and_connects_again_when_it_is_lost) {
    server at;
    env<> world(GetParam());
    auto source =
        tcp::connect({.host = "127.0.0.1", .port = at.port, .retry = quickly()}).open_source(world);
    driver drive(world.engine, source);
    for (int round = 1; round <= 3; ++round) {
        client peer;
        ASSERT_TRUE(wait_for(
            [&] {
                drive.step();
                if (!peer.connected()) peer = at.accept();
            },
            [&] { return peer.connected(); }));
        peer.send("round " + std::to_string(round) + "\ncut");
        ASSERT_TRUE(drive.until_frames(static_cast<std::size_t>(round)));
        if (round == 2) peer.reset();
    }
    EXPECT_EQ(drive.frames, (std::vector<std::string>{"round 1", "round 2", "round 3"}));
    ASSERT_TRUE(drive.until([&] { return source.counts().cut_frames == 3; }));
    EXPECT_EQ(source.counts().connected, 3U);
    source.stop();
    ASSERT_TRUE(drive.until([&] { return drive.state == source_state::ended; }));
}

TEST_P(tcp_connect, ends_with_its_connection_where_told) {
    server at;
    env<> world(GetParam());
    auto source =
        tcp::connect({.host = "127.0.0.1", .port = at.port, .reconnect = false}).open_source(world);
    driver drive(world.engine, source);
    client peer;
    ASSERT_TRUE(wait_for(
        [&] {
            drive.step();
            if (!peer.connected()) peer = at.accept();
        },
        [&] { return peer.connected(); }));
    peer.send("last\n");
    peer.close();
    ASSERT_TRUE(drive.until([&] { return drive.state == source_state::ended; }));
    EXPECT_EQ(drive.frames, (std::vector<std::string>{"last"}));
}

TEST_P(tcp_connect, says_when_it_has_no_connection) {
    server at;
    env<> world(GetParam());
    auto source =
        tcp::connect({.host = "127.0.0.1", .port = at.port, .retry = quickly()}).open_source(world);
    EXPECT_TRUE(source.away());
    driver drive(world.engine, source);
    client peer;
    ASSERT_TRUE(drive.until([&] {
        if (!peer.connected()) peer = at.accept();
        return peer.connected() && !source.away();
    }));
    peer.close();
    EXPECT_TRUE(drive.until([&] { return source.away(); }));
    source.stop();
    EXPECT_TRUE(drive.until([&] { return drive.state == source_state::ended; }));
    EXPECT_FALSE(source.away());
}

/// A Unix socket whose queue is full.
struct full_listener {
    scratch directory;
    std::string path = directory / "socket";
    int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::vector<int> waiting;
    full_listener() {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::memcpy(name.sun_path, path.data(), path.size());
        auto const* const to = reinterpret_cast<sockaddr*>(&name);
        EXPECT_EQ(::bind(fd, to, sizeof name), 0);
        EXPECT_EQ(::listen(fd, 0), 0);
        for (;;) {
            waiting.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            if (::connect(waiting.back(), to, sizeof name) != 0) break;
        }
        EXPECT_EQ(errno, EAGAIN);
    }
    full_listener(full_listener const&) = delete;
    full_listener& operator=(full_listener const&) = delete;
    ~full_listener() {
        ::close(fd);
        for (int const one : waiting) ::close(one);
    }
};
TEST_P(tcp_connect, gives_up_where_too_many_wait_for_a_unix_socket) {
    full_listener const at;
    env<> world(GetParam());
    auto source = tcp::connect({.path = at.path,
                                .retry = {.first = milliseconds(1), .attempts = 3},
                                .connect_time = milliseconds(100)})
                      .open_source(world);
    driver drive(world.engine, source);
    auto const why = failure_of([&] { drive.until([] { return false; }); });
    EXPECT_EQ(why.code(), exit_code::io);
    EXPECT_EQ(source.counts().failed_connects, 3U);
}

TEST_P(tcp_connect, gives_up_with_cause_and_cure) {
    std::uint16_t port = 0;
    {
        server const gone;
        port = gone.port;
    }
    env<> world(GetParam());
    auto source =
        tcp::connect(
            {.host = "127.0.0.1", .port = port, .retry = {.first = milliseconds(1), .attempts = 2}})
            .open_source(world);
    driver drive(world.engine, source);
    auto const why = failure_of([&] { drive.until([] { return false; }); });
    EXPECT_EQ(why.code(), exit_code::io);
    EXPECT_EQ(std::string(why.message()),
              "millrace: tcp::connect: cannot connect to 127.0.0.1:" + std::to_string(port)
                  + ": the connection is refused. Start what listens there, or check the port.");
}

}  // namespace
