// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <fcntl.h>
#include <sys/resource.h>

#include "engine_harness.hpp"
#include "scratch.hpp"

namespace {

using namespace millrace_test;

class sockets : public every_tier {
protected:
    operation receives(int fd) {
        return {.fd = fd, .verb = op_verb::receive, .multishot = true, .pool = &engine().pool()};
    }
    static operation sends(int fd, std::string_view what) {
        return {.fd = fd,
                .verb = op_verb::send,
                .bytes = static_cast<std::uint32_t>(what.size()),
                .data = const_cast<char*>(what.data())};
    }
};
MILLRACE_ON_EVERY_TIER(sockets);

/// Sends back what it gets, whole, and ends with its peer.
struct echo {
    core_engine& engine;
    probe in;
    probe out;
    std::string waiting;
    std::string sending;

    echo(core_engine& with, int fd, operation const& receives)
        : engine(with), in(receives), out({.fd = fd, .verb = op_verb::send}) {
        in.then = [this](completion const&) {
            waiting += std::exchange(in.bytes_got, {});
            send_more();
        };
        out.then = [this](completion const& got) {
            ASSERT_GT(got.result, 0);
            sending.erase(0, static_cast<std::size_t>(got.result));
            send_more();
        };
        engine.submit(in);
    }
    void send_more() {
        if (out.pending) return;
        sending += std::exchange(waiting, {});
        if (sending.empty()) return;
        out.data = sending.data();
        out.bytes = static_cast<std::uint32_t>(sending.size());
        engine.submit(out);
    }
};

void check_echo(core_engine& engine, int client, int server, operation const& receives) {
    std::string const content = noise(300'000);
    echo answering(engine, server, receives);
    probe reader({.fd = client,
                  .verb = op_verb::receive,
                  .multishot = true,
                  .pool = &engine.make_pool({.buffers = 64, .bytes = 10'000})});
    engine.submit(reader);
    probe writer({.fd = client, .verb = op_verb::send});
    std::size_t sent = 0;
    auto const send = [&] {
        writer.data = const_cast<char*>(content.data()) + sent;
        writer.bytes = static_cast<std::uint32_t>(content.size() - sent);
        if (writer.bytes > 0) engine.submit(writer);
    };
    writer.then = [&](completion const& got) {
        ASSERT_GT(got.result, 0);
        sent += static_cast<std::size_t>(got.result);
        send();
    };
    send();
    ASSERT_TRUE(until(engine, [&] { return reader.bytes_got.size() >= content.size(); }));
    EXPECT_TRUE(reader.bytes_got == content);
    ::shutdown(client, SHUT_WR);
    ASSERT_TRUE(until(engine, [&] { return answering.in.over(); }));
    EXPECT_EQ(answering.in.last(), 0);
    engine.cancel(reader);
    ASSERT_TRUE(until(engine, [&] { return engine.pending() == 0; }));
    EXPECT_EQ(reader.last(), -ECANCELED);
    EXPECT_EQ(engine.pool().free(), engine.pool().capacity());
}

TEST_P(sockets, echo_over_a_socket_pair) {
    auto const [a, b] = socket_pair();
    check_echo(engine(), a.fd, b.fd, receives(b.fd));
}

TEST_P(sockets, echo_over_loopback) {
    auto const [a, b] = tcp_pair();
    check_echo(engine(), a.fd, b.fd, receives(b.fd));
}

TEST_P(sockets, wait_whether_they_are_set_to_block_or_not) {
    auto const [a, b] = tcp_pair();
    ::fcntl(a.fd, F_SETFL, O_NONBLOCK);
    ::fcntl(b.fd, F_SETFL, O_NONBLOCK);
    probe early(receives(b.fd));
    engine().submit(early);
    for (int i = 0; i < 5; ++i) engine().turn();
    EXPECT_TRUE(early.got.empty());
    engine().cancel(early);
    ASSERT_TRUE(until(engine(), [&] { return early.over(); }));
    EXPECT_EQ(early.last(), -ECANCELED);
    check_echo(engine(), b.fd, a.fd, receives(a.fd));
}

TEST_P(sockets, receive_into_memory_of_the_user) {
    auto const [a, b] = socket_pair();
    std::array<char, 8> into{};
    probe one({.fd = b.fd, .verb = op_verb::receive, .bytes = 5, .data = into.data()});
    engine().submit(one);
    for (int i = 0; i < 5; ++i) engine().turn();
    EXPECT_TRUE(one.pending);
    EXPECT_EQ(result_of(engine(), sends(a.fd, "abcdefgh")), 8);
    ASSERT_TRUE(until(engine(), [&] { return one.over(); }));
    EXPECT_EQ(one.last(), 5);
    EXPECT_EQ(std::string_view(into.data()), "abcde");
    EXPECT_EQ(one.got.back().buffer, no_buffer);
}

TEST_P(sockets, receive_once_into_the_pool) {
    auto const [a, b] = socket_pair();
    operation once = receives(b.fd);
    once.multishot = false;
    probe one(once);
    engine().submit(one);
    EXPECT_EQ(result_of(engine(), sends(a.fd, "abc")), 3);
    ASSERT_TRUE(until(engine(), [&] { return one.over(); }));
    EXPECT_EQ(one.bytes_got, "abc");
    EXPECT_EQ(engine().pool().free(), 64U);
}

TEST_P(sockets, accept_many_with_one_operation) {
    listener const here;
    probe accepting({.fd = here.socket.fd, .verb = op_verb::accept, .multishot = true});
    engine().submit(accepting);
    std::vector<socket_handle> clients;
    for (std::size_t i = 0; i < 50; ++i) {
        clients.push_back(here.connected());
        if (i % 10 == 9) {
            ASSERT_TRUE(until(engine(), [&] { return accepting.got.size() > i; }));
        }
    }
    for (std::size_t i = 0; i < 50; ++i) {
        ASSERT_GE(accepting.got[i].result, 0);
        EXPECT_TRUE(accepting.got[i].more);
        socket_handle const peer(accepting.got[i].result);
        EXPECT_NE(::fcntl(peer.fd, F_GETFD) & FD_CLOEXEC, 0);
    }
    engine().cancel(accepting);
    ASSERT_TRUE(until(engine(), [&] { return accepting.over(); }));
    EXPECT_EQ(accepting.last(), -ECANCELED);
    EXPECT_EQ(accepting.got.size(), 51U);
}

TEST_P(sockets, tell_when_descriptors_run_out_while_accepting) {
    core_engine& own = engine();
    listener const here;
    socket_handle const first = here.connected();
    probe accepting({.fd = here.socket.fd, .verb = op_verb::accept, .multishot = true});
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    int const next = ::dup(0);
    ::close(next);
    rlimit const none{static_cast<rlim_t>(next), before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    own.submit(accepting);
    bool const told = until(own, [&] { return accepting.over(); });
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(told);
    EXPECT_EQ(accepting.last(), -EMFILE);
    own.submit(accepting);  // and the connection is still there
    ASSERT_TRUE(until(own, [&] { return accepting.got.size() > 1; }));
    EXPECT_GE(accepting.last(), 0);
    ::close(accepting.last());
    own.cancel(accepting);
    ASSERT_TRUE(until(own, [&] { return accepting.over(); }));
}

TEST_P(sockets, connect_and_are_refused) {
    listener const here;
    socket_handle const client(::socket(AF_INET, SOCK_STREAM, 0));
    operation asked{.fd = client.fd, .verb = op_verb::connect};
    asked.address = here.generic();
    asked.address_bytes = sizeof here.address;
    EXPECT_EQ(result_of(engine(), asked), 0);
    EXPECT_EQ(result_of(engine(), sends(client.fd, "x")), 1);

    socket_handle const other(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in closed = here.address;
    {
        listener const gone;
        closed = gone.address;
    }
    asked.fd = other.fd;
    asked.address = reinterpret_cast<sockaddr const*>(&closed);
    EXPECT_EQ(result_of(engine(), asked), -ECONNREFUSED);
}

TEST_P(sockets, cancel_what_is_pending) {
    auto const [a, b] = socket_pair();
    probe armed(receives(b.fd));
    engine().submit(armed);
    engine().turn();
    engine().cancel(armed);
    EXPECT_TRUE(armed.pending);
    ASSERT_TRUE(until(engine(), [&] { return armed.over(); }));
    EXPECT_EQ(armed.last(), -ECANCELED);
    EXPECT_EQ(armed.got.size(), 1U);

    probe queued(receives(b.fd));  // before the kernel has seen it
    engine().submit(queued);
    engine().cancel(queued);
    engine().cancel(queued);
    ASSERT_TRUE(until(engine(), [&] { return queued.over(); }));
    EXPECT_EQ(queued.last(), -ECANCELED);
    EXPECT_EQ(queued.got.size(), 1U);
    engine().cancel(queued);  // of what is over: nothing
    engine().turn();
    EXPECT_EQ(queued.got.size(), 1U);
    EXPECT_EQ(engine().pending(), 0U);

    // Nothing was eaten by the dead.
    probe alive(receives(b.fd));
    engine().submit(alive);
    EXPECT_EQ(result_of(engine(), sends(a.fd, "here")), 4);
    ASSERT_TRUE(until(engine(), [&] { return alive.bytes_got == "here"; }));
    engine().cancel(alive);
    ASSERT_TRUE(until(engine(), [&] { return alive.over(); }));
}

TEST_P(sockets, cancel_one_another_in_their_handlers) {
    auto const [a, b] = socket_pair();
    auto const [c, d] = socket_pair();
    probe first(receives(b.fd));
    probe second(receives(d.fd));
    first.then = [&](completion const& got) {
        if (got.result > 0) engine().cancel(second);
        if (got.result > 0) engine().cancel(first);
    };
    second.then = [&](completion const& got) {
        if (got.result > 0) engine().cancel(first);
        if (got.result > 0) engine().cancel(second);
    };
    engine().submit(first);
    engine().submit(second);
    engine().turn();
    ASSERT_EQ(::send(a.fd, "1", 1, 0), 1);
    ASSERT_EQ(::send(c.fd, "2", 1, 0), 1);
    ASSERT_TRUE(until(engine(), [&] { return first.over() && second.over(); }));
    EXPECT_EQ(first.last(), -ECANCELED);
    EXPECT_EQ(second.last(), -ECANCELED);
    EXPECT_FALSE((first.bytes_got + second.bytes_got).empty());
}

TEST_P(sockets, tell_of_a_reset) {
    auto [a, b] = tcp_pair();
    probe reading(receives(b.fd));
    engine().submit(reading);
    engine().turn();
    linger const now{1, 0};
    ::setsockopt(a.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    a = socket_handle();
    ASSERT_TRUE(until(engine(), [&] { return reading.over(); }));
    EXPECT_EQ(reading.last(), -ECONNRESET);
    EXPECT_EQ(result_of(engine(), sends(b.fd, "x")), -EPIPE);
}

TEST_P(sockets, tell_of_the_end_behind_the_last_bytes) {
    for (int round = 0; round < 50; ++round) {
        auto [a, b] = tcp_pair();
        probe reading(receives(b.fd));
        engine().submit(reading);
        if (round % 2 == 0) engine().turn();
        ASSERT_EQ(::send(a.fd, "end", 3, 0), 3);
        if (round % 3 == 0) engine().turn();
        a = socket_handle();
        ASSERT_TRUE(until(engine(), [&] { return reading.over(); })) << round;
        EXPECT_EQ(reading.bytes_got, "end");
        EXPECT_EQ(reading.last(), 0);
    }
}

TEST_P(sockets, send_in_parts_what_does_not_fit) {
    auto const [a, b] = tcp_pair();
    int const small = 8192;
    ::setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    std::string const content = noise(1 << 20);
    probe writer(sends(a.fd, content));
    unsigned parts = 0;
    std::size_t sent = 0;
    writer.then = [&](completion const& got) {
        ASSERT_GT(got.result, 0);
        ++parts;
        sent += static_cast<std::size_t>(got.result);
        writer.data = const_cast<char*>(content.data()) + sent;
        writer.bytes = static_cast<std::uint32_t>(content.size() - sent);
        if (sent < content.size()) engine().submit(writer);
    };
    engine().submit(writer);
    for (int i = 0; i < 20; ++i) engine().turn();
    EXPECT_LT(sent, content.size());  // the window is closed: nobody reads
    EXPECT_TRUE(writer.pending);
    probe reading(receives(b.fd));
    engine().submit(reading);
    ASSERT_TRUE(until(engine(), [&] { return reading.bytes_got.size() == content.size(); }));
    EXPECT_TRUE(reading.bytes_got == content);
    EXPECT_GT(parts, 1U);
    engine().cancel(reading);
    ASSERT_TRUE(until(engine(), [&] { return engine().pending() == 0; }));
}

TEST_P(sockets, refuse_what_is_no_descriptor) {
    EXPECT_EQ(result_of(engine(), sends(-1, "x")), -EBADF);
    EXPECT_EQ(result_of(engine(), {.fd = 9'999, .verb = op_verb::accept}), -EBADF);
    scratch const directory;
    socket_handle const file(::open(directory.put("f", "x").c_str(), O_RDONLY));
    EXPECT_EQ(result_of(engine(), receives(file.fd)), -ENOTSOCK);
}

TEST_P(sockets, reuse_the_number_of_a_closed_descriptor) {
    int last = -1;
    for (int round = 0; round < 20; ++round) {
        auto [a, b] = tcp_pair();
        EXPECT_TRUE(round == 0 || b.fd == last);
        last = b.fd;
        probe reading(receives(b.fd));
        engine().submit(reading);
        engine().turn();
        ASSERT_EQ(::send(a.fd, "x", 1, 0), 1);
        ASSERT_TRUE(until(engine(), [&] { return reading.bytes_got == "x"; }));
        engine().cancel(reading);
        ASSERT_TRUE(until(engine(), [&] { return reading.over(); }));
    }
}

TEST_P(sockets, give_each_of_many_its_turn) {
    constexpr int count = 100;
    std::vector<std::pair<socket_handle, socket_handle>> pairs;
    std::vector<std::unique_ptr<probe>> readers;
    for (int i = 0; i < count; ++i) {
        pairs.push_back(socket_pair());
        readers.push_back(std::make_unique<probe>(receives(pairs.back().second.fd)));
        engine().submit(*readers.back());
    }
    for (int round = 0; round < 20; ++round)
        for (auto const& [a, b] : pairs) {
            ASSERT_EQ(::send(a.fd, "0123456789", 10, 0), 10);
            engine().turn();
        }
    ASSERT_TRUE(until(engine(), [&] {
        for (auto const& one : readers)
            if (one->bytes_got.size() < 200) return false;
        return true;
    }));
    for (auto const& one : readers) engine().cancel(*one);
    ASSERT_TRUE(until(engine(), [&] { return engine().pending() == 0; }));
}

}  // namespace
