// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <algorithm>
#include <random>

#include <millrace/io/tcp.hpp>

#include "tcp_harness.hpp"

namespace {

using namespace millrace;
using namespace tcp_test;
using reason = tcp::close_reason;

struct serving {
    env<> world;
    decltype(tcp::serve({}).open_source(world)) source;
    driver<core_engine, decltype(source)> drive;

    explicit serving(io_tier tier, tcp::serve_options options = {.host = "127.0.0.1"},
                     lines framing = {})
        : world(tier),
          source(tcp::serve(std::move(options), framing).open_source(world)),
          drive(world.engine, source) {}
    client peer(int receive_bytes = 0) { return client(source.port(), AF_INET, receive_bytes); }
    tcp::counts const& counts() const { return source.counts(); }
    bool until_got(client& peer, std::string_view expected) {
        return wait_for(
            [&] {
                drive.step();
                peer.read();
            },
            [&] { return peer.got.size() >= expected.size(); });
    }
};

std::string numbered(int from, int to) {
    std::string out;
    for (int i = from; i < to; ++i) out += std::to_string(i) + "\n";
    return out;
}

class tcp_serve : public on_every_tier {};
MILLRACE_ON_EVERY_TIER(tcp_serve);

TEST_P(tcp_serve, answers_on_the_connection_that_asked) {
    serving at(GetParam());
    at.drive.echo = true;
    client one = at.peer();
    client two = at.peer();
    one.send("a\nb\n");
    two.send("c\n");
    ASSERT_TRUE(at.until_got(one, "a\nb\n"));
    ASSERT_TRUE(at.until_got(two, "c\n"));
    EXPECT_EQ(one.got, "a\nb\n");
    EXPECT_EQ(two.got, "c\n");
    EXPECT_EQ(at.counts().replies, 3U);
}

TEST_P(tcp_serve, sends_replies_in_the_order_of_requests_however_they_come) {
    std::mt19937_64 random(7);
    serving at(GetParam());
    client peer = at.peer();
    std::string expected;
    for (int round = 0; round < 50; ++round) {
        std::string const ask = numbered(round * 60, round * 60 + 60);
        expected += ask;
        at.drive.frames.clear();
        at.drive.tokens.clear();
        peer.send(ask);
        ASSERT_TRUE(at.drive.until_frames(60));
        std::vector<std::size_t> order(60);
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::shuffle(order.begin(), order.end(), random);
        for (std::size_t const i : order) at.source.reply(at.drive.tokens[i], at.drive.frames[i]);
        at.source.flush();
        ASSERT_TRUE(at.until_got(peer, expected));
    }
    EXPECT_EQ(peer.got, expected);
}

TEST_P(tcp_serve, takes_a_request_only_with_a_free_slot) {
    serving at(GetParam(), {.host = "127.0.0.1", .slots = 4});
    client peer = at.peer();
    peer.send(numbered(0, 10));
    ASSERT_TRUE(at.drive.until_frames(4));
    at.drive.settle();
    EXPECT_EQ(at.drive.frames.size(), 4U);
    EXPECT_EQ(at.drive.state, source_state::idle);
    // A reply out of turn frees none.
    at.source.reply(at.drive.tokens[1], "1");
    at.source.flush();
    at.drive.settle();
    EXPECT_EQ(at.drive.frames.size(), 4U);
    at.source.reply(at.drive.tokens[0], "0");
    at.source.flush();
    ASSERT_TRUE(at.drive.until_frames(6));
    at.drive.settle();
    EXPECT_EQ(at.drive.frames.size(), 6U);
    for (std::size_t i = 2; i < 10; ++i) {
        ASSERT_TRUE(at.drive.until_frames(i + 1));
        at.source.reply(at.drive.tokens[i], at.drive.frames[i]);
        at.source.flush();
    }
    ASSERT_TRUE(at.until_got(peer, numbered(0, 10)));
    EXPECT_EQ(peer.got, numbered(0, 10));
}

TEST_P(tcp_serve, replies_behind_a_half_close) {
    serving at(GetParam());
    client peer = at.peer();
    peer.send("1\n2\n3\n");
    peer.half_close();
    ASSERT_TRUE(at.drive.until_frames(3));
    at.drive.settle();
    EXPECT_TRUE(peer.read());
    for (std::size_t i = 3; i-- > 0;) at.source.reply(at.drive.tokens[i], at.drive.frames[i]);
    at.source.flush();
    ASSERT_TRUE(wait_for([&] { at.drive.step(); }, [&] { return !peer.read(); }));
    EXPECT_EQ(peer.got, "1\n2\n3\n");
    ASSERT_TRUE(at.drive.until([&] { return at.counts().closed_by(reason::peer) == 1; }));
    EXPECT_EQ(at.counts().requests_unanswered, 0U);
}

TEST_P(tcp_serve, counts_and_drops_replies_of_dead_connections) {
    serving at(GetParam());
    client peer = at.peer();
    peer.send("1\n2\n");
    ASSERT_TRUE(at.drive.until_frames(2));
    peer.reset();
    ASSERT_TRUE(at.drive.until([&] { return at.counts().closed_by(reason::reset) == 1; }));
    EXPECT_EQ(at.counts().requests_unanswered, 2U);
    at.source.reply(at.drive.tokens[0], "1");
    at.drive.settle();
    // The slot is another connection's by now: its generation differs.
    client next = at.peer();
    next.send("3\n");
    ASSERT_TRUE(at.drive.until_frames(3));
    EXPECT_EQ(at.drive.tokens[2].connection, at.drive.tokens[1].connection);
    at.source.reply(at.drive.tokens[1], "2");
    at.source.reply(at.drive.tokens[2], "3");
    at.source.flush();
    ASSERT_TRUE(at.until_got(next, "3\n"));
    EXPECT_EQ(next.got, "3\n");
    EXPECT_EQ(at.counts().replies_dropped, 2U);
}

TEST_P(tcp_serve, sends_one_reply_to_a_request) {
    serving at(GetParam());
    client peer = at.peer();
    peer.send("1\n2\n");
    ASSERT_TRUE(at.drive.until_frames(2));
    at.source.reply(at.drive.tokens[1], "b");
    at.source.reply(at.drive.tokens[1], "B");
    at.source.reply(at.drive.tokens[0], "a");
    at.source.reply(at.drive.tokens[0], "A");
    at.source.flush();
    ASSERT_TRUE(at.until_got(peer, "a\nb\n"));
    at.drive.settle();
    peer.read();
    EXPECT_EQ(peer.got, "a\nb\n");
    EXPECT_EQ(at.counts().replies_unasked, 2U);
}

TEST_P(tcp_serve, stops_only_the_client_that_does_not_read) {
    serving at(GetParam(), {.host = "127.0.0.1", .buffers = 16, .buffer_bytes = 4096});
    at.drive.echo = true;
    client slow = at.peer(4096);
    client good = at.peer();
    std::string const big = std::string(4000, 'x') + "\n";
    std::size_t sent = 0;
    std::size_t still = 0;
    // Until neither side takes any more.
    ASSERT_TRUE(wait_for(
        [&] {
            std::size_t const now = slow.send(std::string_view(big).substr(sent % big.size()));
            sent += now;
            still = now == 0 ? still + 1 : 0;
            at.drive.step();
            at.drive.frames.clear();
        },
        [&] { return still > 5000; }));
    EXPECT_GT(at.counts().parked, 0U);
    EXPECT_EQ(at.source.pool().free(), at.source.pool().capacity());
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        good.send("ping\n");
        expected += "ping\n";
        ASSERT_TRUE(at.until_got(good, expected));
    }
    // It begins to read: all comes, in order.
    at.drive.frames.clear();
    slow.half_close();
    ASSERT_TRUE(wait_for([&] { at.drive.step(); }, [&] { return !slow.read(); }));
    EXPECT_EQ(slow.got.size(), sent / big.size() * big.size());
    for (std::size_t i = 0; i < slow.got.size(); ++i)
        ASSERT_EQ(slow.got[i], big[i % big.size()]) << i;
}

TEST_P(tcp_serve, parks_a_thousand_slow_clients_without_a_buffer) {
    serving at(GetParam(), {.host = "127.0.0.1",
                            .limits = {.accepts_per_second = 0},
                            .slots = 2,
                            .buffers = 64,
                            .buffer_bytes = 1024});
    std::vector<client> slow;
    for (int i = 0; i < 1000; ++i) {
        slow.push_back(at.peer());
        slow.back().send(numbered(0, 8));
        at.drive.step();
    }
    ASSERT_TRUE(at.drive.until_frames(2000));
    at.drive.settle(2000);
    EXPECT_EQ(at.drive.frames.size(), 2000U);
    EXPECT_GE(at.source.pool().free() * 2, at.source.pool().capacity());
    EXPECT_GT(at.source.buffered(), 0U);
    std::vector<reply_token> const owed = at.drive.tokens;
    std::vector<std::string> const asked = at.drive.frames;
    at.drive.echo = true;
    client good = at.peer();
    good.send("ping\n");
    ASSERT_TRUE(at.until_got(good, "ping\n"));
    for (std::size_t i = 0; i < owed.size(); ++i) at.source.reply(owed[i], asked[i]);
    at.source.flush();
    for (client& one : slow) {
        ASSERT_TRUE(at.until_got(one, numbered(0, 8)));
        EXPECT_EQ(one.got, numbered(0, 8));
    }
}

TEST_P(tcp_serve, closes_behind_the_replies_before_a_bad_request) {
    serving at(GetParam());
    client peer = at.peer();
    peer.send("1\n2\n3\n");
    ASSERT_TRUE(at.drive.until_frames(3));
    at.source.refuse(at.drive.tokens[1]);
    at.source.reply(at.drive.tokens[2], "3");
    at.source.reply(at.drive.tokens[0], "1");
    at.source.flush();
    ASSERT_TRUE(wait_for([&] { at.drive.step(); }, [&] { return !peer.read(); }));
    EXPECT_EQ(peer.got, "1\n");
    EXPECT_EQ(at.counts().closed_by(reason::bad_request), 1U);
    EXPECT_EQ(at.counts().bad_requests, 1U);
    EXPECT_EQ(at.counts().replies_dropped, 1U);
}

TEST_P(tcp_serve, answers_a_bad_request_where_told) {
    serving at(GetParam(),
               {.host = "127.0.0.1", .on_bad = tcp::bad_request::answer, .bad_reply = "what?"});
    client peer = at.peer();
    peer.send("1\n2\n");
    ASSERT_TRUE(at.drive.until_frames(2));
    at.source.refuse(at.drive.tokens[0]);
    at.source.reply(at.drive.tokens[1], "2");
    at.source.flush();
    ASSERT_TRUE(at.until_got(peer, "what?\n2\n"));
    EXPECT_EQ(peer.got, "what?\n2\n");
}

TEST_P(tcp_serve, replies_before_it_closes_for_a_frame_too_long) {
    serving at(GetParam(), {.host = "127.0.0.1"}, {.max_frame = 10});
    at.drive.echo = true;
    client peer = at.peer();
    peer.send("good\n" + std::string(20, 'x'));
    ASSERT_TRUE(wait_for([&] { at.drive.step(); }, [&] { return !peer.read(); }));
    EXPECT_EQ(peer.got, "good\n");
    EXPECT_EQ(at.counts().closed_by(reason::bad_frame), 1U);
    EXPECT_EQ(at.counts().bad_frames, 1U);
}

TEST_P(tcp_serve, closes_for_a_reply_that_is_too_long) {
    serving at(GetParam(), {.host = "127.0.0.1", .max_reply = 10});
    client peer = at.peer();
    peer.send("1\n2\n");
    ASSERT_TRUE(at.drive.until_frames(2));
    at.source.reply(at.drive.tokens[0], std::string(11, 'x'));
    ASSERT_TRUE(wait_for([&] { at.drive.step(); }, [&] { return !peer.read(); }));
    EXPECT_EQ(at.counts().closed_by(reason::reply_refused), 1U);
    EXPECT_EQ(at.counts().requests_unanswered, 2U);
}

TEST_P(tcp_serve, accounts_for_requests_behind_one_whose_answer_closes_the_connection) {
    for (bool const refuses : {true, false}) {
        serving at(GetParam(), {.host = "127.0.0.1", .max_reply = 10});
        client peer = at.peer();
        peer.send("1\n2\n3\n4\n");
        at.drive.polling = false;  // all four in one visit
        std::uint64_t taken = 0;
        ASSERT_TRUE(wait_for([&] { at.drive.step(); },
                             [&] {
                                 (void)at.source.poll(64, [&](frame f, reply_token const& token) {
                                     ++taken;
                                     if (f.data != "1") return at.source.reply(token, f.data);
                                     if (refuses) return at.source.refuse(token);
                                     at.source.reply(token, std::string(11, 'x'));
                                 });
                                 return taken != 0;
                             }));
        ASSERT_TRUE(wait_for([&] { at.drive.step(); }, [&] { return !peer.read(); }));
        EXPECT_EQ(peer.got, "");
        EXPECT_EQ(at.counts().frames, taken);
        EXPECT_EQ(at.counts().replies, 0U);
        EXPECT_EQ(at.counts().requests_unanswered, taken);
    }
}

TEST_P(tcp_serve, still_replies_when_it_is_stopped) {
    serving at(GetParam());
    client peer = at.peer();
    peer.send(numbered(0, 40));
    ASSERT_TRUE(at.drive.until_frames(40));
    at.source.stop();
    ASSERT_TRUE(at.drive.until([&] { return at.drive.state == source_state::ended; }));
    EXPECT_FALSE(at.source.drained());
    for (std::size_t i = 0; i < 40; ++i) at.source.reply(at.drive.tokens[i], at.drive.frames[i]);
    at.source.flush();
    ASSERT_TRUE(wait_for([&] { at.world.engine.turn(); }, [&] { return at.source.drained(); }));
    ASSERT_TRUE(wait_for([&] { at.world.engine.turn(); }, [&] { return !peer.read(); }));
    EXPECT_EQ(peer.got, numbered(0, 40));
    EXPECT_EQ(at.counts().closed_by(reason::stopped), 1U);
}

TEST_P(tcp_serve, closes_a_connection_whose_request_is_not_answered_in_time) {
    serving at(GetParam(), {.host = "127.0.0.1", .request_deadline = milliseconds(80)});
    client peer = at.peer();
    client other = at.peer();
    peer.send("1\n");
    ASSERT_TRUE(at.drive.until_frames(1));
    auto const begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(wait_for([&] { at.drive.step(); }, [&] { return !peer.read(); }));
    EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(70));
    EXPECT_EQ(at.counts().closed_by(reason::request_deadline), 1U);
    EXPECT_EQ(at.counts().requests_unanswered, 1U);
    EXPECT_TRUE(other.read());
}

}  // namespace
