// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A peer that sinks and sources connect to, without Millrace.

#include <cstdint>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcp_harness.hpp"

namespace tcp_test {

/// Listens on loopback; never blocks.
class server {
public:
    explicit server(std::uint16_t at = 0, int receive_bytes = 0) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int const on = 1;
        ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (receive_bytes != 0)
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(at);
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ok = ::bind(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0 && ::listen(fd_, 16) == 0;
        socklen_t bytes = sizeof a;
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&a), &bytes);
        port = ntohs(a.sin_port);
    }
    ~server() { ::close(fd_); }
    /// Not connected, if nobody waits.
    client accept() { return client::of(::accept(fd_, nullptr, nullptr)); }
    std::uint16_t port = 0;
    bool ok = false;

private:
    int fd_;
};

template <class Env>
bool until_accepted(Env& world, server& at, client& peer) {
    return wait_for(
        [&] {
            world.engine.turn();
            if (!peer.connected()) peer = at.accept();
        },
        [&] { return peer.connected(); });
}

}  // namespace tcp_test
