// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Many connections, each with one request under way, against an epoll loop; and one connection that
// sends faster than the sink takes, with a pool of 256 KiB against one of 4 MiB.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <sys/epoll.h>
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/net.hpp>
#include <millrace/scheduler/running.hpp>

#include "bare_ring.hpp"
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
constexpr unsigned connections = 256;

side answering() {
    return service("ours", {.wait = wait_policy::spin}, [](std::uint16_t port) {
        return tcp::serve({.host = "127.0.0.1", .port = port}, length_prefix<4>{})
               | decode<question>() | map([](question in) {
                     ++in.number;
                     return in;
                 })
               | encode() | reply();
    });
}
void epoll_loop(int listener) {
    int const poll = ::epoll_create1(0);
    for (unsigned i = 0; i < connections; ++i) {
        int const fd = accept_one(listener);
        epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
        ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
    char buffer[4096];
    for (unsigned left = connections; left != 0;) {
        epoll_event ready[256];
        int const n = ::epoll_wait(poll, ready, 256, 0);
        for (int i = 0; i < n; ++i) {
            int const fd = ready[i].data.fd;
            ssize_t const got = ::recv(fd, buffer, sizeof buffer, 0);
            if (got <= 0) {
                ::close(fd);
                --left;
                continue;
            }
            ++buffer[4];
            send_all(fd, buffer, static_cast<std::size_t>(got));
        }
    }
    ::close(poll);
}

/// Thousand answers a second. The client is the same ring for both sides.
double measure(side const& server, std::uint64_t messages) {
    std::uint16_t const port = free_port();
    auto const end = server.start(port);
    double rate = 0;
    {
        bare_ring ring(1024, 256);
        std::vector<int> fds;
        for (unsigned i = 0; i < connections; ++i) {
            fds.push_back(connect_to(port));
            ring.receive(fds.back(), i + 1);
            ring.spin([](io_uring_cqe const&) {});
        }
        char frame[wire]{};
        frame[3] = wire - 4;
        std::uint64_t answers = 0;
        auto const ask_on = [&](std::size_t i) {
            io_uring_sqe* e = nullptr;
            while ((e = ring.entry()) == nullptr) ring.submit();
            ::io_uring_prep_send(e, fds[i], frame, wire, MSG_NOSIGNAL);
            e->user_data = 0;
        };
        auto const take = [&](io_uring_cqe const& got) {
            if (got.user_data == 0) return;
            if (got.res != wire) die(server.name);
            ring.give_back(got.flags >> IORING_CQE_BUFFER_SHIFT);
            if ((got.flags & IORING_CQE_F_MORE) == 0)
                ring.receive(fds[got.user_data - 1], got.user_data);
            ++answers;
            ask_on(got.user_data - 1);
        };
        for (std::size_t i = 0; i < connections; ++i) ask_on(i);
        while (answers < messages / 10) ring.spin(take);
        std::uint64_t const before = answers;
        std::int64_t const begun = now_ns();
        while (answers < messages) ring.spin(take);
        rate = static_cast<double>(answers - before) * 1e6 / static_cast<double>(now_ns() - begun);
        for (int const fd : fds) ::close(fd);
    }
    end();
    return rate;
}

// --- a sink slower than its source ---

std::uint64_t taken = 0;

side slow(char const* name, std::uint32_t buffers) {
    return service(name, {.wait = wait_policy::spin}, [buffers](std::uint16_t port) {
        return tcp::listen({.host = "127.0.0.1", .port = port, .buffers = buffers},
                           length_prefix<4>{})
               | to([](frame const&) {
                     std::int64_t const end = now_ns() + 500;
                     while (now_ns() < end) {
                     }
                     ++taken;
                 });
    });
}
struct overload {
    double rate;    // million records a second
    double growth;  // of the resident memory, from a tenth of the run to its end: a ratio
};
double resident() {
    long pages = 0;
    std::FILE* const f = std::fopen("/proc/self/statm", "r");
    if (f == nullptr || std::fscanf(f, "%*s %ld", &pages) != 1) die("statm");
    std::fclose(f);
    return static_cast<double>(pages);
}
overload flood(side const& server, std::size_t blocks) {
    taken = 0;
    constexpr std::size_t block = 1000;
    constexpr std::size_t record = 100;
    std::vector<char> data(block * record);
    for (std::size_t i = 0; i < block; ++i) data[i * record + 3] = record - 4;
    std::uint16_t const port = free_port();
    auto const end = server.start(port);
    int const fd = connect_to(port);
    std::int64_t const begun = now_ns();
    double early = 0;
    for (std::size_t b = 0; b < blocks; ++b) {
        if (b == blocks / 10) early = resident();
        send_all(fd, data.data(), data.size());
    }
    double const late = resident();
    ::shutdown(fd, SHUT_WR);
    char byte = 0;
    if (::recv(fd, &byte, 1, 0) != 0) die(server.name);
    double const ns = static_cast<double>(now_ns() - begun);
    ::close(fd);
    end();
    if (taken != blocks * block) {
        std::fprintf(stderr, "%s: lost records: %llu of %zu\n", server.name,
                     static_cast<unsigned long long>(taken), blocks * block);
        std::exit(70);
    }
    return {static_cast<double>(taken) * 1000 / ns, late / early};
}

}  // namespace

int main(int argc, char** argv) {
    arguments const args(argc, argv);
    pin(client_cpu);
    int const rounds = args.quick ? 9 : 31;
    if (args.wants("net/connections_256")) {
        std::vector<double> us;
        std::vector<double> them;
        side const ours = answering();
        side const reference = plain("epoll", epoll_loop);
        for (int round = 0; round < rounds; ++round)
            for (int turn = 0; turn < 2; ++turn) {
                bool const is_ours = (turn + round) % 2 == 0;
                (is_ours ? us : them)
                    .push_back(measure(is_ours ? ours : reference, args.quick ? 30'000 : 60'000));
            }
        print_ratio("net/connections_256", {1.1, 1.2, true, "k messages/s"}, us, them);
    }
    if (args.wants("net/starved_pool")) {
        std::vector<double> us;
        std::vector<double> them;
        std::vector<double> growth;
        side const starved = slow("256 KiB", 4);
        side const roomy = slow("4 MiB", 64);
        for (int round = 0; round < rounds; ++round)
            for (int turn = 0; turn < 2; ++turn) {
                bool const is_starved = (turn + round) % 2 == 0;
                overload const got = flood(is_starved ? starved : roomy, args.quick ? 100 : 200);
                (is_starved ? us : them).push_back(got.rate);
                if (is_starved) growth.push_back(got.growth);
            }
        print_ratio("net/starved_pool", {0.95, 0.95, true, "M records/s"}, us, them);
        std::printf(
            "{\"bench\":\"net/starved_pool_memory\",\"ratio\":%.3f,\"must\":1.05,\"aim\":1."
            "05,\"better\":\"lower\",\"unit\":\"resident, late / early\"}\n",
            at(growth, 1));
    }
}
