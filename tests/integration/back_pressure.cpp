// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// A peer that does not read stops the pipeline, and the pipeline its own source: the window of TCP
// closes, memory stays flat, nothing is lost, and all goes on when the peer reads again.
//
// MILLRACE_STALL_SECONDS=60 stalls for a minute instead of two seconds.

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/net.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;
using clock_type = std::chrono::steady_clock;

struct item {
    std::uint64_t number = 0;
    text<1000> rest;
};
MILLRACE_RECORD(item, number, rest);

/// Listens on a port of loopback that the kernel chose.
struct listener {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    listener() {
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(fd, 4), 0);
        EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    }
    listener(listener const&) = delete;
    listener& operator=(listener const&) = delete;
    ~listener() { ::close(fd); }
    [[nodiscard]] std::uint16_t port() const { return ntohs(address.sin_port); }
};
/// A port that was free a moment ago.
std::uint16_t free_port() { return listener().port(); }
int connected_to(std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    for (int i = 0; i < 2000; ++i) {
        int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
        ::close(fd);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return -1;
}
/// Bytes of memory that this process has.
std::uint64_t resident() {
    unsigned long long size = 0, pages = 0;
    if (std::FILE* const f = std::fopen("/proc/self/statm", "re")) {
        if (std::fscanf(f, "%llu %llu", &size, &pages) != 2) pages = 0;
        std::fclose(f);
    }
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

constexpr std::size_t record_bytes = 8 + 2 + 1000;  // as `encode` writes an item
constexpr std::size_t frame_bytes = 4 + record_bytes;
/// The stream of frames with the numbers from 0 on, sent as far as the kernel takes it.
struct sender {
    int fd;
    std::uint64_t next = 0;
    std::string waiting{};

    explicit sender(std::uint16_t port) : fd(connected_to(port)) {}
    sender(sender const&) = delete;
    sender& operator=(sender const&) = delete;
    ~sender() { ::close(fd); }
    /// How many bytes the kernel took: 0 where the window is closed.
    std::size_t send_some() {
        if (waiting.size() < 64 * 1024) {
            for (int i = 0; i < 256; ++i) {
                std::uint32_t const length = htonl(record_bytes);
                std::uint64_t const number = next++;
                waiting.append(reinterpret_cast<char const*>(&length), sizeof length);
                waiting.append(reinterpret_cast<char const*>(&number), sizeof number);
                waiting.append(record_bytes - sizeof number, '\0');
            }
        }
        ssize_t const sent =
            ::send(fd, waiting.data(), waiting.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) return 0;
        waiting.erase(0, static_cast<std::size_t>(sent));
        return static_cast<std::size_t>(sent);
    }
    /// What was begun, so that the stream ends with a whole frame.
    void send_rest() {
        while (!waiting.empty())
            if (send_some_of_the_rest() == 0)
                std::this_thread::sleep_for(std::chrono::microseconds(100));
        ::shutdown(fd, SHUT_WR);
    }

private:
    std::size_t send_some_of_the_rest() {
        ssize_t const sent =
            ::send(fd, waiting.data(), waiting.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) return 0;
        waiting.erase(0, static_cast<std::size_t>(sent));
        return static_cast<std::size_t>(sent);
    }
};
/// Reads frames and checks that their numbers follow one another.
struct reader {
    int fd;
    std::uint64_t next = 0;
    std::string begun{};
    bool in_order = true;

    explicit reader(listener const& at) : fd(::accept(at.fd, nullptr, nullptr)) {}
    reader(reader const&) = delete;
    reader& operator=(reader const&) = delete;
    ~reader() { ::close(fd); }
    std::size_t read_some() {
        char bytes[64 * 1024];
        ssize_t const got = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0) return 0;
        begun.append(bytes, static_cast<std::size_t>(got));
        std::size_t at = 0;
        for (; begun.size() - at >= frame_bytes; at += frame_bytes) {
            std::uint64_t number = 0;
            std::memcpy(&number, begun.data() + at + 4, sizeof number);
            in_order = in_order && number == next++;
        }
        begun.erase(0, at);
        return static_cast<std::size_t>(got);
    }
};

struct way {
    io_tier tier;
    unsigned threads;
};
class back_pressure : public testing::TestWithParam<way> {};
INSTANTIATE_TEST_SUITE_P(ways, back_pressure,
                         testing::Values(way{io_tier::deferred, 1}, way{io_tier::deferred, 2},
                                         way{io_tier::cooperative, 2}, way{io_tier::epoll, 1},
                                         way{io_tier::epoll, 2}),
                         [](auto const& one) {
                             return std::string(one.param.tier == io_tier::deferred ? "deferred"
                                                : one.param.tier == io_tier::cooperative
                                                    ? "cooperative"
                                                    : "epoll")
                                    + "_on_" + std::to_string(one.param.threads);
                         });

TEST_P(back_pressure, of_a_sink_that_stalls_reaches_the_sender_and_loses_nothing) {
    char const* const asked = std::getenv("MILLRACE_STALL_SECONDS");
    std::chrono::seconds const stall(asked == nullptr ? 2 : std::atoi(asked));
    listener const at;
    std::uint16_t const port = free_port();
    auto service =
        start(tcp::listen({.host = "127.0.0.1", .port = port}, length_prefix<4>{}) | decode<item>()
                  | key_by([](item const&) { return 1; }) | encode()
                  | to(tcp::connect({.host = "127.0.0.1", .port = at.port()}, length_prefix<4>{})),
              {.oversubscribed = GetParam().threads, .io = GetParam().tier});
    reader peer(at);
    sender source(port);
    ASSERT_GE(source.fd, 0);

    // It flows, and memory becomes what it is under load.
    std::uint64_t warm = 0;
    auto const soon = clock_type::now() + std::chrono::seconds(20);
    while (peer.next < 50'000 && clock_type::now() < soon) {
        source.send_some();
        peer.read_some();
        warm = std::max(warm, resident());
    }
    ASSERT_GE(peer.next, 50'000U);

    // The peer stops reading: after a while the kernel takes nothing from the sender.
    auto last = clock_type::now();
    while (clock_type::now() - last < std::chrono::milliseconds(500) && clock_type::now() < soon) {
        if (source.send_some() != 0) last = clock_type::now();
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        warm = std::max(warm, resident());
    }
    ASSERT_LT(clock_type::now(), soon) << "the window of the source never closed";
    std::size_t late = 0;
    std::uint64_t most = 0;
    for (auto const end = clock_type::now() + stall; clock_type::now() < end;) {
        late += source.send_some();
        most = std::max(most, resident());
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(late, 0U) << "something was read although nothing has room";
    EXPECT_LE(static_cast<double>(most), 1.05 * static_cast<double>(warm));

    // It reads again: the sender's bytes are taken again within 5 s.
    auto const again = clock_type::now();
    std::size_t taken = 0;
    while (taken == 0 && clock_type::now() < again + std::chrono::seconds(30)) {
        peer.read_some();
        taken = source.send_some();
    }
    EXPECT_GT(taken, 0U);
    EXPECT_LT(clock_type::now() - again, std::chrono::seconds(5));
    std::jthread const rest([&] { source.send_rest(); });
    while (peer.next < source.next && clock_type::now() < again + std::chrono::minutes(1))
        peer.read_some();
    EXPECT_EQ(peer.next, source.next);
    EXPECT_TRUE(peer.in_order);
    service.stop();
    report const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.records_in, source.next);
    EXPECT_EQ(r.records_out, source.next);
    EXPECT_TRUE(adds_up(r)) << to_text(r);
}

TEST_P(back_pressure, of_a_sink_smaller_than_what_a_record_becomes_lets_it_through) {
    listener const at;
    auto service =
        start(from(std::vector<int>(1000, 7)) | flat_map<8>([](int x, emitter<int>& e) {
                  for (int i = 0; i < 8; ++i) e(x);
              }) | map([&](int) { return item{}; })
                  | encode()
                  | to(tcp::connect({.host = "127.0.0.1", .port = at.port(), .unsent_bytes = 1},
                                    length_prefix<4>{})),
              {.oversubscribed = GetParam().threads, .io = GetParam().tier});
    reader peer(at);
    std::size_t bytes = 0;
    auto const end = clock_type::now() + std::chrono::seconds(30);
    while (bytes < 8000 * frame_bytes && clock_type::now() < end) bytes += peer.read_some();
    EXPECT_EQ(bytes, 8000 * frame_bytes) << "the pipeline stands still";
    service.stop();
    report const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.records_out, 8000U);
    EXPECT_TRUE(adds_up(r)) << to_text(r);
}

}  // namespace
