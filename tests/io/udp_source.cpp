// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdlib>
#include <numeric>

#include <millrace/io/fault.hpp>
#include <millrace/io/udp.hpp>

#include "scratch.hpp"
#include "udp_harness.hpp"

namespace {

using namespace millrace;
using namespace millrace_test;

struct udp_source_on : udp_pulled {};
MILLRACE_ON_TIERS(udp_source_on);

TEST_P(udp_source_on, gives_each_datagram_as_a_frame_in_order) {
    auto source = open();
    sender const peer(AF_INET, "127.0.0.1", source.port());
    strings sent;
    for (std::size_t i = 0; i < 40; ++i) {
        sent.push_back(noise(i * 37 % 1500, static_cast<unsigned>(i)));
        ASSERT_TRUE(peer.send(sent.back()));
    }
    ASSERT_TRUE(gets(source, sent.size()));
    EXPECT_TRUE(got == sent);
    EXPECT_EQ(state, source_state::idle);
    EXPECT_EQ(source.counts().datagrams, sent.size());
    EXPECT_EQ(source.counts().bytes,
              std::accumulate(sent.begin(), sent.end(), std::size_t{0},
                              [](std::size_t n, auto const& s) { return n + s.size(); }));
    EXPECT_EQ(source.counts().drops, 0U);
}

TEST_P(udp_source_on, gives_as_many_as_there_is_credit_for) {
    auto source = open();
    sender const peer(AF_INET, "127.0.0.1", source.port());
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(peer.send(std::to_string(i)));
    ASSERT_TRUE(peer.send_run("aabbccdd", 2));
    for (std::size_t expected = 1; expected <= 24; ++expected) {
        ASSERT_TRUE(gets(source, expected, 1));
        ASSERT_EQ(got.size(), expected);
    }
    EXPECT_EQ(got.back(), "dd");
    EXPECT_EQ(state, source_state::idle);
}

TEST_P(udp_source_on, cuts_merged_runs_as_plain_receives_see_them) {
    char const* const told = std::getenv("MILLRACE_SEED");
    auto const seed = told == nullptr ? 5U : static_cast<unsigned>(std::atoi(told));
    std::mt19937 random(seed);
    std::array<strings, 2> seen;
    strings sent;
    for (bool const merged : {false, true}) {
        random.seed(seed);
        sent.clear();
        got.clear();
        udp::listen_options options = local();
        options.receive_offload = merged;
        auto source = open(options);
        sender const peer(AF_INET, "127.0.0.1", source.port());
        for (int round = 0; round < 30; ++round) {
            auto const size = static_cast<std::uint16_t>(1 + random() % 1400);
            std::size_t const most = std::min<std::size_t>(64, 60'000 / size);
            std::string const run =
                noise(1 + random() % (size * most), static_cast<unsigned>(round));
            ASSERT_TRUE(peer.send_run(run, size)) << size << ' ' << run.size();
            for (std::size_t at = 0; at < run.size(); at += size)
                sent.push_back(run.substr(at, size));
            ASSERT_TRUE(gets(source, sent.size(), 1 + random() % 50)) << round;
        }
        seen[merged] = got;
        EXPECT_TRUE(got == sent) << "MILLRACE_SEED=" << seed;
    }
    EXPECT_TRUE(seen[0] == seen[1]);
}

TEST_P(udp_source_on, keeps_frames_until_the_next_poll) {
    udp::listen_options options = local();
    options.buffers = 4;
    auto source = open(options);
    sender const peer(AF_INET, "127.0.0.1", source.port());
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(peer.send("datagram " + std::to_string(i)));
    std::vector<std::string_view> views;
    strings expected;
    ASSERT_TRUE(until([&] {
        if (!source.held()) return false;
        (void)source.poll(64, [&](frame const& one) { views.push_back(one.data); });
        return true;
    }));
    for (std::size_t i = 0; i < views.size(); ++i)
        expected.push_back("datagram " + std::to_string(i));
    for (int i = 4; i < 20; ++i) ASSERT_TRUE(peer.send("DATAGRAM " + std::to_string(i)));
    for (int i = 0; i < 50; ++i) env.engine.turn();
    ASSERT_FALSE(views.empty());
    EXPECT_EQ(strings(views.begin(), views.end()), expected);
    ASSERT_TRUE(gets(source, 20 - views.size()));
}

TEST_P(udp_source_on, counts_what_is_too_long_and_gives_nothing_of_it) {
    // Of 128 a buffer has room for 128 bytes, so that the kernel cuts the next longer one.
    for (std::size_t const longest : {100U, 128U}) {
        for (bool const merged : {false, true}) {
            got.clear();
            udp::listen_options options = local();
            options.max_datagram = longest;
            options.receive_offload = merged;
            auto source = open(options);
            sender const peer(AF_INET, "127.0.0.1", source.port());
            ASSERT_TRUE(peer.send(std::string(longest + 1, 'x')));
            ASSERT_TRUE(peer.send(std::string(longest, 'y')));
            ASSERT_TRUE(peer.send(std::string(60'000, 'x')));
            ASSERT_TRUE(peer.send_run(std::string(600, 'x'), 200));
            ASSERT_TRUE(peer.send("z"));
            ASSERT_TRUE(gets(source, 2));
            EXPECT_EQ(got, (strings{std::string(longest, 'y'), "z"}));
            EXPECT_EQ(source.counts().too_long, 5U);
            EXPECT_EQ(source.counts().datagrams, 2U);
        }
    }
}

TEST_P(udp_source_on, takes_the_longest_datagram_there_is) {
    auto source = open();
    sender const peer(AF_INET, "127.0.0.1", source.port());
    std::string const longest = noise(udp::datagram_bytes_max);
    ASSERT_TRUE(peer.send(longest));
    ASSERT_TRUE(gets(source, 1));
    EXPECT_TRUE(got[0] == longest);
    EXPECT_EQ(source.counts().too_long, 0U);
}

TEST_P(udp_source_on, counts_what_the_kernel_drops) {
    udp::listen_options options = local();
    options.receive_buffer = 1;
    options.buffers = 4;
    auto source = open(options);
    sender const peer(AF_INET, "127.0.0.1", source.port());
    std::uint64_t const sent = 500;
    for (std::uint64_t i = 0; i < sent; ++i) ASSERT_TRUE(peer.send(std::string(200, 'x')));
    auto const all = [&] {
        pull(source);
        return source.counts().datagrams + source.counts().drops >= sent;
    };
    ASSERT_TRUE(until(all));
    EXPECT_GT(source.counts().drops, 400U);
    EXPECT_GT(source.counts().datagrams, 0U);
    EXPECT_EQ(source.counts().datagrams + source.counts().drops, sent);
    EXPECT_EQ(got.size(), source.counts().datagrams);
    // And what the datagrams themselves tell agrees.
    ASSERT_TRUE(peer.send("last"));
    ASSERT_TRUE(until([&] {
        pull(source);
        return !got.empty() && got.back() == "last";
    }));
    EXPECT_EQ(source.counts().datagrams + source.counts().drops, sent + 1);
}

TEST_P(udp_source_on, leaves_datagrams_with_the_kernel_while_nobody_takes_them) {
    udp::listen_options options = local();
    options.buffers = 4;
    auto source = open(options);
    sender const peer(AF_INET, "127.0.0.1", source.port());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(peer.send(std::to_string(i)));
    ASSERT_TRUE(until([&] { return source.counts().starved != 0; }));
    for (int i = 0; i < 1000; ++i) env.engine.turn();
    EXPECT_EQ(source.counts().starved, 1U);  // parked: not asked again and again
    ASSERT_TRUE(gets(source, 100));
    for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(got[i], std::to_string(i));
    EXPECT_EQ(source.counts().drops, 0U);
}

TEST_P(udp_source_on, stops_and_hands_on_what_it_had_taken) {
    auto source = open();
    sender const peer(AF_INET, "127.0.0.1", source.port());
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(peer.send(std::to_string(i)));
    ASSERT_TRUE(until([&] { return source.held(); }));
    source.stop();
    ASSERT_TRUE(until([&] {
        pull(source, 1);
        return state == source_state::ended;
    }));
    EXPECT_FALSE(source.held());
    ASSERT_FALSE(got.empty());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], std::to_string(i));
    pull(source);
    EXPECT_EQ(state, source_state::ended);
}

TEST_P(udp_source_on, is_gone_with_datagrams_in_hand) {
    sender* peer = nullptr;
    {
        auto source = open();
        static sender one(AF_INET, "127.0.0.1", source.port());
        sender const here(AF_INET, "127.0.0.1", source.port());
        peer = &one;
        ASSERT_TRUE(here.send_run(std::string(1000, 'x'), 10));
        ASSERT_TRUE(here.send_run(std::string(1000, 'x'), 10));
        ASSERT_TRUE(gets(source, 3, 3));
        EXPECT_TRUE(source.held());
    }
    EXPECT_NE(peer, nullptr);
    EXPECT_EQ(env.engine.pending(), 0U);
}

TEST_P(udp_source_on, listens_on_ipv6_and_takes_ipv4_there) {
    udp::listen_options options = local();
    options.host = "::";
    if (::access("/proc/net/if_inet6", R_OK) != 0) GTEST_SKIP() << "this kernel has no IPv6";
    auto source = open(options);
    sender const six(AF_INET6, "::1", source.port());
    sender const four(AF_INET, "127.0.0.1", source.port());
    ASSERT_TRUE(six.send("six"));
    ASSERT_TRUE(four.send("four"));
    ASSERT_TRUE(gets(source, 2));
    EXPECT_EQ(got, (strings{"six", "four"}));
}

TEST_P(udp_source_on, shares_a_port_among_its_partitions) {
    udp::listen_options options = local();
    options.port = free_port();
    shared_env first{env, 0};
    shared_env second{env, 1};
    auto const stage = udp::listen(options);
    auto a = stage.open_source(first);
    auto b = stage.open_source(second);
    // Another program would get what is ours.
    EXPECT_TRUE(
        failure_of([&] { (void)stage.open_source(first); })
            .message()
            .ends_with("the address is in use. Stop what listens there (ss -ltunxp), or take "
                       "another."));
    strings sent;
    for (int i = 0; i < 64; ++i) {
        sender const peer(AF_INET, "127.0.0.1", options.port);
        sent.push_back(std::to_string(i));
        ASSERT_TRUE(peer.send(sent.back()));
    }
    ASSERT_TRUE(until([&] {
        pull(a);
        pull(b);
        return got.size() >= sent.size();
    }));
    std::sort(got.begin(), got.end());
    std::sort(sent.begin(), sent.end());
    EXPECT_EQ(got, sent);
    EXPECT_GT(a.counts().datagrams, 0U);
    EXPECT_GT(b.counts().datagrams, 0U);
}

TEST_P(udp_source_on, refuses_at_start_what_cannot_be) {
    auto const refused = [&](udp::listen_options const& options) {
        return failure_of([&] { (void)open(options); });
    };
    auto source = open();
    std::string const port = std::to_string(source.port());
    auto error = refused({.host = "127.0.0.1", .port = source.port()});
    EXPECT_EQ(error.code(), exit_code::configuration);
    EXPECT_TRUE(error.message().starts_with("millrace: udp: cannot listen on 127.0.0.1:" + port
                                            + ": the address is in use."));
    EXPECT_EQ(refused({.host = "203.0.113.77", .port = 9}).code(), exit_code::configuration);
    EXPECT_EQ(refused({.host = "no.such.host.invalid", .port = 9}).code(),
              exit_code::configuration);
    EXPECT_EQ(refused({.port = 9000, .group = "10.0.0.1"}).message(),
              "millrace: udp: 10.0.0.1:9000 is no multicast group. Take one from 224.0.0.0/4 or "
              "ff00::/8, or write .host.");
    EXPECT_EQ(refused({.host = "239.0.0.1", .port = 9000}).message(),
              "millrace: udp: 239.0.0.1:9000 is a multicast group, which is joined, not bound. "
              "Write .group.");
    EXPECT_EQ(refused({.port = 9000, .interface = "nosuch0"}).message(),
              "millrace: udp: there is no network interface 'nosuch0'. Take one that `ip link` "
              "shows.");
    EXPECT_EQ(refused({.group = "239.0.0.1"}).code(), exit_code::configuration);
    shared_env first{env, 0};
    EXPECT_EQ(failure_of([&] { (void)udp::listen(local()).open_source(first); }).code(),
              exit_code::configuration);
}

TEST_P(udp_source_on, loses_nothing_to_interruptions_of_its_receive) {
    using engine = basic_core_engine<fault_plan>;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        got.clear();
        fault_plan plan;
        plan.at_random({.seed = seed, .refuse = 30, .stop = 20, .hold = 20});
        engine faulty({.tier = GetParam()}, {}, plan);
        udp::listen_options options = local();
        options.buffers = 8;
        basic_udp_source<engine> source(service_handle<engine>(faulty), options, {}, false);
        sender const peer(AF_INET, "127.0.0.1", source.port());
        strings sent;
        std::int64_t const end = millrace::detail::monotonic_ns() + 10'000'000'000;
        for (int i = 0; i < 200; ++i) {
            sent.push_back(std::to_string(i));
            ASSERT_TRUE(peer.send(sent.back()));
            faulty.turn();
            pull(source);
        }
        while (got.size() < sent.size() && millrace::detail::monotonic_ns() < end) {
            faulty.turn();
            pull(source);
        }
        EXPECT_EQ(got, sent) << seed;
        EXPECT_GT(faulty.faults().struck(), 3U);
    }
}

TEST_P(udp_source_on, receives_again_behind_every_end_of_a_receive) {
    using engine = basic_core_engine<fault_plan>;
    for (int const error : {ENOBUFS, ECANCELED, EAGAIN, EINTR, ECONNREFUSED}) {
        got.clear();
        fault_plan plan;
        plan.add({.what = fault::kind::refuse,
                  .verb = op_verb::receive_message,
                  .value = error,
                  .every = 2});
        plan.add({.what = fault::kind::stop,
                  .verb = op_verb::receive_message,
                  .value = -error,
                  .every = 3});
        engine faulty({.tier = GetParam()}, {}, plan);
        basic_udp_source<engine> source(service_handle<engine>(faulty), local(), {}, false);
        sender const peer(AF_INET, "127.0.0.1", source.port());
        strings sent;
        for (int i = 0; i < 100; ++i) sent.push_back(std::to_string(i));
        std::int64_t const end = millrace::detail::monotonic_ns() + 10'000'000'000;
        for (std::size_t i = 0;
             got.size() < sent.size() && millrace::detail::monotonic_ns() < end;) {
            if (i < sent.size()) {
                EXPECT_TRUE(peer.send(sent[i++]));
            }
            faulty.turn();
            pull(source);
        }
        EXPECT_EQ(got, sent) << error;
        EXPECT_GT(faulty.faults().struck(), 3U) << error;
        EXPECT_EQ(source.counts().drops, 0U);
    }
}

}  // namespace
