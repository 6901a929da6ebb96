// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// A request of 64 bytes and its answer over one connection, through a pipeline of one operator,
// against loops by hand and Asio. bench/net/README.md has the method.

#include <cstdint>
#include <string>
#include <sys/epoll.h>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <millrace/dsl.hpp>
#include <millrace/net.hpp>

#include "bare_ring.hpp"
#include "loopback.hpp"

namespace {
using namespace millrace;
using namespace bench_net;
namespace asio = boost::asio;

struct ask {
    std::uint64_t a;
    std::uint64_t b;
    std::uint64_t c;
    std::uint64_t d;
    std::uint64_t e;
    std::uint64_t f;
    std::uint64_t g;
    std::uint32_t h;
};
MILLRACE_RECORD(ask, a, b, c, d, e, f, g, h);
constexpr std::size_t wire = 64;  // a prefix of 4 and a record of 60

side ours(char const* name, wait_policy wait, io_tier io) {
    return service(name, {.wait = wait, .io = io}, [](std::uint16_t port) {
        return tcp::serve({.host = "127.0.0.1", .port = port}, length_prefix<4>{}) | decode<ask>()
               | map([](ask in) {
                     ++in.a;
                     return in;
                 })
               | encode() | reply();
    });
}

// --- the references ---

void count_up(char* frame) { ++frame[4]; }

template <int Flags>
void receive_loop(int listener) {
    int const fd = accept_one(listener);
    char buffer[4096];
    for (;;) {
        ssize_t const n = ::recv(fd, buffer, sizeof buffer, Flags);
        if (n < 0 && errno == EAGAIN) continue;
        if (n <= 0) break;
        count_up(buffer);
        send_all(fd, buffer, static_cast<std::size_t>(n));
    }
    ::close(fd);
}
template <bool Waits>
void ring_loop(int listener) {
    bare_ring ring(64, 4096);
    int const fd = accept_one(listener);
    char out[4096];
    bool over = false;
    auto const take = [&](io_uring_cqe const& got) {
        if (got.user_data != 1) return;
        if (got.res == 0) {
            over = true;
            return;
        }
        if (got.res < 0) die("ring");
        unsigned const id = got.flags >> IORING_CQE_BUFFER_SHIFT;
        auto const n = static_cast<std::size_t>(got.res);
        std::memcpy(out, ring.data(id), n);
        ring.give_back(id);
        count_up(out);
        io_uring_sqe* const e = ring.entry();
        ::io_uring_prep_send(e, fd, out, n, MSG_NOSIGNAL);
        e->user_data = 2;
        if ((got.flags & IORING_CQE_F_MORE) == 0) ring.receive(fd, 1);
    };
    ring.receive(fd, 1);
    while (!over) Waits ? ring.wait(take) : ring.spin(take);
    ::close(fd);
}
template <int Timeout>
void epoll_loop(int listener) {
    int const fd = accept_one(listener);
    int const poll = ::epoll_create1(0);
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    char buffer[4096];
    for (;;) {
        epoll_event ready[64];
        if (::epoll_wait(poll, ready, 64, Timeout) <= 0) continue;
        ssize_t const n = ::recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0) break;
        count_up(buffer);
        send_all(fd, buffer, static_cast<std::size_t>(n));
    }
    ::close(poll);
    ::close(fd);
}

struct asio_session {
    asio::ip::tcp::socket socket;
    char buffer[4096];
    void read() {
        socket.async_read_some(asio::buffer(buffer), [this](auto error, std::size_t n) {
            if (error) return;
            count_up(buffer);
            asio::async_write(socket, asio::buffer(buffer, n), [this](auto failed, std::size_t) {
                if (!failed) read();
            });
        });
    }
};
void asio_callbacks(int listener) {
    asio::io_context context(1);
    asio_session session{{context, asio::ip::tcp::v4(), accept_one(listener)}, {}};
    session.read();
    context.run();
}
asio::awaitable<void> echo(asio::ip::tcp::socket socket) {
    char buffer[4096];
    try {
        for (;;) {
            std::size_t const n =
                co_await socket.async_read_some(asio::buffer(buffer), asio::use_awaitable);
            count_up(buffer);
            co_await asio::async_write(socket, asio::buffer(buffer, n), asio::use_awaitable);
        }
    } catch (boost::system::system_error const&) {  // the client has closed
    }
}
void asio_coroutine(int listener) {
    asio::io_context context(1);
    asio::co_spawn(context, echo({context, asio::ip::tcp::v4(), accept_one(listener)}),
                   asio::detached);
    context.run();
}

// --- the client ---

struct latencies {
    double p50;
    double p99;
    double p999;
};
latencies measure(side const& server, int trips) {
    std::uint16_t const port = free_port();
    auto const end = server.start(port);
    int const fd = connect_to(port);
    char frame[wire]{};
    frame[3] = wire - 4;
    char back[wire];
    std::vector<double> all;
    all.reserve(static_cast<std::size_t>(trips));
    for (int i = -trips / 10; i < trips; ++i) {
        std::int64_t const begun = now_ns();
        send_all(fd, frame, wire);
        for (std::size_t got = 0; got < wire;) {
            ssize_t const n = ::recv(fd, back + got, wire - got, MSG_DONTWAIT);
            if (n > 0)
                got += static_cast<std::size_t>(n);
            else if (n == 0 || errno != EAGAIN)
                die(server.name);
        }
        if (i >= 0) all.push_back(static_cast<double>(now_ns() - begun) / 1000);
        if (back[4] != static_cast<char>(frame[4] + 1)) die("wrong answer");
        ++frame[4];
    }
    ::close(fd);
    end();
    return {at(all, 0.5), at(all, 0.99), at(all, 0.999)};
}

void compare(arguments const& args, std::string const& name, side const& mine,
             side const& reference, wanted const& p50, wanted const& p99, wanted const& p999) {
    if (!args.wants(name)) return;
    std::vector<double> us[3];
    std::vector<double> them[3];
    for (int round = 0; round < (args.quick ? 9 : 31); ++round) {
        latencies got[2]{};
        for (int turn = 0; turn < 2; ++turn) {
            bool const is_ours = (turn + round) % 2 == 0;
            got[is_ours] = measure(is_ours ? mine : reference, args.quick ? 2000 : 4000);
        }
        us[0].push_back(got[1].p50);
        us[1].push_back(got[1].p99);
        us[2].push_back(got[1].p999);
        them[0].push_back(got[0].p50);
        them[1].push_back(got[0].p99);
        them[2].push_back(got[0].p999);
    }
    print_ratio(name + "/p50", p50, us[0], them[0]);
    print_ratio(name + "/p99", p99, us[1], them[1]);
    if (p999.must > 0) print_ratio(name + "/p99.9", p999, us[2], them[2]);
}

}  // namespace

int main(int argc, char** argv) {
    arguments const args(argc, argv);
    pin(client_cpu);
    side const spinning = ours("ours, spin", wait_policy::spin, io_tier::automatic);
    side const waiting = ours("ours, wait", wait_policy::wait, io_tier::automatic);
    side const on_epoll = ours("ours, spin on epoll", wait_policy::spin, io_tier::epoll);
    wanted const none{.must = 0, .aim = 0};
    compare(args, "net/echo_spin_recv", spinning, plain("recv", receive_loop<MSG_DONTWAIT>),
            {1.30, 1.15}, {1.6, 1.3}, none);
    compare(args, "net/echo_spin_ring", spinning, plain("ring", ring_loop<false>), {1.15, 1.05},
            {1.6, 1.3}, none);
    compare(args, "net/echo_wait_ring", waiting, plain("ring, waits", ring_loop<true>),
            {1.15, 1.05}, {1.6, 1.3}, none);
    compare(args, "net/echo_epoll_tier", on_epoll, plain("epoll", epoll_loop<0>), {1.3, 1.1},
            {1.6, 1.3}, none);
    compare(args, "net/echo_asio", spinning, plain("asio", asio_callbacks), {1, 1}, {1, 1}, {1, 1});
    compare(args, "net/echo_asio_coroutine", spinning, plain("asio coroutine", asio_coroutine),
            {1, 1}, {1, 1}, {1, 1});
}
