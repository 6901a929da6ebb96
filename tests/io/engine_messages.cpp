// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <poll.h>

#include "engine_harness.hpp"
#include "scratch.hpp"

namespace {

using namespace millrace_test;

class messages : public every_tier {
protected:
    operation receives(int fd) {
        return {.fd = fd, .verb = op_verb::receive, .multishot = true, .pool = &engine().pool()};
    }
};
MILLRACE_ON_EVERY_TIER(messages);

TEST_P(messages, send_gathered_parts) {
    auto const [a, b] = socket_pair();
    iovec parts[2] = {{const_cast<char*>("ab"), 2}, {const_cast<char*>("cde"), 3}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    operation asked{.fd = a.fd, .verb = op_verb::send_message};
    asked.message = &message;
    EXPECT_EQ(result_of(engine(), asked), 5);
    std::array<char, 8> into{};
    EXPECT_EQ(::recv(b.fd, into.data(), 8, 0), 5);
    EXPECT_EQ(std::string_view(into.data()), "abcde");
}

TEST_P(messages, send_without_a_copy_where_they_can) {
    for (bool const tcp : {true, false}) {  // a Unix socket cannot
        auto const [a, b] = tcp ? tcp_pair() : socket_pair();
        std::string const content = noise(20'000);
        operation asked{.fd = a.fd, .verb = op_verb::send};
        asked.data = const_cast<char*>(content.data());
        asked.bytes = static_cast<std::uint32_t>(content.size());
        asked.zero_copy = true;
        probe writer(asked);
        probe reading(receives(b.fd));
        engine().submit(reading);
        engine().submit(writer);
        ASSERT_TRUE(until(
            engine(), [&] { return writer.over() && reading.bytes_got.size() == content.size(); }));
        EXPECT_EQ(writer.got.size(), 1U);
        EXPECT_EQ(writer.last(), 20'000);
        EXPECT_TRUE(reading.bytes_got == content);
        engine().cancel(reading);
        ASSERT_TRUE(until(engine(), [&] { return reading.over(); }));
        if (GetParam() != io_tier::epoll) {
            EXPECT_FALSE(writer.zero_copy);  // loopback copies: not asked for again
        }
    }
}

TEST_P(messages, poll_for_readiness) {
    auto const [a, b] = socket_pair();
    probe once({.fd = b.fd, .verb = op_verb::poll, .flags = POLLIN});
    probe often({.fd = b.fd, .verb = op_verb::poll, .multishot = true, .flags = POLLIN});
    engine().submit(once);
    engine().submit(often);
    for (int i = 0; i < 5; ++i) engine().turn();
    EXPECT_TRUE(once.got.empty());
    EXPECT_TRUE(often.got.empty());
    ASSERT_EQ(::send(a.fd, "1", 1, 0), 1);
    ASSERT_TRUE(until(engine(), [&] { return once.over() && !often.got.empty(); }));
    EXPECT_EQ(once.last() & POLLIN, POLLIN);
    EXPECT_TRUE(often.got[0].more);
    std::size_t const before = often.got.size();
    ASSERT_EQ(::send(a.fd, "2", 1, 0), 1);
    ASSERT_TRUE(until(engine(), [&] { return often.got.size() > before; }));
    engine().cancel(often);
    ASSERT_TRUE(until(engine(), [&] { return often.over(); }));
    EXPECT_EQ(often.last(), -ECANCELED);
}

/// Datagrams with their sender, control and truncation.
TEST_P(messages, receive_datagrams_with_their_senders) {
    socket_handle const in(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(in.fd, generic, size), 0);
    ASSERT_EQ(::getsockname(in.fd, generic, &size), 0);
    int const on = 1;
    ::setsockopt(in.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);

    msghdr shape{};
    shape.msg_namelen = sizeof(sockaddr_storage);
    shape.msg_controllen = 64;
    operation asked{.fd = in.fd, .verb = op_verb::receive_message, .multishot = true};
    asked.message = &shape;
    asked.pool = &engine().make_pool({.buffers = 4, .bytes = 512});
    probe reading(asked);
    struct seen {
        std::string data;
        int flags;
        sockaddr_in from;
        bool stamped;
    };
    std::vector<seen> all;
    reading.recycles = false;
    reading.then = [&](completion const& got) {
        if (got.result < 0) return;
        received_message const message = message_of(reading, got);
        seen one{std::string(message.data), message.flags, {}, false};
        ASSERT_EQ(message.address_bytes, sizeof(sockaddr_in));
        std::memcpy(&one.from, message.address, sizeof one.from);
        for (auto* part = next_control(message, nullptr); part != nullptr;
             part = next_control(message, part))
            one.stamped |= part->cmsg_type == SO_TIMESTAMPNS;
        all.push_back(one);
        reading.pool->recycle(got.buffer);
    };
    engine().submit(reading);
    engine().turn();
    socket_handle const out(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(::connect(out.fd, generic, size), 0);
    sockaddr_in own{};
    ASSERT_EQ(::getsockname(out.fd, reinterpret_cast<sockaddr*>(&own), &size), 0);
    std::string const large = noise(1000);
    for (std::string const& data : {std::string("one"), std::string(), large})
        ASSERT_EQ(::send(out.fd, data.data(), data.size(), 0), static_cast<ssize_t>(data.size()));
    ASSERT_TRUE(until(engine(), [&] { return all.size() == 3; }));
    EXPECT_EQ(all[0].data, "one");
    EXPECT_EQ(all[1].data, "");
    EXPECT_EQ(all[0].flags & MSG_TRUNC, 0);
    std::size_t const room = 512 - 16 - sizeof(sockaddr_storage) - 64;
    EXPECT_EQ(all[2].data, large.substr(0, room));
    EXPECT_EQ(all[2].flags & MSG_TRUNC, MSG_TRUNC);
    for (seen const& one : all) {
        EXPECT_TRUE(one.stamped);
        EXPECT_EQ(one.from.sin_port, own.sin_port);
    }
    engine().cancel(reading);
    ASSERT_TRUE(until(engine(), [&] { return reading.over(); }));
}

}  // namespace
