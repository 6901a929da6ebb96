// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// How long a bar takes: from when the tick that makes it due was to be sent, until it is here. Asks
// a `bars` of its own, started with `--group '' --host 127.0.0.1`.

#include <algorithm>
#include <arpa/inet.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t disorder = 100'000'000;  // what `bars` waits by default, in the ticks' time

std::int64_t now_ns() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * second + t.tv_nsec;
}

/// Ticks to 127.0.0.1:7600, bars at 127.0.0.1:7601.
class market {
public:
    market() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in at = loopback(7601);
        int const room = 4 << 20;
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        if (::bind(fd_, reinterpret_cast<sockaddr const*>(&at), sizeof at) != 0)
            throw std::runtime_error("127.0.0.1:7601: the address is taken");
        at = loopback(7600);
        if (::connect(sender_, reinterpret_cast<sockaddr const*>(&at), sizeof at) != 0)
            throw std::runtime_error("127.0.0.1:7600: can't be reached");
    }
    market(market const&) = delete;
    market& operator=(market const&) = delete;
    ~market() {
        ::close(fd_);
        ::close(sender_);
    }
    /// As bars.hpp describes it: packed, little endian, the symbol a length and eight bytes.
    void tick(unsigned symbol, std::uint64_t sequence, std::int64_t time) {
        char out[37]{};
        std::string const name = std::to_string(symbol).insert(0, 1, 'S');
        std::int64_t const price = 100;
        std::uint32_t const size = 1;
        out[0] = static_cast<char>(name.size());
        std::memcpy(out + 1, name.data(), name.size());
        std::memcpy(out + 9, &sequence, 8);
        std::memcpy(out + 17, &price, 8);
        std::memcpy(out + 25, &size, 4);
        std::memcpy(out + 29, &time, 8);
        if (::send(sender_, out, sizeof out, 0) < 0) throw std::runtime_error("bars: is not there");
    }
    /// Bars that are here.
    unsigned bars() {
        char in[128];
        unsigned count = 0;
        while (::recv(fd_, in, sizeof in, MSG_DONTWAIT) > 0) ++count;
        return count;
    }

private:
    static sockaddr_in loopback(std::uint16_t port) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return at;
    }
    int fd_;
    int sender_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

/// The ticks of a second of theirs every `gap` ns of ours, `each` of every symbol, then the tick
/// that makes its bars due.
int run(unsigned symbols, unsigned each, std::int64_t gap, unsigned seconds) {
    market here;
    std::vector<std::int64_t> latencies;
    std::vector<std::uint64_t> sequence(symbols);
    std::int64_t const first = std::time(nullptr) - seconds - 1;  // none is ahead of the clock
    std::int64_t due = now_ns() + gap;
    unsigned lost = 0;
    for (unsigned s = 0; s < seconds; ++s, due += gap) {
        std::int64_t const begin = (first + s) * second;
        for (unsigned t = 0; t < each; ++t)
            for (unsigned symbol = 0; symbol < symbols; ++symbol)
                here.tick(symbol, ++sequence[symbol],
                          begin + 2 * disorder + t * (second / 2 / each));
        while (now_ns() < due) {
        }
        if (here.bars() != 0) throw std::runtime_error("a bar before its time");
        here.tick(0, ++sequence[0], begin + second + disorder + 1'000'000);
        unsigned left = symbols;
        while (left != 0 && now_ns() < due + second) {
            unsigned const got = here.bars();
            std::int64_t const latency = now_ns() - due;
            left -= std::min(left, got);
            if (s >= seconds / 10) latencies.insert(latencies.end(), got, latency);
        }
        lost += left;
        due = std::max(due, now_ns());
    }
    std::sort(latencies.begin(), latencies.end());
    auto const at = [&](double part) {
        auto const i = static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1));
        return static_cast<double>(latencies.empty() ? 0 : latencies[i]) / 1000;
    };
    std::printf(
        "%zu bars of %u symbols, %u ticks each: p50 %.1f us, p99 %.1f us, p99.9 %.1f us, "
        "max %.1f us, lost %u\n",
        latencies.size(), symbols, each, at(0.5), at(0.99), at(0.999), at(1), lost);
    return lost == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) {
        std::fputs(
            "usage: bars_latency PROCESSOR SYMBOLS TICKS MICROSECONDS SECONDS\n"
            "Every so many microseconds the ticks of one second of theirs, as many of each "
            "symbol.\n",
            stderr);
        return 2;
    }
    try {
        unsigned long given[5];
        for (int i = 0; i < 5; ++i) given[i] = std::stoul(argv[i + 1]);
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(given[0], &set);
        if (::sched_setaffinity(0, sizeof set, &set) != 0)
            throw std::runtime_error("this processor is not allowed");
        return run(static_cast<unsigned>(given[1]), static_cast<unsigned>(given[2]),
                   static_cast<std::int64_t>(given[3]) * 1000, static_cast<unsigned>(given[4]));
    } catch (std::exception const& e) {
        std::fprintf(stderr, "bars_latency: %s\n", e.what());
        return 2;
    }
}
