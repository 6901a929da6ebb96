// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Datagram sockets as Millrace wants them: bound, joined to a group, connected.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <net/if.h>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

#include <millrace/io/address.hpp>
#include <millrace/io/descriptor.hpp>
#include <millrace/io/socket.hpp>
#include <millrace/io/udp_options.hpp>
#include <millrace/io/udp_segments.hpp>
#include <millrace/model/failure.hpp>

namespace millrace::detail {

inline bool is_group(socket_address const& address) {
    if (address.family() == AF_INET)
        return IN_MULTICAST(
            ntohl(reinterpret_cast<sockaddr_in const*>(&address.storage)->sin_addr.s_addr));
    auto const* const six = reinterpret_cast<sockaddr_in6 const*>(&address.storage);
    return address.family() == AF_INET6 && six->sin6_addr.s6_addr[0] == 0xff;
}

/// The index of a network interface, or 0 for an empty name.
inline unsigned interface_index(std::string const& name) {
    if (name.empty()) return 0;
    unsigned const index = ::if_nametoindex(name.c_str());
    if (index == 0)
        throw failure(exit_code::configuration, "millrace: udp: there is no network interface '"
                                                    + name + "'. Take one that `ip link` shows.");
    return index;
}

inline bool set(int fd, int level, int name, int value) {
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}
/// As much as is allowed (net.core.rmem_max, wmem_max); more with the right to do so. Both count
/// the kernel's own overhead, twice what was asked for.
inline void set_kernel_buffer(int fd, bool receive, std::size_t bytes) {
    int const asked =
        static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max() / 2));
    if (!set(fd, SOL_SOCKET, receive ? SO_RCVBUFFORCE : SO_SNDBUFFORCE, asked))
        set(fd, SOL_SOCKET, receive ? SO_RCVBUF : SO_SNDBUF, asked);
}
inline void bind_to_interface(int fd, std::string const& interface, std::string const& where) {
    if (interface.empty()) return;
    auto const bytes = static_cast<socklen_t>(interface.size());
    if (::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(), bytes) != 0)
        fail_socket("udp", "bind to interface " + interface + " for", where, errno);
}
/// A link's own IPv6 address means nothing without the link.
inline void set_scope(socket_address& address, unsigned interface) {
    if (address.family() != AF_INET6 || interface == 0) return;
    auto* const six = reinterpret_cast<sockaddr_in6*>(&address.storage);
    if (IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&six->sin6_addr))
        six->sin6_scope_id = interface;
}

/// How the copies of one source share a port.
struct udp_share {
    bool port = false;   ///< SO_REUSEPORT: the kernel spreads senders over the sockets
    bool first = false;  ///< of those: makes sure that no other program is among them
};

inline void join_group(int fd, socket_address const& group, unsigned interface,
                       std::string const& sender, std::string const& where) {
    int const level = group.family() == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    // Else a socket gets what any other of this machine has joined.
    if (group.family() == AF_INET)
        set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    else
        set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    int done = 0;
    if (sender.empty()) {
        group_req request{};
        request.gr_interface = interface;
        std::memcpy(&request.gr_group, &group.storage, group.bytes);
        done = ::setsockopt(fd, level, MCAST_JOIN_GROUP, &request, sizeof request);
    } else {
        socket_address const from = resolve({sender, 0, {}}, "udp").front();
        group_source_req request{};
        request.gsr_interface = interface;
        std::memcpy(&request.gsr_group, &group.storage, group.bytes);
        std::memcpy(&request.gsr_source, &from.storage, from.bytes);
        done = ::setsockopt(fd, level, MCAST_JOIN_SOURCE_GROUP, &request, sizeof request);
    }
    if (done != 0) fail_socket("udp", "join", where, errno == ENODEV ? ENETUNREACH : errno);
}

/// Options that must stand before `bind`; what a kernel does not know it does without.
inline void prepare_listener(int fd, udp::listen_options const& options) {
    set_kernel_buffer(fd, true, options.receive_buffer);
    set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    if (options.receive_offload) set(fd, IPPROTO_UDP, UDP_GRO, 1);
}

inline descriptor make_socket(int family, std::string const& where) {
    descriptor made =
        descriptor::own(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!made) fail_socket("udp", "make a socket for", where, errno);
    return made;
}

/// A bound socket, or a `failure` with cause and cure.
inline descriptor listen_udp(udp::listen_options const& options, udp_share share) {
    bool const grouped = !options.group.empty();
    endpoint_name const name{grouped ? options.group : options.host, options.port, {}};
    unsigned const interface = interface_index(options.interface);
    socket_address address = resolve(name, "udp").front();
    std::string const where = name.text();
    if (grouped && !is_group(address))
        throw failure(exit_code::configuration,
                      "millrace: udp: " + where
                          + " is no multicast group. Take one from 224.0.0.0/4 or ff00::/8, or "
                            "write .host.");
    if (!grouped && is_group(address))
        throw failure(exit_code::configuration,
                      "millrace: udp: " + where
                          + " is a multicast group, which is joined, not bound. Write .group.");
    descriptor made = make_socket(address.family(), where);
    prepare_listener(made.fd(), options);
    set_scope(address, interface);
    if (address.family() == AF_INET6) set(made.fd(), IPPROTO_IPV6, IPV6_V6ONLY, grouped ? 1 : 0);
    if (grouped) set(made.fd(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (share.port) set(made.fd(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (!grouped) bind_to_interface(made.fd(), options.interface, where);
    if (share.port && share.first && options.interface.empty())
        if (int const error = try_alone(SOCK_DGRAM, address); error != 0)
            fail_socket("udp", "listen on", where, error);
    if (::bind(made.fd(), address.get(), address.bytes) != 0)
        fail_socket("udp", "listen on", where, errno);
    if (grouped) join_group(made.fd(), address, interface, options.sender, where);
    return made;
}

inline void set_hops(int fd, socket_address const& to, udp::send_options const& options) {
    bool const four = to.family() == AF_INET;
    bool const grouped = is_group(to);
    if (options.ttl >= 0) {
        int const name = four ? (grouped ? IP_MULTICAST_TTL : IP_TTL)
                              : (grouped ? IPV6_MULTICAST_HOPS : IPV6_UNICAST_HOPS);
        if (!set(fd, four ? IPPROTO_IP : IPPROTO_IPV6, name, options.ttl))
            throw failure(exit_code::configuration, "millrace: udp: a ttl of "
                                                        + std::to_string(options.ttl)
                                                        + " is refused. Take 1 to 255.");
    }
    if (!grouped) return;
    if (four)
        set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, options.loop ? 1 : 0);
    else
        set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, options.loop ? 1 : 0);
}
inline void send_from(int fd, socket_address const& to, unsigned interface,
                      udp::send_options const& options, std::string const& where) {
    if (interface == 0) return;
    if (!is_group(to)) return bind_to_interface(fd, options.interface, where);
    bool good = false;
    if (to.family() == AF_INET) {
        ip_mreqn request{};
        request.imr_ifindex = static_cast<int>(interface);
        good = ::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) == 0;
    } else {
        good = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(interface));
    }
    if (!good) fail_socket("udp", "send from " + options.interface + " to", where, errno);
}

/// A connected socket, so that the answers «port unreachable» come back as errors.
inline descriptor connect_udp(udp::send_options const& options) {
    endpoint_name const name{options.host, options.port, {}};
    std::string const where = name.text();
    if (options.port == 0)
        throw failure(exit_code::configuration,
                      "millrace: udp: no port is named to send to. Write .port = ….");
    unsigned const interface = interface_index(options.interface);
    int error = 0;
    for (socket_address to : resolve(name, "udp")) {
        descriptor made = make_socket(to.family(), where);
        set_kernel_buffer(made.fd(), false, options.send_buffer);
        set(made.fd(), SOL_SOCKET, SO_BROADCAST, 1);
        set_hops(made.fd(), to, options);
        send_from(made.fd(), to, interface, options, where);
        set_scope(to, interface);
        if (::connect(made.fd(), to.get(), to.bytes) == 0) return made;
        error = errno;
    }
    fail_socket("udp", "send to", where, error);
}

/// Bytes of a datagram that go to the peer of a connected socket in one piece.
inline std::size_t unfragmented_bytes(int fd) {
    int mtu = 0;
    socklen_t size = sizeof mtu;
    bool const six = peer_address(fd).family() == AF_INET6;
    int const answer = six ? ::getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &size)
                           : ::getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &size);
    int const headers = six ? 48 : 28;
    return answer == 0 && mtu > headers ? static_cast<std::size_t>(mtu - headers) : 0;
}

}  // namespace millrace::detail
