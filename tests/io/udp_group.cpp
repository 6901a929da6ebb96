// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdlib>
#include <optional>
#include <sched.h>

#include <millrace/io/udp.hpp>

#include "scratch.hpp"
#include "udp_harness.hpp"

namespace {

using namespace millrace;
using namespace millrace_test;

struct udp_group_on : udp_pulled {};
MILLRACE_ON_TIERS(udp_group_on);

TEST_P(udp_group_on, joins_a_group_and_hears_nothing_else) {
    udp::listen_options options{.port = free_port(), .group = "239.1.2.3", .interface = "lo"};
    auto source = open(options);
    sender const peer(AF_INET, "239.1.2.3", options.port);
    sender const stranger(AF_INET, "127.0.0.1", options.port);
    if (!peer.send("one")) GTEST_SKIP() << "lo carries no multicast: " << std::strerror(errno);
    stranger.send("not for the group");
    ASSERT_TRUE(peer.send("two"));
    ASSERT_TRUE(gets(source, 2));
    EXPECT_EQ(got, (strings{"one", "two"}));
    // A second one on this machine may join it, too.
    auto second = open(options);
    ASSERT_TRUE(peer.send("three"));
    got.clear();
    ASSERT_TRUE(gets(second, 1));
    ASSERT_TRUE(gets(source, 2));
    EXPECT_EQ(got, (strings{"three", "three"}));
}

TEST_P(udp_group_on, joins_a_group_of_ipv6) {
    // lo does not carry groups of IPv6: so in a network of its own, with a pair of interfaces.
    constexpr int no_right = 77;
    int const code = in_child([&] {
        if (::unshare(CLONE_NEWNET) != 0
            || std::system("(ip link set lo up && ip link add d0 type veth peer name d1 && "
                           "ip link set d1 up && ip link set d0 up && "
                           "ip -6 addr add fd55::1/64 dev d0 nodad) 2>/dev/null")
                   != 0)
            return no_right;
        core_env fresh(GetParam());
        udp::listen_options const options{.port = 9999, .group = "ff12::1:2:3", .interface = "d0"};
        auto source = udp::listen(options).open_source(fresh);
        sender const peer(AF_INET6, "ff12::1:2:3", options.port, "d0");
        sender const stranger(AF_INET6, "::1", options.port);
        // A new interface is not ready at once: so until one comes.
        std::int64_t const end = millrace::detail::monotonic_ns() + 10'000'000'000;
        while (got.empty() && millrace::detail::monotonic_ns() < end) {
            stranger.send("not for the group");
            if (!peer.send("mine")) return no_right;
            if (!fresh.engine.turn())
                fresh.engine.sleep(millrace::detail::monotonic_ns() + 2'000'000);
            pull(source);
        }
        return !got.empty() && got[0] == "mine" ? 0 : 1;
    });
    if (code == no_right) GTEST_SKIP() << "no right to make a network, or no ip to set it up";
    EXPECT_EQ(code, 0);
}

TEST_P(udp_group_on, takes_one_sender_of_a_group_if_told) {
    udp::listen_options options{
        .port = free_port(), .group = "232.1.2.3", .sender = "127.0.0.9", .interface = "lo"};
    std::optional<basic_udp_source<core_engine>> source;
    try {
        source.emplace(open(options));
    } catch (failure const& error) {
        GTEST_SKIP() << "no source-specific multicast here: " << error.what();
    }
    sender const peer(AF_INET, "232.1.2.3", options.port);
    sender const other(AF_INET, "232.1.2.3", options.port);
    for (auto const& [from, host] :
         {std::pair{&peer, "127.0.0.9"}, std::pair{&other, "127.0.0.8"}}) {
        sockaddr_in local{};
        local.sin_family = AF_INET;
        ::inet_pton(AF_INET, host, &local.sin_addr);
        ASSERT_EQ(::bind(from->fd, reinterpret_cast<sockaddr const*>(&local), sizeof local), 0);
    }
    if (!other.send("other")) GTEST_SKIP() << "lo carries no multicast";
    ASSERT_TRUE(peer.send("mine"));
    ASSERT_TRUE(gets(*source, 1));
    EXPECT_EQ(got, strings{"mine"});
}

TEST_P(udp_group_on, joins_a_group_from_the_first_partition_only) {
    udp::listen_options const options{.port = free_port(), .group = "239.1.2.3", .interface = "lo"};
    shared_env second{env, 1};
    auto source = udp::listen(options).open_source(second);
    pull(source);
    EXPECT_EQ(state, source_state::ended);
    EXPECT_EQ(source.port(), 0U);
    source.stop();
}

}  // namespace
