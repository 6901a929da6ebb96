// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Services through `start`: requests over TCP, exchanges between asking and answering, bad
// requests, a stop with clients connected.

#include <arpa/inet.h>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/json.hpp>
#include <millrace/net.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;

struct ask {
    std::uint64_t id;
    std::uint64_t key;
};
MILLRACE_RECORD(ask, id, key);
struct answer {
    std::uint64_t id;
    std::uint64_t seen;
};
MILLRACE_RECORD(answer, id, seen);

/// A port that was free a moment ago.
std::uint16_t free_port() {
    int const fd = ::socket(AF_INET6, SOCK_STREAM, 0);
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    socklen_t size = sizeof a;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&a), size), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size), 0);
    ::close(fd);
    return ntohs(a.sin6_port);
}

/// A blocking client that gives up after ten seconds.
class client {
public:
    explicit client(std::uint16_t port) {
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(port);
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        for (int i = 0; i < 1000; ++i) {
            fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (::connect(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0) break;
            ::close(fd_);
            fd_ = -1;
            ::usleep(10'000);
        }
        timeval const limit{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        int const one = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    client(client const&) = delete;
    client& operator=(client const&) = delete;
    ~client() { ::close(fd_); }
    [[nodiscard]] bool connected() const { return fd_ >= 0; }
    void send(std::string const& bytes) const {
        ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    void end() const { ::shutdown(fd_, SHUT_WR); }
    /// So many bytes, or fewer at the end.
    [[nodiscard]] std::string receive(std::size_t bytes) const {
        std::string out(bytes, '\0');
        std::size_t got = 0;
        while (got < bytes) {
            ssize_t const n = ::recv(fd_, out.data() + got, bytes - got, 0);
            if (n <= 0) break;
            got += static_cast<std::size_t>(n);
        }
        out.resize(got);
        return out;
    }

private:
    int fd_ = -1;
};

template <class T>
std::string framed(T const& record) {
    std::string out(4 + sizeof record, '\0');
    std::uint32_t const length = htonl(sizeof record);
    std::memcpy(out.data(), &length, 4);
    std::memcpy(out.data() + 4, &record, sizeof record);
    return out;
}
answer unframed(std::string const& bytes) {
    answer a{};
    if (bytes.size() == 4 + sizeof a) std::memcpy(&a, bytes.data() + 4, sizeof a);
    return a;
}

auto counting(std::uint16_t port) {
    return tcp::serve({.port = port}, length_prefix<4>{}) | decode<ask>() | key_by(field<&ask::key>)
           | aggregate(millrace::max<"id">(field<&ask::id>), count<"seen">())
           | map([](auto const& row) {
                 return answer{get<"id">(row), static_cast<std::uint64_t>(get<"seen">(row))};
             })
           | encode() | reply();
}

class services : public testing::TestWithParam<unsigned> {};

TEST_P(services, answer_in_the_order_of_each_connection_over_an_exchange) {
    std::uint16_t const port = free_port();
    auto service = start(counting(port), {.oversubscribed = GetParam(), .lane_slots = 8});
    constexpr std::uint64_t requests = 500;
    {
        client one(port);
        client two(port);
        ASSERT_TRUE(one.connected() && two.connected());
        std::string sent;
        for (std::uint64_t i = 0; i < requests; ++i) sent += framed(ask{i, i % 7});
        one.send(sent);
        for (std::uint64_t i = 0; i < requests; ++i) two.send(framed(ask{i, 100 + i}));
        for (std::uint64_t i = 0; i < requests; ++i) {
            answer const a = unframed(one.receive(4 + sizeof(answer)));
            ASSERT_EQ(a.id, i);
            EXPECT_EQ(a.seen, i / 7 + 1);
            answer const b = unframed(two.receive(4 + sizeof(answer)));
            ASSERT_EQ(b.id, i);
            EXPECT_EQ(b.seen, 1U);
        }
    }
    service.stop();
    report const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.records_in, 2 * requests);
    EXPECT_EQ(r.records_out, 2 * requests);
    EXPECT_TRUE(adds_up(r)) << to_text(r);
}

TEST_P(services, close_a_connection_whose_request_can_not_be_read_and_go_on) {
    std::uint16_t const port = free_port();
    auto service = start(counting(port), {.oversubscribed = GetParam()});
    client bad(port);
    bad.send(framed(ask{1, 1}));
    EXPECT_EQ(unframed(bad.receive(4 + sizeof(answer))).id, 1U);
    bad.send(std::string("\0\0\0\3abc", 7));
    EXPECT_EQ(bad.receive(1), "");
    client good(port);
    good.send(framed(ask{2, 2}));
    EXPECT_EQ(unframed(good.receive(4 + sizeof(answer))).id, 2U);
    service.stop();
    report const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.records_in, 3U);
    EXPECT_TRUE(adds_up(r)) << to_text(r);
}

TEST_P(services, close_a_connection_whose_request_fails_on_another_partition) {
    std::uint16_t const port = free_port();
    auto service = start(tcp::serve({.port = port}, length_prefix<4>{}) | decode<ask>()
                             | key_by(field<&ask::key>) | map([](ask const& a) {
                                   if (a.id == 13) throw std::runtime_error("thirteen");
                                   return a;
                               })
                             | encode() | reply(),
                         {.oversubscribed = GetParam()});
    for (std::uint64_t key = 0; key < 16; ++key) {
        client c(port);
        c.send(framed(ask{1, key}) + framed(ask{13, key}) + framed(ask{2, key}));
        std::string const first = c.receive(4 + sizeof(ask));
        EXPECT_EQ(first, framed(ask{1, key}));
        EXPECT_EQ(c.receive(1), "") << "the answer behind the one that failed";
    }
    service.stop();
    report const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_TRUE(adds_up(r)) << to_text(r);
}

TEST_P(services, answer_json_lines) {
    std::uint16_t const port = free_port();
    auto service = start(tcp::serve({.port = port}) | decode(json<ask>()) | map([](ask a) {
                             a.id *= 2;
                             return a;
                         }) | json()
                             | reply(),
                         {.oversubscribed = GetParam()});
    client c(port);
    c.send("{\"id\":4,\"key\":1}\n{\"key\":2,\"id\":5}\n");
    std::string const wanted = "{\"id\":8,\"key\":1}\n{\"id\":10,\"key\":2}\n";
    EXPECT_EQ(c.receive(wanted.size()), wanted);
    c.send("{\"id\":oops}\n");
    EXPECT_EQ(c.receive(1), "");
    service.stop();
    report const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_TRUE(adds_up(r)) << to_text(r);
}

INSTANTIATE_TEST_SUITE_P(threads, services, testing::Values(0U, 1U, 2U, 3U));

}  // namespace
