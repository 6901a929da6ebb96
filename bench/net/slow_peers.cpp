// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What a thousand slow peers do to the latency of a good one (S17): the p99 of its echo with them
// and without.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/net.hpp>

#include "loopback.hpp"

namespace {
using namespace millrace;
using namespace bench_net;

struct question {
    std::uint64_t number;
    std::uint64_t a;
    std::uint64_t b;
    std::uint64_t c;
    std::uint64_t d;
    std::uint64_t e;
    std::uint64_t f;
    std::uint32_t g;
};
MILLRACE_RECORD(question, number, a, b, c, d, e, f, g);
constexpr std::size_t wire = 64;
constexpr std::size_t slow_peers = 1000;
constexpr std::int64_t dribble_every = 1'000'000;  ///< ns: each sends a byte every half a second

side answering(char const* name, io_tier tier) {
    return service(name, {.wait = wait_policy::spin, .io = tier}, [](std::uint16_t port) {
        return tcp::serve({.host = "127.0.0.1", .port = port, .limits = {.frame_time = minutes(5)}},
                          length_prefix<4>{})
               | decode<question>() | map([](question in) {
                     ++in.number;
                     return in;
                 })
               | encode() | reply();
    });
}

/// One half sends a frame byte by byte; the other asks until nothing more is taken, and reads no
/// answer.
class crowd {
public:
    explicit crowd(std::uint16_t port) {
        char frame[wire]{};
        frame[3] = wire - 4;
        int const small = 4096;
        for (std::size_t i = 0; i < slow_peers; ++i) {
            int const fd = connect_to(port);
            all_.push_back(fd);
            if (i % 2 == 0) continue;
            ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
            ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
            for (int asked = 0; asked < 1000; ++asked)
                if (::send(fd, frame, wire, MSG_DONTWAIT | MSG_NOSIGNAL) != wire) break;
        }
    }
    crowd(crowd const&) = delete;
    crowd& operator=(crowd const&) = delete;
    ~crowd() {
        for (int const fd : all_) ::close(fd);
    }
    /// A byte of one of them, if it is time.
    void dribble(std::int64_t now) {
        if (now < next_) return;
        next_ = now + dribble_every;
        std::size_t const peer = turn_ % (slow_peers / 2) * 2;
        std::size_t const at = turn_++ / (slow_peers / 2) % wire;
        char const byte = at == 3 ? char{wire - 4} : char{0};
        send_all(all_[peer], &byte, 1);
    }

private:
    std::vector<int> all_;
    std::size_t turn_ = 0;
    std::int64_t next_ = 0;
};

/// The p50 and the p99 of the good peer, in µs.
struct latency {
    double p50;
    double p99;
};
latency measure(side const& server, bool crowded, int trips) {
    std::uint16_t const port = free_port();
    auto const end = server.start(port);
    std::vector<double> all;
    {
        int const fd = connect_to(port);
        std::unique_ptr<crowd> others;
        if (crowded) others = std::make_unique<crowd>(port);
        char frame[wire]{};
        frame[3] = wire - 4;
        char back[wire];
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
            std::int64_t const done = now_ns();
            if (i >= 0) all.push_back(static_cast<double>(done - begun) / 1000);
            if (back[4] != static_cast<char>(frame[4] + 1)) die("wrong answer");
            ++frame[4];
            if (others) others->dribble(done);
        }
        ::close(fd);
    }
    end();
    return {at(all, 0.5), at(all, 0.99)};
}

void compare(arguments const& args, std::string const& name, io_tier tier) {
    if (!args.wants(name)) return;
    side const server = answering(name.c_str(), tier);
    std::vector<double> crowded[2];
    std::vector<double> alone[2];
    for (int round = 0; round < (args.quick ? 9 : 31); ++round)
        for (int turn = 0; turn < 2; ++turn) {
            bool const with = (turn + round) % 2 == 0;
            latency const got = measure(server, with, args.quick ? 20'000 : 50'000);
            (with ? crowded : alone)[0].push_back(got.p50);
            (with ? crowded : alone)[1].push_back(got.p99);
        }
    print_ratio(name + "/p50", {1.10, 1.05}, crowded[0], alone[0]);
    print_ratio(name + "/p99", {1.10, 1.05}, crowded[1], alone[1]);
}

}  // namespace

int main(int argc, char** argv) {
    arguments const args(argc, argv);
    pin(client_cpu);
    compare(args, "net/slow_peers", io_tier::automatic);
    compare(args, "net/slow_peers_epoll", io_tier::epoll);
}
