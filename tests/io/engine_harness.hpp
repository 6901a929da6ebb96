// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the tests of the core's engine share: operations that remember, sockets, and waiting for a
// condition instead of a time.

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <netinet/in.h>
#include <ostream>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/io/core_engine.hpp>
#include <millrace/io/detail/monotonic.hpp>

namespace millrace_test {

using namespace millrace;

/// Closes when it goes.
struct socket_handle {
    int fd = -1;
    socket_handle() = default;
    explicit socket_handle(int open) : fd(open) {}
    socket_handle(socket_handle&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
    socket_handle& operator=(socket_handle&& other) noexcept {
        std::swap(fd, other.fd);
        return *this;
    }
    ~socket_handle() {
        if (fd >= 0) ::close(fd);
    }
};

inline std::pair<socket_handle, socket_handle> socket_pair(int type = SOCK_STREAM) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, type, 0, ends), 0);
    return {socket_handle(ends[0]), socket_handle(ends[1])};
}

/// A listener on a free port of loopback, and its address.
struct listener {
    socket_handle socket{::socket(AF_INET, SOCK_STREAM, 0)};
    sockaddr_in address{};
    explicit listener(int backlog = 64) {
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(socket.fd, generic(), size), 0);
        EXPECT_EQ(::listen(socket.fd, backlog), 0);
        EXPECT_EQ(::getsockname(socket.fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    }
    [[nodiscard]] sockaddr const* generic() const {
        return reinterpret_cast<sockaddr const*>(&address);
    }
    /// A blocking client.
    [[nodiscard]] socket_handle connected() const {
        socket_handle client(::socket(AF_INET, SOCK_STREAM, 0));
        EXPECT_EQ(::connect(client.fd, generic(), sizeof address), 0) << std::strerror(errno);
        return client;
    }
};

/// Both ends of a TCP connection over loopback.
inline std::pair<socket_handle, socket_handle> tcp_pair() {
    listener const here;
    socket_handle client = here.connected();
    return {std::move(client), socket_handle(::accept(here.socket.fd, nullptr, nullptr))};
}

/// Remembers its completions; `then` is called behind each.
struct probe : operation {
    std::vector<completion> got;
    std::string bytes_got;
    bool recycles = true;
    std::function<void(completion const&)> then;

    explicit probe(operation asked) : operation(asked) {
        done = [](operation& which, completion const& result) {
            auto& self = static_cast<probe&>(which);
            self.got.push_back(result);
            if (result.buffer != no_buffer) {
                self.bytes_got.append(result.data, static_cast<std::size_t>(result.result));
                if (self.recycles) self.pool->recycle(result.buffer);
            }
            if (self.then) self.then(result);
        };
    }
    [[nodiscard]] bool over() const { return !got.empty() && !pending; }
    [[nodiscard]] int last() const { return got.empty() ? 1 << 30 : got.back().result; }
};

/// Turns, and sleeps where there is nothing, until the condition holds: false behind 30 s.
template <class Engine, class Condition>
bool until(Engine& engine, Condition const& holds) {
    std::int64_t const end = millrace::detail::monotonic_ns() + 30'000'000'000;
    while (!holds()) {
        if (engine.turn()) continue;
        std::int64_t const now = millrace::detail::monotonic_ns();
        if (now > end) return false;
        engine.sleep(now + 2'000'000);
    }
    return true;
}

/// Submits it and waits for its last result.
template <class Engine>
int result_of(Engine& engine, operation const& asked) {
    probe one(asked);
    engine.submit(one);
    EXPECT_TRUE(until(engine, [&] { return one.over(); }));
    return one.last();
}

/// An engine of the tier, or nothing where the kernel refuses it.
template <class Engine = core_engine>
std::unique_ptr<Engine> engine_of(io_tier tier, engine_options made_of = {}, auto&&... faults) {
    try {
        return std::make_unique<Engine>(service_options{.tier = tier}, made_of, faults...);
    } catch (failure const& refused) {
        if (tier == io_tier::epoll || refused.code() != exit_code::configuration) throw;
        return nullptr;
    }
}

inline std::string name_of(io_tier tier) {
    return tier == io_tier::deferred      ? "deferred"
           : tier == io_tier::cooperative ? "cooperative"
                                          : "epoll";
}

/// A test of every tier; skipped where the kernel refuses it.
class every_tier : public testing::TestWithParam<io_tier> {
protected:
    void SetUp() override {
        made = engine_of(GetParam());
        if (!made) GTEST_SKIP() << "io_uring is refused here";
    }
    core_engine& engine() { return *made; }
    std::unique_ptr<core_engine> made;
};
#define MILLRACE_ON_EVERY_TIER(suite)                                                           \
    INSTANTIATE_TEST_SUITE_P(                                                                   \
        tiers, suite, testing::Values(io_tier::deferred, io_tier::cooperative, io_tier::epoll), \
        [](auto const& tested) { return name_of(tested.param); })

}  // namespace millrace_test
