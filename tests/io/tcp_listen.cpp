// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <algorithm>
#include <sys/resource.h>
#include <sys/wait.h>

#include <millrace/io/tcp.hpp>

#include "tcp_harness.hpp"

namespace {

using namespace millrace;
using namespace tcp_test;
using reason = tcp::close_reason;

std::string prefixed(std::string_view payload) {
    detail::byte_buffer out;
    length_prefix<4>{.max_frame = ~std::size_t{0}}.put(out, payload);
    return std::string(out.view());
}

/// A listener with a driver.
template <class Framing = lines>
struct listening {
    env<> world;
    decltype(tcp::listen({}, Framing{}).open_source(world)) source;
    driver<core_engine, decltype(source)> drive;

    explicit listening(io_tier tier, tcp::listen_options options = {.host = "127.0.0.1"},
                       Framing framing = {})
        : world(tier),
          source(tcp::listen(std::move(options), framing).open_source(world)),
          drive(world.engine, source) {}
    client peer(int receive_bytes = 0) { return client(source.port(), AF_INET, receive_bytes); }
    tcp::counts const& counts() const { return source.counts(); }
};

class tcp_listen : public on_every_tier {};
MILLRACE_ON_EVERY_TIER(tcp_listen);

TEST_P(tcp_listen, hands_on_the_frames_of_a_connection_in_their_order) {
    listening<> at(GetParam());
    client const peer = at.peer();
    peer.send("one\ntwo\r\n\nfour\n");
    ASSERT_TRUE(at.drive.until_frames(4));
    EXPECT_EQ(at.drive.frames, (std::vector<std::string>{"one", "two", "", "four"}));
    EXPECT_EQ(at.counts().frames, 4U);
    EXPECT_EQ(at.counts().bytes_in, 15U);
}

TEST_P(tcp_listen, joins_frames_that_are_cut_at_any_byte) {
    std::string const stream = prefixed("first") + prefixed("") + prefixed("the third one");
    listening<length_prefix<4>> at(GetParam());
    client const peer = at.peer();
    std::size_t expected = 0;
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        std::uint64_t const before = at.counts().bytes_in;
        peer.send(stream.substr(0, cut));
        ASSERT_TRUE(at.drive.until([&] { return at.counts().bytes_in == before + cut; }));
        peer.send(stream.substr(cut));
        expected += 3;
        ASSERT_TRUE(at.drive.until_frames(expected)) << cut;
        EXPECT_EQ(at.drive.frames[expected - 3], "first");
        EXPECT_EQ(at.drive.frames[expected - 2], "");
        EXPECT_EQ(at.drive.frames[expected - 1], "the third one");
    }
}

TEST_P(tcp_listen, joins_frames_that_come_byte_by_byte) {
    listening<length_prefix<4>> at(GetParam());
    client const peer = at.peer();
    for (char const c : prefixed("slow") + prefixed("er")) {
        std::uint64_t const before = at.counts().bytes_in;
        peer.send({&c, 1});
        ASSERT_TRUE(at.drive.until([&] { return at.counts().bytes_in == before + 1; }));
    }
    ASSERT_TRUE(at.drive.until_frames(2));
    EXPECT_EQ(at.drive.frames, (std::vector<std::string>{"slow", "er"}));
}

TEST_P(tcp_listen, counts_what_a_reset_at_any_point_of_a_frame_cut_off) {
    std::string const stream = prefixed("whole") + prefixed("cut off");
    listening<length_prefix<4>> at(GetParam());
    std::size_t frames = 0;
    std::size_t cut_off = 0;
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        client peer = at.peer();
        std::uint64_t const before = at.counts().bytes_in;
        peer.send(stream.substr(0, cut));
        ASSERT_TRUE(at.drive.until([&] { return at.counts().bytes_in == before + cut; }));
        peer.reset();
        ASSERT_TRUE(
            at.drive.until([&] { return at.counts().closed_by(reason::reset) == cut + 1; }));
        frames += (cut >= 9 ? 1U : 0U) + (cut == stream.size() ? 1U : 0U);
        cut_off += cut != 0 && cut != 9 && cut != stream.size() ? 1 : 0;
        EXPECT_EQ(at.counts().frames, frames);
        EXPECT_EQ(at.counts().cut_frames, cut_off);
    }
}

TEST_P(tcp_listen, reads_what_came_before_a_half_close) {
    listening<> at(GetParam());
    client peer = at.peer();
    peer.send("a\nb\nhalf");
    peer.half_close();
    ASSERT_TRUE(at.drive.until([&] { return at.counts().closed_by(reason::peer) == 1; }));
    EXPECT_EQ(at.drive.frames, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(at.counts().cut_frames, 1U);
    ASSERT_TRUE(wait_for([&] { at.drive.step(); }, [&] { return !peer.read(); }));
}

TEST_P(tcp_listen, refuses_a_frame_that_is_longer_than_allowed_before_it_comes) {
    listening<length_prefix<4>> at(GetParam(), {.host = "127.0.0.1"}, {.max_frame = 8});
    client peer = at.peer();
    peer.send(prefixed("12345678"));
    ASSERT_TRUE(at.drive.until_frames(1));
    peer.send(std::string("\0\0\0\x9", 4));
    ASSERT_TRUE(at.drive.until([&] { return at.counts().closed_by(reason::bad_frame) == 1; }));
    EXPECT_EQ(at.counts().bad_frames, 1U);
    client const other = at.peer();
    other.send("\xff\xff\xff\xff");
    ASSERT_TRUE(at.drive.until([&] { return at.counts().closed_by(reason::bad_frame) == 2; }));
    EXPECT_EQ(at.drive.frames.size(), 1U);
}

TEST_P(tcp_listen, listens_on_ipv6_and_ipv4_at_once) {
    listening<> at(GetParam(), {});
    client const four(at.source.port(), AF_INET);
    client const six(at.source.port(), AF_INET6);
    if (!six.connected()) GTEST_SKIP() << "no IPv6 here";
    four.send("4\n");
    ASSERT_TRUE(at.drive.until_frames(1));
    six.send("6\n");
    ASSERT_TRUE(at.drive.until_frames(2));
    EXPECT_EQ(at.drive.frames, (std::vector<std::string>{"4", "6"}));
}

/// One of two partitions, both on one engine.
struct one_of_two {
    env<>& world;
    unsigned number;
    template <class Service>
    Service& service() {
        return world.service<Service>();
    }
    [[nodiscard]] unsigned partition() const { return number; }
    [[nodiscard]] static unsigned partitions() { return 2; }
};
TEST_P(tcp_listen, shares_its_port_among_its_partitions_and_with_no_other_program) {
    env<> world(GetParam());
    std::uint16_t const port = tcp::listen({.host = "127.0.0.1"}).open_source(world).port();
    auto const stage = tcp::listen({.host = "127.0.0.1", .port = port});
    one_of_two first{world, 0};
    one_of_two second{world, 1};
    {
        auto const a = stage.open_source(first);
        auto const b = stage.open_source(second);
        EXPECT_EQ(a.port(), port);
        EXPECT_EQ(b.port(), port);
        auto const why = failure_of([&] { (void)stage.open_source(first); });
        EXPECT_EQ(why.code(), exit_code::configuration);
        EXPECT_EQ(std::string(why.message()),
                  "millrace: tcp::listen: cannot listen on 127.0.0.1:" + std::to_string(port)
                      + ": the address is in use. Stop what listens there (ss -ltunxp), or take "
                        "another.");
    }
    EXPECT_EQ(stage.open_source(first).port(), port);
}

TEST_P(tcp_listen, listens_on_a_unix_socket_and_takes_it_away) {
    std::string const path = "/tmp/millrace-" + std::to_string(::getpid()) + ".socket";
    for (int round = 0; round < 2; ++round) {
        listening<> at(GetParam(), {.path = path});
        client const peer(path);
        ASSERT_TRUE(peer.connected());
        peer.send("here\n");
        ASSERT_TRUE(at.drive.until_frames(1));
    }
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST_P(tcp_listen, replaces_a_unix_socket_that_nobody_listens_on) {
    std::string const path = "/tmp/millrace-" + std::to_string(::getpid()) + ".left";
    detail::socket_address const address = detail::unix_address(path, "test");
    int const left = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(left, address.get(), address.bytes), 0);
    ::close(left);
    listening<> at(GetParam(), {.path = path});
    EXPECT_TRUE(client(path).connected());
    auto const refused = failure_of([&] { listening<> other(GetParam(), {.path = path}); });
    EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("in use"));
}

TEST_P(tcp_listen, ends_when_stopped_behind_what_was_received) {
    listening<> at(GetParam());
    client peer = at.peer();
    std::string text;
    for (int i = 0; i < 500; ++i) text += std::to_string(i) + "\n";
    peer.send(text);
    at.drive.credit = 1;
    ASSERT_TRUE(at.drive.until([&] { return at.counts().bytes_in == text.size(); }));
    at.source.stop();
    EXPECT_LT(at.drive.frames.size(), 500U);
    ASSERT_TRUE(at.drive.until([&] { return at.drive.state == source_state::ended; }));
    EXPECT_EQ(at.drive.frames.size(), 500U);
    EXPECT_EQ(at.counts().closed_by(reason::stopped), 1U);
}

TEST_P(tcp_listen, holds_the_sender_back_while_it_is_not_polled_and_loses_nothing) {
    listening<length_prefix<4>> at(
        GetParam(),
        {.host = "127.0.0.1", .buffers = 4, .buffer_bytes = 4096, .socket_bytes = 16 * 1024});
    client peer = at.peer();
    std::string const one = prefixed(std::string(96, 'x'));
    std::string stream;
    for (int i = 0; i < 100'000; ++i) stream += one;
    std::size_t sent = 0;
    auto const push_more = [&] { sent += peer.send(std::string_view(stream).substr(sent)); };
    at.drive.polling = false;
    std::size_t still = 0;
    std::size_t last = 0;
    ASSERT_TRUE(wait_for(
        [&] {
            push_more();
            at.drive.step();
            still = sent == last ? still + 1 : 0;
            last = sent;
        },
        [&] { return still > 2000; }));
    EXPECT_LT(sent, stream.size());
    EXPECT_LE(at.counts().bytes_in, 4U * 4096U);
    EXPECT_EQ(at.source.pool().free(), 0U);
    EXPECT_GT(at.counts().starved, 0U);
    at.drive.polling = true;
    ASSERT_TRUE(wait_for(
        [&] {
            push_more();
            at.drive.step();
            at.drive.frames.clear();
        },
        [&] { return at.counts().frames == 100'000; }));
    EXPECT_EQ(at.counts().bytes_in, stream.size());
}

/// Peers in a process of their own, as both ends here would need twice the descriptors. It takes a
/// step each time it is told: connects, sends a line from each, ends.
class crowd {
public:
    crowd(std::uint16_t port, std::size_t many) {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        child_ = ::fork();
        if (child_ == 0) ::_exit(live(ends[1], port, many));
        ::close(ends[1]);
        end_ = ends[0];
    }
    crowd(crowd const&) = delete;
    crowd& operator=(crowd const&) = delete;
    ~crowd() {
        ::close(end_);
        ::waitpid(child_, nullptr, 0);
    }
    void step() const { EXPECT_EQ(::send(end_, "+", 1, MSG_NOSIGNAL), 1); }

private:
    static int live(int end, std::uint16_t port, std::size_t many) {
        char byte = 0;
        std::vector<client> all;
        all.reserve(many);
        if (::read(end, &byte, 1) != 1) return 1;
        while (all.size() < many) all.emplace_back(port);
        if (::read(end, &byte, 1) != 1) return 1;
        for (client const& one : all) one.send("late\n");
        return static_cast<int>(::read(end, &byte, 1) != 1);
    }
    int end_ = -1;
    ::pid_t child_ = -1;
};

TEST_P(tcp_listen, keeps_ten_thousand_idle_connections_beside_a_busy_one) {
    std::size_t const many = 10'000;
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    if (before.rlim_max < many + 300) GTEST_SKIP() << "too few descriptors: see `ulimit -Hn`";
    rlimit all = before;
    all.rlim_cur = all.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &all), 0);
    listening<> at(GetParam(),
                   {.host = "127.0.0.1", .limits = {.per_address = 0, .accepts_per_second = 0}});
    {
        crowd const idle(at.source.port(), many);
        idle.step();
        ASSERT_TRUE(at.drive.until([&] { return at.counts().accepted == many; }));
        EXPECT_EQ(at.source.buffered(), 0U);
        EXPECT_EQ(at.source.pool().free(), at.source.pool().capacity());
        client const busy = at.peer();
        for (int i = 0; i < 100; ++i) {
            busy.send("ping\n");
            ASSERT_TRUE(at.drive.until_frames(static_cast<std::size_t>(i) + 1));
        }
        idle.step();
        ASSERT_TRUE(at.drive.until_frames(many + 100));
        EXPECT_EQ(at.source.connections(), many + 1);
        idle.step();
        ASSERT_TRUE(at.drive.until([&] { return at.counts().closed_by(reason::peer) == many; }));
        at.drive.settle();
        EXPECT_EQ(at.source.connections(), 1U);
        EXPECT_EQ(at.counts().frames, many + 100);
        EXPECT_EQ(at.counts().cut_frames + at.counts().bytes_unread, 0U);
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(tcp_listen_alone, turns_an_engine_of_its_own) {
    struct {
    } nothing;
    auto source = tcp::listen({.host = "127.0.0.1"}).open_source(nothing);
    client const peer(source.port());
    peer.send("alone\n");
    std::vector<std::string> frames;
    ASSERT_TRUE(wait_for([&] { source.poll(64, [&](frame f) { frames.emplace_back(f.data); }); },
                         [&] { return !frames.empty(); }));
    EXPECT_EQ(frames[0], "alone");
}

TEST_P(tcp_listen, takes_from_connections_in_turn) {
    listening<> at(GetParam());
    client const hot = at.peer();
    client const cool = at.peer();
    std::string flood;
    for (int i = 0; i < 20'000; ++i) flood += "hot\n";
    hot.send(flood);
    ASSERT_TRUE(at.drive.until_frames(64));
    cool.send("cool\n");
    std::size_t const before = at.drive.frames.size();
    ASSERT_TRUE(at.drive.until([&] {
        return std::find(at.drive.frames.begin(), at.drive.frames.end(), "cool")
               != at.drive.frames.end();
    }));
    EXPECT_LT(at.drive.frames.size() - before, 10'000U);
}

}  // namespace
