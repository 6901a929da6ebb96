// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Asks `rate_limiter` at a fixed rate over one connection, and prints how long the answers took,
// each from when its question was to be sent.

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

std::int64_t now_ns() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

int connect_to(std::uint16_t port) {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr const*>(&at), sizeof at) != 0)
        throw std::runtime_error("127.0.0.1: nobody listens on that port");
    int const one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/// Every answer is a line, in the order of the questions.
int run(std::uint16_t port, double rate, double seconds, unsigned keys) {
    int const fd = connect_to(port);
    double const gap = 1e9 / rate;
    std::int64_t const begun = now_ns();
    std::int64_t const measured = begun + static_cast<std::int64_t>(seconds * 1e8);
    std::int64_t const end = begun + static_cast<std::int64_t>(seconds * 1.1e9);
    auto next = static_cast<double>(begun);
    std::deque<std::int64_t> owed;
    std::vector<std::int64_t> latencies;
    std::uint64_t number = 0;
    std::string out;
    while (now_ns() < end + 1'000'000'000) {
        std::int64_t const now = now_ns();
        for (; next < static_cast<double>(std::min(now, end)); next += gap) {
            out += "key" + std::to_string(number++ * 7919 % keys) + '\n';
            owed.push_back(static_cast<std::int64_t>(next));
        }
        if (!out.empty()) {
            ssize_t const n = ::send(fd, out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0 && errno != EAGAIN) throw std::runtime_error("the connection broke");
            if (n > 0) out.erase(0, static_cast<std::size_t>(n));
        }
        char in[65536];
        ssize_t const n = ::recv(fd, in, sizeof in, MSG_DONTWAIT);
        if (n == 0) throw std::runtime_error("closed by the service");
        std::int64_t const came = now_ns();
        for (auto lines = std::count(in, in + std::max<ssize_t>(n, 0), '\n'); lines > 0; --lines) {
            if (owed.empty()) throw std::runtime_error("an answer that nobody asked for");
            if (owed.front() >= measured) latencies.push_back(came - owed.front());
            owed.pop_front();
        }
        if (came > end && owed.empty() && out.empty()) break;
    }
    ::close(fd);
    std::sort(latencies.begin(), latencies.end());
    auto const at = [&](double part) {
        auto const i = static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1));
        return static_cast<double>(latencies.empty() ? 0 : latencies[i]) / 1000;
    };
    std::printf(
        "%.0f questions/s: p50 %.1f us, p99 %.1f us, p99.9 %.1f us, max %.1f us, lost %zu\n", rate,
        at(0.5), at(0.99), at(0.999), at(1), owed.size());
    return owed.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) {
        std::fputs("usage: rate_limiter_ask PORT PROCESSOR RATE SECONDS KEYS\n", stderr);
        return 2;
    }
    try {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(std::stoul(argv[2]), &set);
        if (::sched_setaffinity(0, sizeof set, &set) != 0)
            throw std::runtime_error("this processor is not allowed");
        return run(static_cast<std::uint16_t>(std::stoul(argv[1])), std::stod(argv[3]),
                   std::stod(argv[4]), static_cast<unsigned>(std::stoul(argv[5])));
    } catch (std::exception const& e) {
        std::fprintf(stderr, "rate_limiter_ask: %s\n", e.what());
        return 2;
    }
}
