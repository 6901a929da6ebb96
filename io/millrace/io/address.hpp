// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Where a stream socket listens or connects: IPv4, IPv6 or Unix, from a name and a port.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <vector>

#include <millrace/model/failure.hpp>

namespace millrace::detail {

/// What a user wrote: a host and a port, or the path of a Unix socket.
struct endpoint_name {
    std::string host;
    std::uint16_t port = 0;
    std::string path;

    /// As it stands in messages.
    [[nodiscard]] std::string text() const {
        if (!path.empty()) return "'" + path + "'";
        bool const brackets = host.find(':') != std::string::npos;
        return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
    }
};

struct socket_address {
    sockaddr_storage storage{};
    socklen_t bytes = 0;

    [[nodiscard]] sockaddr const* get() const {
        return reinterpret_cast<sockaddr const*>(&storage);
    }
    [[nodiscard]] int family() const { return storage.ss_family; }
    [[nodiscard]] std::uint16_t port() const {
        if (family() == AF_INET)
            return ntohs(reinterpret_cast<sockaddr_in const*>(&storage)->sin_port);
        if (family() == AF_INET6)
            return ntohs(reinterpret_cast<sockaddr_in6 const*>(&storage)->sin6_port);
        return 0;
    }
};

/// The host's part of an address, IPv4 as it is mapped into IPv6; zeros for a Unix socket.
using host_key = std::array<unsigned char, 16>;
inline host_key host_key_of(socket_address const& address) {
    host_key key{};
    if (address.family() == AF_INET) {
        key[10] = key[11] = 0xff;
        std::memcpy(key.data() + 12,
                    &reinterpret_cast<sockaddr_in const*>(&address.storage)->sin_addr, 4);
    } else if (address.family() == AF_INET6) {
        std::memcpy(key.data(), &reinterpret_cast<sockaddr_in6 const*>(&address.storage)->sin6_addr,
                    16);
    }
    return key;
}

inline socket_address unix_address(std::string const& path, std::string_view word) {
    sockaddr_un named{};
    named.sun_family = AF_UNIX;
    if (path.size() >= sizeof named.sun_path)
        throw failure(exit_code::configuration,
                      "millrace: " + std::string(word) + ": the path '" + path
                          + "' is too long for a socket. Take one of at most "
                          + std::to_string(sizeof named.sun_path - 1) + " bytes.");
    std::memcpy(named.sun_path, path.data(), path.size());
    socket_address out;
    std::memcpy(&out.storage, &named, sizeof named);
    out.bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return out;
}

/// The addresses of a name, at least one, in the order in which they are to be tried; `word` stands
/// in the message. Asks the name service: blocks, so only at the start.
inline std::vector<socket_address> resolve(endpoint_name const& name, std::string_view word) {
    if (!name.path.empty()) return {unix_address(name.path, word)};
    std::string const start = "millrace: " + std::string(word) + ": ";
    if (name.host.empty())
        throw failure(exit_code::configuration,
                      start + "no host is named. Write .host = \"…\", or .path for a Unix socket.");
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    int const error =
        ::getaddrinfo(name.host.c_str(), std::to_string(name.port).c_str(), &hints, &found);
    if (error != 0)
        throw failure(
            exit_code::configuration,
            start + "the host '" + name.host + "' has no address (" + ::gai_strerror(error)
                + "). Check its spelling and the name service (getent hosts " + name.host + ").");
    std::unique_ptr<addrinfo, void (*)(addrinfo*)> const all(found, ::freeaddrinfo);
    std::vector<socket_address> out;
    for (addrinfo const* one = found; one != nullptr; one = one->ai_next) {
        if (one->ai_addrlen > sizeof(sockaddr_storage)) continue;
        socket_address address;
        std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
        address.bytes = one->ai_addrlen;
        out.push_back(address);
    }
    return out;
}

}  // namespace millrace::detail
