// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the network benchmarks share: sockets on the loopback, threads on processors, rounds in
// which the sides alternate, and their ratios as JSON lines.

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <millrace/scheduler/running.hpp>

namespace bench_net {

constexpr unsigned client_cpu = 0;
constexpr unsigned server_cpu = 1;

[[noreturn]] inline void die(char const* what) {
    std::perror(what);
    std::exit(70);
}
inline void pin(unsigned cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) {
        std::fprintf(stderr, "bench: net needs the processors 0 and 1\n");
        std::exit(0);
    }
}
/// A run may only use the processors of the thread that starts it.
inline void unpin() {
    cpu_set_t both;
    CPU_ZERO(&both);
    CPU_SET(client_cpu, &both);
    CPU_SET(server_cpu, &both);
    ::sched_setaffinity(0, sizeof both, &both);
}
inline std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// --- sockets ---

inline void no_delay(int fd) {
    int const one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}
inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}
inline int listen_on(std::uint16_t port, int socket_bytes = 0) {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int const one = 1;
    if (socket_bytes != 0)
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &socket_bytes, sizeof socket_bytes);
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in const a = loopback(port);
    if (::bind(fd, reinterpret_cast<sockaddr const*>(&a), sizeof a) != 0) die("bind");
    if (::listen(fd, 1024) != 0) die("listen");
    return fd;
}
/// A port that was free a moment ago.
inline std::uint16_t free_port() {
    int const fd = listen_on(0);
    sockaddr_in a{};
    socklen_t size = sizeof a;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
    ::close(fd);
    return ntohs(a.sin_port);
}
inline int accept_one(int listener) {
    int const fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) die("accept");
    no_delay(fd);
    return fd;
}
/// Tries for ten seconds. Without pacing, which some machines have as their default (BBR) and which
/// would be what is measured.
inline int connect_to(std::uint16_t port) {
    sockaddr_in const a = loopback(port);
    for (int i = 0; i < 10'000; ++i) {
        int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(fd, reinterpret_cast<sockaddr const*>(&a), sizeof a) == 0) {
            no_delay(fd);
            ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
            return fd;
        }
        ::close(fd);
        ::usleep(1000);
    }
    die("connect");
}
inline void send_all(int fd, char const* data, std::size_t bytes) {
    while (bytes != 0) {
        ssize_t const n = ::send(fd, data, bytes, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) die("send");
        data += n;
        bytes -= static_cast<std::size_t>(n);
    }
}

// --- sides ---

/// A server for one round: serves a fresh port on a thread of its own until its clients are gone.
struct side {
    char const* name;
    std::function<std::function<void()>(std::uint16_t port)> start;  ///< gives what ends it
};
/// A server that is a function of its listening socket and returns when its clients have closed.
inline side plain(char const* name, void (*serve)(int listener), int socket_bytes = 0) {
    return {name, [serve, socket_bytes](std::uint16_t port) -> std::function<void()> {
                int const listener = listen_on(port, socket_bytes);
                auto thread = std::make_shared<std::thread>([serve, listener] {
                    pin(server_cpu);
                    serve(listener);
                    ::close(listener);
                });
                return [thread] { thread->join(); };
            }};
}

/// Ours: a pipeline for each port, on one core.
template <class Make>
side service(char const* name, millrace::run_settings settings, Make make) {
    settings.cores = {server_cpu};
    return {name, [settings, make](std::uint16_t port) -> std::function<void()> {
                unpin();
                auto running = std::make_shared<millrace::running>(start(make(port), settings));
                pin(client_cpu);
                return [running] {
                    running->stop();
                    millrace::report const r = running->wait();
                    if (r.ok()) return;
                    std::fprintf(stderr, "%s\n", r.message.c_str());
                    std::exit(70);
                };
            }};
}

// --- figures ---

inline double at(std::vector<double> all, double part) {
    if (all.empty()) return 0;
    auto const nth = static_cast<std::ptrdiff_t>(part * static_cast<double>(all.size() - 1));
    std::nth_element(all.begin(), all.begin() + nth, all.end());
    return all[static_cast<std::size_t>(nth)];
}
struct wanted {
    double must = 1;
    double aim = 1;
    bool higher_is_better = false;
    char const* unit = "us";
};
/// The median of the rounds' ratios, with the quarters beside it, which say how far to trust it.
inline void print_ratio(std::string const& name, wanted const& goal,
                        std::vector<double> const& ours, std::vector<double> const& reference) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i] / reference[i]);
    std::printf(
        "{\"bench\":\"%s\",\"ratio\":%.3f,\"quarters\":[%.3f,%.3f],\"must\":%.2f,\"aim\":%.2f,"
        "\"better\":\"%s\",\"ours\":%.3f,\"reference\":%.3f,\"unit\":\"%s\",\"rounds\":%zu}\n",
        name.c_str(), at(ratios, 0.5), at(ratios, 0.25), at(ratios, 0.75), goal.must, goal.aim,
        goal.higher_is_better ? "higher" : "lower", at(ours, 0.5), at(reference, 0.5), goal.unit,
        ratios.size());
    std::fflush(stdout);
}
struct arguments {
    bool quick = false;
    std::string filter;
    arguments(int argc, char** argv) {
        for (int i = 1; i < argc; ++i)
            if (std::strcmp(argv[i], "--quick") == 0)
                quick = true;
            else
                filter = argv[i];
    }
    [[nodiscard]] bool wants(std::string_view name) const {
        return name.find(filter) != std::string_view::npos;
    }
};

}  // namespace bench_net
