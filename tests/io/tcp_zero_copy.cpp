// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <millrace/io/tcp.hpp>

#include "tcp_harness.hpp"
#include "tcp_server.hpp"

namespace {

using namespace millrace;
using namespace tcp_test;

bytes record(std::string_view text) { return {text, true}; }

class tcp_zero_copy : public on_every_tier {};
MILLRACE_ON_EVERY_TIER(tcp_zero_copy);

TEST_P(tcp_zero_copy, sends_large_batches_without_a_copy_where_it_is_asked_to) {
    server at;
    env<> world(GetParam());
    auto sink = tcp::connect({.host = "127.0.0.1",
                              .port = at.port,
                              .unsent_bytes = 1 << 20,
                              .zero_copy_from = 16 * 1024})
                    .open_sink(world);
    client peer;
    ASSERT_TRUE(until_accepted(world, at, peer));
    std::string sent;
    for (int batch = 0; batch < 3; ++batch) {
        sink.write(record("small"));
        sink.batch_end();
        sent += "small\n";
        ASSERT_TRUE(wait_for([&] { world.engine.turn(); }, [&] { return sink.drained(); }));
        std::string const large(40'000, static_cast<char>('a' + batch));
        sink.write(record(large));
        sink.batch_end();
        sent += large + '\n';
        ASSERT_TRUE(wait_for([&] { world.engine.turn(), (void)peer.read(); },
                             [&] { return sink.drained(); }));
    }
    ASSERT_TRUE(wait_for([&] { world.engine.turn(), (void)peer.read(); },
                         [&] { return peer.got.size() == sent.size(); }));
    EXPECT_EQ(peer.got, sent);
    // The loopback copies: it is asked once, and then no more.
    EXPECT_EQ(world.engine.counts().copied, GetParam() == io_tier::epoll ? 0U : 1U);
}

TEST_P(tcp_zero_copy, closes_although_its_peer_never_takes_what_was_not_copied) {
    server at;
    env<> world(GetParam());
    auto sink = tcp::connect({.host = "127.0.0.1",
                              .port = at.port,
                              .unsent_bytes = 64 << 20,
                              .zero_copy_from = 16 * 1024})
                    .open_sink(world);
    client peer;
    ASSERT_TRUE(until_accepted(world, at, peer));
    std::string const large(60'000, 'x');
    for (int i = 0; i < 800; ++i) sink.write(record(large));
    sink.batch_end();
    for (int i = 0; i < 100; ++i) world.engine.turn();
    sink.close(false);  // would not return
    EXPECT_FALSE(sink.drained() && sink.counts().lost == 0);
}

}  // namespace
