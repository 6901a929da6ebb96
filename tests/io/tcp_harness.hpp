// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the tests of TCP share: an environment with an engine of a given tier, clients, and a driver
// that turns the engine and polls a source in one thread.

#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/io/core_engine.hpp>
#include <millrace/io/core_service.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/live.hpp>

namespace tcp_test {

/// Generous: only what is broken reaches it.
inline constexpr auto patience = std::chrono::seconds(20);

/// Borrows its engine, like the operators that it opens.
template <class Engine = millrace::core_engine>
struct env {
    Engine engine;
    explicit env(millrace::io_tier tier) : engine(millrace::service_options{.tier = tier}) {}
    template <class Faults>
    env(millrace::io_tier tier, Faults faults)
        : engine(millrace::service_options{.tier = tier}, {}, std::move(faults)) {}
    template <class>
    Engine& service() {
        return engine;
    }
};

/// A peer of its own; never blocks but in `connect`.
class client {
public:
    client() = default;
    explicit client(std::uint16_t port, int family = AF_INET, int receive_bytes = 0) {
        fd_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (receive_bytes > 0)
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
        int const on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_storage to{};
        socklen_t bytes = 0;
        if (family == AF_INET) {
            auto& a = reinterpret_cast<sockaddr_in&>(to);
            a.sin_family = AF_INET;
            a.sin_port = htons(port);
            a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            bytes = sizeof a;
        } else {
            auto& a = reinterpret_cast<sockaddr_in6&>(to);
            a.sin6_family = AF_INET6;
            a.sin6_port = htons(port);
            a.sin6_addr = in6addr_loopback;
            bytes = sizeof a;
        }
        connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), bytes) == 0;
    }
    explicit client(std::string const& path) {
        fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        std::memcpy(to.sun_path, path.data(), path.size());
        connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
    static client of(int fd) {
        client made;
        made.fd_ = fd;
        made.connected_ = fd >= 0;
        return made;
    }
    client(client&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)),
          connected_(other.connected_),
          got(std::move(other.got)) {}
    client& operator=(client&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(connected_, other.connected_);
        std::swap(got, other.got);
        return *this;
    }
    ~client() { close(); }

    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] int fd() const { return fd_; }
    /// How many bytes the kernel took; less than all where its buffers are full.
    std::size_t send(std::string_view bytes) const {
        ssize_t const sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent < 0 ? 0 : static_cast<std::size_t>(sent);
    }
    /// Adds what is there to `got`; false once the connection has ended.
    bool read() {
        char bytes[4096];
        for (;;) {
            ssize_t const size = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
            if (size == 0) return false;
            if (size < 0) return errno == EAGAIN;
            got.append(bytes, static_cast<std::size_t>(size));
        }
    }
    void half_close() const { ::shutdown(fd_, SHUT_WR); }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    void reset() {
        linger const at_once{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }

private:
    int fd_ = -1;
    bool connected_ = false;

public:
    std::string got;
};

/// True if `done` became true in time.
template <class Step>
bool wait_for(Step&& step, std::function<bool()> const& done) {
    auto const until = std::chrono::steady_clock::now() + patience;
    while (!done()) {
        if (std::chrono::steady_clock::now() > until) return false;
        step();
    }
    return true;
}

/// Turns and polls, and keeps what came.
template <class Engine, class Source>
class driver {
public:
    driver(Engine& engine, Source& source) : engine_(engine), source_(source) {}

    void step() {
        engine_.turn();
        if (!polling) return;
        state = source_.poll(credit, [&](millrace::frame f, auto... token) {
            frames.emplace_back(f.data);
            take(f.data, token...);
        });
        if (echo)
            if constexpr (requires { source_.flush(); }) source_.flush();
    }
    bool until(std::function<bool()> const& done) {
        return wait_for([&] { step(); }, done);
    }
    bool until_frames(std::size_t count) {
        return until([&] { return frames.size() >= count; });
    }
    /// Some turns more, in which nothing is expected.
    void settle(unsigned turns = 200) {
        for (unsigned i = 0; i < turns; ++i) step();
    }

    std::vector<std::string> frames;
    std::vector<millrace::reply_token> tokens;
    millrace::source_state state = millrace::source_state::idle;
    std::size_t credit = 64;
    bool polling = true;
    bool echo = false;

private:
    void take(std::string_view) {}
    void take(std::string_view data, millrace::reply_token const& token) {
        tokens.push_back(token);
        if constexpr (requires { source_.reply(token, data); })
            if (echo) source_.reply(token, data);
    }

    Engine& engine_;
    Source& source_;
};

/// On each way to the kernel.
class on_every_tier : public testing::TestWithParam<millrace::io_tier> {};
inline std::string tier_name(testing::TestParamInfo<millrace::io_tier> const& info) {
    switch (info.param) {
        case millrace::io_tier::deferred:
            return "deferred";
        case millrace::io_tier::cooperative:
            return "cooperative";
        default:
            return "epoll";
    }
}
#define MILLRACE_ON_EVERY_TIER(fixture)                                              \
    INSTANTIATE_TEST_SUITE_P(                                                        \
        tiers, fixture,                                                              \
        testing::Values(millrace::io_tier::deferred, millrace::io_tier::cooperative, \
                        millrace::io_tier::epoll),                                   \
        tcp_test::tier_name)

/// What a sentence says: the failure that `body` throws.
inline millrace::failure failure_of(std::function<void()> const& body) {
    try {
        body();
    } catch (millrace::failure const& error) {
        return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return {millrace::exit_code::ok, ""};
}

}  // namespace tcp_test
