// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Connections that break under a sink, at any byte and in any way: each record is with a peer, or
// goes out again, or is counted as lost.

#include <cstdlib>
#include <optional>
#include <sys/resource.h>

#include <millrace/io/fault.hpp>
#include <millrace/io/tcp.hpp>

#include "tcp_harness.hpp"
#include "tcp_server.hpp"

namespace {

using namespace millrace;
using namespace tcp_test;
using reason = tcp::close_reason;
using faulty_engine = basic_core_engine<fault_plan>;

tcp::connect_options to_port(std::uint16_t port) {
    return {.host = "127.0.0.1",
            .port = port,
            .retry = {.first = milliseconds(1), .longest = milliseconds(4), .attempts = 0}};
}
fault refused(op_verb verb, int error, std::uint64_t from, std::uint64_t every = 0) {
    return {
        .what = fault::kind::refuse, .verb = verb, .value = error, .from = from, .every = every};
}

class tcp_sink_faults : public on_every_tier {};
MILLRACE_ON_EVERY_TIER(tcp_sink_faults);

TEST_P(tcp_sink_faults, a_break_at_each_byte_of_a_frame_loses_the_record_it_cuts_and_no_other) {
    std::string const stream = "first\nsecond\nthird\n";
    for (int const error : {ECONNRESET, EPIPE, ETIMEDOUT})  // the last: a peer that vanished
        for (std::size_t cut = 1; cut < stream.size(); ++cut) {
            server at;
            env<faulty_engine> world(GetParam(), fault_plan()
                                                     .add({.what = fault::kind::shorten,
                                                           .verb = op_verb::send,
                                                           .value = static_cast<std::int32_t>(cut)})
                                                     .add(refused(op_verb::send, error, 1)));
            auto sink = tcp::connect(to_port(at.port)).open_sink(world);
            for (char const* const text : {"first", "second", "third"}) sink.write({text, true});
            sink.batch_end();
            client first;
            client second;
            ASSERT_TRUE(until_accepted(world, at, first));
            ASSERT_TRUE(until_accepted(world, at, second));
            std::size_t const next = cut <= 6 ? 6 : cut <= 13 ? 13 : stream.size();
            std::string const again = stream.substr(next);
            ASSERT_TRUE(wait_for([&] { world.engine.turn(); },
                                 [&] {
                                     first.read();
                                     second.read();
                                     return sink.drained() && first.got.size() >= cut
                                            && second.got.size() >= again.size();
                                 }))
                << cut;
            EXPECT_EQ(first.got, stream.substr(0, cut));
            EXPECT_EQ(second.got, again);
            EXPECT_EQ(sink.counts().lost, cut == 6 || cut == 13 ? 0U : 1U) << cut;
            EXPECT_EQ(sink.counts().bytes_out, cut + again.size());
            EXPECT_EQ(sink.counts().closed_by(reason::reset), 1U);
            EXPECT_EQ(sink.counts().connected, 2U);
        }
}

TEST_P(tcp_sink_faults, sends_again_what_was_refused_for_now) {
    for (int const error : {EAGAIN, EINTR, ENOBUFS, ECANCELED}) {
        server at;
        env<faulty_engine> world(GetParam(), fault_plan().add(refused(op_verb::send, error, 0, 2)));
        auto sink = tcp::connect(to_port(at.port)).open_sink(world);
        client peer;
        ASSERT_TRUE(until_accepted(world, at, peer));
        std::string expected;
        for (int i = 0; i < 100; ++i) {
            std::string const text = std::to_string(i);
            expected += text + "\n";
            sink.write({text, true});
            sink.batch_end();
            world.engine.turn();
        }
        ASSERT_TRUE(wait_for([&] { world.engine.turn(); },
                             [&] { return peer.read() && peer.got.size() >= expected.size(); }));
        EXPECT_EQ(peer.got, expected);
        EXPECT_GT(world.engine.faults().struck(), 1U);
        EXPECT_EQ(sink.counts().lost, 0U);
        EXPECT_EQ(sink.counts().connected, 1U);
    }
}

TEST_P(tcp_sink_faults, connects_again_behind_every_end_of_a_connect) {
    for (int const error : {ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH, ECONNRESET,
                            EADDRNOTAVAIL, ENOBUFS, ECANCELED, EINTR, EAGAIN}) {
        server at;
        env<faulty_engine> world(GetParam(), fault_plan()
                                                 .add(refused(op_verb::connect, error, 0))
                                                 .add(refused(op_verb::connect, error, 1)));
        auto sink = tcp::connect(to_port(at.port)).open_sink(world);
        sink.write({"here", true});
        sink.batch_end();
        client peer;
        ASSERT_TRUE(until_accepted(world, at, peer)) << error;
        ASSERT_TRUE(wait_for([&] { world.engine.turn(); },
                             [&] { return peer.read() && peer.got == "here\n"; }));
        EXPECT_EQ(world.engine.faults().struck(), 2U);
        EXPECT_EQ(sink.counts().failed_connects, error == EINTR ? 0U : 2U) << error;
        EXPECT_EQ(sink.counts().lost, 0U);
    }
}

/// Takes descriptors until there is none.
struct no_descriptors {
    rlimit before{};
    std::vector<int> taken;
    no_descriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before);
        rlimit low = before;
        low.rlim_cur = 256;
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
    }
    no_descriptors(no_descriptors const&) = delete;
    no_descriptors& operator=(no_descriptors const&) = delete;
    ~no_descriptors() {
        for (int const fd : taken) ::close(fd);
        ::setrlimit(RLIMIT_NOFILE, &before);
    }
    void free_one() {
        ::close(taken.back());
        taken.pop_back();
    }
};

TEST_P(tcp_sink_faults, waits_for_a_descriptor_to_connect_with) {
    std::uint16_t const port = server().port;
    env<> world(GetParam());
    auto sink = tcp::connect(to_port(port)).open_sink(world);
    sink.write({"late", true});
    sink.batch_end();
    auto const fails = [&](std::uint64_t times) {
        return wait_for([&] { world.engine.turn(); },
                        [&] { return sink.counts().failed_connects >= times; });
    };
    ASSERT_TRUE(fails(1));  // nobody listens
    std::optional<server> at;
    {
        no_descriptors none;
        none.free_one();
        at.emplace(port);
        ASSERT_TRUE(at->ok);
        EXPECT_TRUE(fails(sink.counts().failed_connects + 3));
        EXPECT_EQ(sink.counts().connected, 0U);
    }
    client peer;
    ASSERT_TRUE(until_accepted(world, *at, peer));
    ASSERT_TRUE(wait_for([&] { world.engine.turn(); },
                         [&] { return peer.read() && peer.got == "late\n"; }));
    EXPECT_EQ(sink.counts().lost, 0U);
}

TEST_P(tcp_sink_faults, gives_up_for_want_of_descriptors_with_cause_and_cure) {
    env<faulty_engine> world(GetParam(), fault_plan().add(refused(op_verb::connect, EMFILE, 0, 1)));
    tcp::connect_options options = to_port(9);
    options.retry.attempts = 2;
    auto sink = tcp::connect(options).open_sink(world);
    auto const why = failure_of([&] {
        static_cast<void>(
            wait_for([&] { world.engine.turn(); }, [&] { return sink.room() == 0 && false; }));
    });
    EXPECT_EQ(why.code(), exit_code::configuration);
    EXPECT_THAT(std::string(why.message()), testing::HasSubstr("ulimit -n"));
}

TEST_P(tcp_sink_faults, publish_every_byte_to_every_peer_at_random) {
    char const* const given = std::getenv("MILLRACE_SEED");
    std::uint64_t const first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
    for (std::uint64_t seed = first; seed < first + 20; ++seed) {
        SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
        env<faulty_engine> world(
            GetParam(),
            fault_plan().at_random({.seed = seed, .refuse = 10, .shorten = 40, .hold = 20}));
        auto sink = tcp::publish({.host = "127.0.0.1"}).open_sink(world);
        std::vector<client> peers;
        for (int i = 0; i < 3; ++i) peers.emplace_back(sink.port());
        ASSERT_TRUE(wait_for([&] { world.engine.turn(); }, [&] { return sink.peers() == 3; }));
        std::string expected;
        for (std::size_t i = 0; i < 200; ++i) {
            std::string const text((i * 37) % 90, static_cast<char>('a' + i % 26));
            expected += text + "\n";
            sink.write({text, true});
            if (i % 3 == 0) sink.batch_end();
            world.engine.turn();
        }
        sink.batch_end();
        ASSERT_TRUE(wait_for([&] { world.engine.turn(); },
                             [&] {
                                 bool all = sink.drained();
                                 for (client& peer : peers)
                                     all = peer.read() && peer.got.size() >= expected.size() && all;
                                 return all;
                             }));
        for (client const& peer : peers) EXPECT_TRUE(peer.got == expected);
        EXPECT_GT(world.engine.faults().struck(), 0U);
        EXPECT_EQ(sink.counts().lost + sink.counts().unheard, 0U);
        EXPECT_EQ(sink.counts().bytes_out, 3 * expected.size());
    }
}

}  // namespace
