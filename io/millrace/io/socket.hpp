// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Stream sockets as Millrace wants them, and what the kernel's refusals mean.

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <millrace/io/address.hpp>
#include <millrace/io/descriptor.hpp>
#include <millrace/model/failure.hpp>

namespace millrace::detail {

struct socket_cause {
    exit_code code;
    std::string_view text;
};

/// A cause and its cure, to stand behind «cannot listen on …:» and «cannot connect to …:».
inline socket_cause cause_of_socket(int error) {
    switch (error) {
        case EADDRINUSE:
            return {
                exit_code::configuration,
                "the address is in use. Stop what listens there (ss -ltunxp), or take another."};
        case EADDRNOTAVAIL:
            return {exit_code::configuration,
                    "this machine has no such address. Take one that `ip address` shows."};
        case EACCES:
        case EPERM:
            return {exit_code::no_permission,
                    "no permission. Take a port from 1024 on, or a directory that may be written."};
        case EAFNOSUPPORT:
            return {exit_code::configuration,
                    "this machine does not speak that protocol. Take an IPv4 address."};
        case ENOENT:
        case ENOTDIR:
            return {exit_code::configuration, "there is no such socket. Check the path."};
        case EAGAIN:  // of a Unix socket
            return {exit_code::io,
                    "too many wait there already. Look at what listens there, or let it take a "
                    "longer backlog."};
        case ECONNREFUSED:
            return {exit_code::io,
                    "the connection is refused. Start what listens there, or check "
                    "the port."};
        case ETIMEDOUT:
            return {exit_code::io, "no answer. Check the address and the firewall."};
        case ENETUNREACH:
        case EHOSTUNREACH:
            return {exit_code::io, "there is no way to it. Check the address and `ip route`."};
        case EMFILE:
        case ENFILE:
            return {exit_code::configuration,
                    "too few descriptors are allowed. Raise the limit (ulimit -n)."};
        default:
            return {exit_code::io, {}};
    }
}

[[noreturn]] inline void fail_socket(std::string_view word, std::string_view what,
                                     std::string const& where, int error) {
    socket_cause const cause = cause_of_socket(error);
    std::string message =
        "millrace: " + std::string(word) + ": cannot " + std::string(what) + " " + where + ": ";
    message += cause.text.empty() ? std::string(std::strerror(error)) + ". Check the address."
                                  : std::string(cause.text);
    throw failure(cause.code, message);
}

inline void set_option(int fd, int level, int name, int value) {
    // What a protocol does not know (Unix sockets: all of them) it does without.
    static_cast<void>(::setsockopt(fd, level, name, &value, sizeof value));
}

/// For every connection: small writes go out at once, and a peer that vanished is noticed.
inline void set_up_connection(int fd) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

inline socket_address local_address(int fd) {
    socket_address out;
    out.bytes = sizeof out.storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&out.storage), &out.bytes) != 0)
        out.bytes = 0;
    return out;
}
inline socket_address peer_address(int fd) {
    socket_address out;
    out.bytes = sizeof out.storage;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&out.storage), &out.bytes) != 0)
        out.bytes = 0;
    return out;
}

/// How a listener is made.
struct listener_options {
    bool shared = false;  ///< several listen on one port: SO_REUSEPORT
    bool first = false;   ///< of those: makes sure that no other program is among them
    int backlog = 4096;
    int receive_bytes = 0;  ///< SO_RCVBUF of its connections; 0: the kernel's choice
};

/// With SO_REUSEPORT a second program of the same user would get half of the connections, and
/// nobody would notice. The errno with which the address is refused without it, or 0.
inline int try_alone(int type, socket_address const& address) {
    descriptor const probe =
        descriptor::own(::socket(address.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) return errno;
    // Connections that a program has left behind are no other program.
    if (type == SOCK_STREAM) set_option(probe.fd(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (address.family() == AF_INET6) set_option(probe.fd(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    return ::bind(probe.fd(), address.get(), address.bytes) != 0 ? errno : 0;
}

/// The errno, or 0 and the listener in `out`.
inline int try_listen(socket_address const& address, listener_options const& how, descriptor& out) {
    if (how.shared && how.first)
        if (int const error = try_alone(SOCK_STREAM, address); error != 0) return error;
    descriptor made =
        descriptor::own(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!made) return errno;
    set_option(made.fd(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (how.shared) set_option(made.fd(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (address.family() == AF_INET6) set_option(made.fd(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (how.receive_bytes > 0) set_option(made.fd(), SOL_SOCKET, SO_RCVBUF, how.receive_bytes);
    if (::bind(made.fd(), address.get(), address.bytes) != 0) return errno;
    if (::listen(made.fd(), how.backlog) != 0) return errno;
    out = std::move(made);
    return 0;
}

/// Is there a socket at this path that nobody listens on any more?
inline bool is_left_over(socket_address const& address, std::string const& path) {
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
    descriptor const probe =
        descriptor::own(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return probe && ::connect(probe.fd(), address.get(), address.bytes) != 0
           && errno == ECONNREFUSED;
}

/// Listens, or ends the run with cause and cure. "::" takes IPv4 connections, too; where the
/// machine has no IPv6 it is "0.0.0.0". A Unix socket that an ended program left behind is
/// replaced.
inline descriptor listen_on(endpoint_name name, listener_options const& how,
                            std::string_view word) {
    descriptor out;
    int error = 0;
    for (int attempt = 0; attempt < 2; ++attempt) {
        for (socket_address const& address : resolve(name, word)) {
            error = try_listen(address, how, out);
            if (error == EADDRINUSE && !name.path.empty() && is_left_over(address, name.path)
                && ::unlink(name.path.c_str()) == 0)
                error = try_listen(address, how, out);
            if (error == 0) return out;
        }
        if (name.host != "::" || (error != EAFNOSUPPORT && error != EADDRNOTAVAIL)) break;
        name.host = "0.0.0.0";
    }
    fail_socket(word, "listen on", name.text(), error);
}

}  // namespace millrace::detail
