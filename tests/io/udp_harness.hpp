// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the tests of UDP sources share: a plain sender, and a source that is pulled until it has
// given enough.

#include <arpa/inet.h>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/io/udp.hpp>

#include "on_tiers.hpp"

namespace millrace_test {

using namespace millrace;
using strings = std::vector<std::string>;

/// A plain socket to send from.
struct sender {
    int fd = -1;
    sockaddr_storage to{};
    socklen_t to_bytes = 0;

    sender(int family, std::string const& host, std::uint16_t port, char const* interface = "lo")
        : fd(::socket(family, SOCK_DGRAM, 0)) {
        if (family == AF_INET) {
            auto* const four = reinterpret_cast<sockaddr_in*>(&to);
            four->sin_family = AF_INET;
            four->sin_port = htons(port);
            ::inet_pton(AF_INET, host.c_str(), &four->sin_addr);
            to_bytes = sizeof *four;
            ip_mreqn from{};
            from.imr_ifindex = static_cast<int>(::if_nametoindex(interface));
            ::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof from);
        } else {
            auto* const six = reinterpret_cast<sockaddr_in6*>(&to);
            six->sin6_family = AF_INET6;
            six->sin6_port = htons(port);
            ::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr);
            to_bytes = sizeof *six;
            int const from = static_cast<int>(::if_nametoindex(interface));
            ::setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &from, sizeof from);
        }
    }
    sender(sender const&) = delete;
    sender& operator=(sender const&) = delete;
    ~sender() { ::close(fd); }
    bool send(std::string_view text) const {
        return ::sendto(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr const*>(&to),
                        to_bytes)
               == static_cast<ssize_t>(text.size());
    }
    /// As one run, which the kernel cuts into datagrams of `size`.
    bool send_run(std::string_view text, std::uint16_t size) const {
        int const told = size;
        return ::setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &told, sizeof told) == 0 && send(text);
    }
};

struct udp_pulled : on_tiers {
    strings got;
    source_state state = source_state::idle;

    static udp::listen_options local() { return {.host = "127.0.0.1", .max_datagram = 65'507}; }
    auto open(udp::listen_options options = local()) {
        return udp::listen(std::move(options)).open_source(env);
    }
    template <class Source>
    void pull(Source& source, std::size_t n = 64) {
        state = source.poll(n, [&](frame const& one) { got.emplace_back(one.data); });
    }
    template <class Source>
    bool gets(Source& source, std::size_t count, std::size_t n = 64) {
        return until([&] {
            pull(source, n);
            return got.size() >= count;
        });
    }
};

/// A port that was free a moment ago, for groups, which need one by number.
inline std::uint16_t free_port() {
    millrace::detail::descriptor const fd =
        millrace::detail::descriptor::own(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in any{};
    any.sin_family = AF_INET;
    if (::bind(fd.fd(), reinterpret_cast<sockaddr const*>(&any), sizeof any) != 0) return 0;
    return millrace::detail::local_address(fd.fd()).port();
}

/// An environment of several partitions on one engine.
struct shared_env {
    core_env& env;
    unsigned number;
    template <class T>
    T& service() {
        return env.service<T>();
    }
    [[nodiscard]] unsigned partition() const { return number; }
    [[nodiscard]] static unsigned partitions() { return 2; }
};

}  // namespace millrace_test
