// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The examples of README.md and docs/reference: TCP, requests and replies, UDP, files that grow.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/json.hpp>
#include <millrace/millrace.hpp>
#include <millrace/net.hpp>
#include <millrace/scheduler/program.hpp>

using namespace millrace;

namespace {

// [service]
struct ask {
    std::uint64_t id = 0;
    std::int64_t cents = 0;
};
MILLRACE_RECORD(ask, id, cents);
struct answer {
    std::uint64_t id = 0;
    bool granted = false;
};
MILLRACE_RECORD(answer, id, granted);

int serve(int argc, char const* const* argv) {
    return run(argc, argv,
               tcp::serve({.port = 9000}, length_prefix<4>{}) | decode<ask>()
                   | map([](ask const& a) { return answer{a.id, a.cents <= 50'000}; }) | encode()
                   | reply());
}
// [service]

// [tick]
struct tick {
    text<8> symbol;
    std::int64_t price = 0;
    std::uint32_t shares = 0;
};
MILLRACE_RECORD(tick, symbol, price, shares);
// [tick]

std::string path_of(char const* name) {
    return testing::TempDir() + "millrace_net_" + std::to_string(::getpid()) + name;
}
std::string content_of(std::string const& path) {
    std::string out;
    if (std::FILE* const f = std::fopen(path.c_str(), "rb")) {
        char piece[4096];
        while (std::size_t const n = std::fread(piece, 1, sizeof piece, f)) out.append(piece, n);
        std::fclose(f);
    }
    return out;
}
/// Calls `f` until it is true, for a minute at most.
template <class F>
bool within_a_minute(F&& f) {
    auto const until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!f()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

/// A blocking client of a Unix socket that somebody is about to listen on.
class client {
public:
    explicit client(std::string const& path) {
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        std::memcpy(to.sun_path, path.c_str(), path.size() + 1);
        connected_ = within_a_minute([&] {
            if (fd_ >= 0) ::close(fd_);
            fd_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
            timeval const longest{.tv_sec = 60, .tv_usec = 0};
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
            return ::connect(fd_, reinterpret_cast<sockaddr const*>(&to), sizeof to) == 0;
        });
    }
    client(client const&) = delete;
    client& operator=(client const&) = delete;
    ~client() { ::close(fd_); }

    [[nodiscard]] bool connected() const { return connected_; }
    bool send(std::string_view bytes) const {
        return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL)
               == static_cast<ssize_t>(bytes.size());
    }
    /// So many bytes, or what came before the end.
    [[nodiscard]] std::string take(std::size_t bytes) const {
        std::string out(bytes, '\0');
        std::size_t at = 0;
        while (at < bytes) {
            ssize_t const n = ::recv(fd_, out.data() + at, bytes - at, 0);
            if (n <= 0) break;
            at += static_cast<std::size_t>(n);
        }
        out.resize(at);
        return out;
    }

private:
    int fd_ = -1;
    bool connected_ = false;
};

TEST(docs_reference, service) {
    char const* const arguments[] = {"service", "--explain"};
    testing::internal::CaptureStdout();
    EXPECT_EQ(serve(2, arguments), 0);
    std::string const told = testing::internal::GetCapturedStdout();
    EXPECT_NE(told.find("tcp::serve"), std::string::npos);
    EXPECT_NE(told.find("reply"), std::string::npos);
}

TEST(docs_reference, reply) {
    std::string const path = path_of("reply");
    // [reply]
    running service = start(tcp::serve({.path = path}, lines{}) | decode(json<ask>())
                            | map([](ask const& a) { return answer{a.id, a.cents <= 50'000}; })
                            | json() | reply());
    // [reply]
    {
        client const asking(path);
        ASSERT_TRUE(asking.connected());
        ASSERT_TRUE(asking.send("{\"id\":1,\"cents\":100}\n{\"id\":2,\"cents\":60000}\n"));
        std::string const wanted = "{\"id\":1,\"granted\":true}\n{\"id\":2,\"granted\":false}\n";
        EXPECT_EQ(asking.take(wanted.size()), wanted);
    }
    // [stop]
    service.stop();  // from any thread: sources stop, what is in flight is answered
    report const result = service.wait();
    // [stop]
    EXPECT_TRUE(result.ok()) << result.message;
}

TEST(docs_reference, bad_requests) {
    std::string const path = path_of("bad");
    // [bad_request]
    auto pipeline =
        tcp::serve({.path = path, .on_bad = tcp::bad_request::answer, .bad_reply = "what?"})
        | decode(json<ask>()) | json() | reply();
    // [bad_request]
    running service = start(std::move(pipeline));
    {
        client const asking(path);
        ASSERT_TRUE(asking.connected());
        ASSERT_TRUE(asking.send("nonsense\n{\"id\":1,\"cents\":2}\n"));
        std::string const wanted = "what?\n{\"id\":1,\"cents\":2}\n";
        EXPECT_EQ(asking.take(wanted.size()), wanted);
    }
    service.stop();
    EXPECT_TRUE(service.wait().ok());
}

TEST(docs_reference, tcp_listen) {
    std::string const path = path_of("listen");
    std::atomic<std::int64_t> sum{0};
    // [listen]
    auto pipeline =
        tcp::listen({.path = path, .limits = {.connections = 100, .idle = seconds(30)}}, lines{})
        | decode(csv<tick>()) | to([&](tick const& t) { sum += t.price; });
    // [listen]
    running ingest = start(std::move(pipeline));
    client const sending(path);
    ASSERT_TRUE(sending.connected());
    ASSERT_TRUE(sending.send("ACME,10,1\nZINC,4,3\n"));
    EXPECT_TRUE(within_a_minute([&] { return sum.load() == 14; }));
    ingest.stop();
    EXPECT_TRUE(ingest.wait().ok());
}

TEST(docs_reference, tcp_sinks) {
    std::vector<tick> const ticks{{"ACME", 10, 1}};
    // [connect]
    auto mirror = tcp::connect({.host = "feed.example.org", .port = 9000}, length_prefix<2>{})
                  | decode<tick>() | encode()
                  | to(tcp::connect({.host = "::1", .port = 9001}, length_prefix<2>{}));
    // [connect]
    // [publish]
    auto feed =
        from(ticks) | json() | to(tcp::publish({.port = 9002, .on_slow = tcp::slow_peer::close}));
    // [publish]
    static_assert(is_complete<decltype(mirror)> && is_complete<decltype(feed)>);
}

TEST(docs_reference, udp) {
    // [udp]
    auto relay = udp::listen({.port = 9100, .group = "239.1.2.3"}) | decode<tick>() | encode()
                 | to(udp::send({.host = "10.0.0.7", .port = 9101}));
    // [udp]
    static_assert(is_complete<decltype(relay)>);
}

TEST(docs_reference, append) {
    std::string const path = path_of("append");
    std::vector<tick> const ticks{{"ACME", 10, 1}, {"ZINC", 4, 3}};
    // [append]
    auto pipeline = from(ticks) | csv() | to(append(path, {.cut_torn_line = true}));
    // [append]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_NE(content_of(path).find("ACME,10,1\nZINC,4,3\n"), std::string::npos);
    std::remove(path.c_str());
}

TEST(docs_reference, tail) {
    std::string const path = path_of("tail");
    std::FILE* const log = std::fopen(path.c_str(), "wb");
    ASSERT_NE(log, nullptr);
    std::fputs("{\"id\":1,\"cents\":100}\n", log);
    std::fflush(log);
    std::atomic<int> seen{0};
    // [tail]
    running following = start(tail(path, {.start = tail_start::beginning}) | json<ask>()
                              | to([&](ask const&) { ++seen; }));
    // [tail]
    EXPECT_TRUE(within_a_minute([&] { return seen.load() == 1; }));
    std::fputs("{\"id\":2,\"cents\":200}\n", log);
    std::fclose(log);
    EXPECT_TRUE(within_a_minute([&] { return seen.load() == 2; }));
    following.stop();
    EXPECT_TRUE(following.wait().ok());
    std::remove(path.c_str());
}

TEST(docs_reference, decode) {
    std::vector<tick> kept;
    // [decode]
    auto packed = tcp::listen({.port = 9000}, length_prefix<2>{}) | decode<tick>() | to(kept);
    auto text = tcp::listen({.port = 9000}) | decode(csv<tick>()) | to(kept);
    // [decode]
    static_assert(is_complete<decltype(packed)> && is_complete<decltype(text)>);
}

}  // namespace
