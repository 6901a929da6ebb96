// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The options of `udp::listen(…)` and `udp::send(…)`.

#include <cstddef>
#include <cstdint>
#include <string>

namespace millrace::udp {

/// The most bytes that a datagram carries: 65,535 less the headers of IPv4 and UDP.
inline constexpr std::size_t datagram_bytes_max = 65'507;

/// `udp::listen({.host = "0.0.0.0", .port = 9000})`. Sizes are clamped, all else that can't be is
/// refused at start.
struct listen_options {
    std::string host = "0.0.0.0";  ///< the address to bind: IPv4 or IPv6, or a name
    std::uint16_t port = 0;        ///< 0: the kernel chooses one; with one partition only
    std::string group{};      ///< a multicast group to join, IPv4 or IPv6; `host` is then not used
    std::string sender{};     ///< of a group: take what this address sends, and nothing else
    std::string interface{};  ///< by name, to join or listen on; else what the routes say
    std::size_t max_datagram = 2048;  ///< bytes; a longer one is counted as too long and dropped
    std::size_t receive_buffer = std::size_t{4} << 20;  ///< bytes that the kernel may hold for us
    unsigned buffers = 64;  ///< datagrams, or merged runs of them, taken and not yet processed
    bool receive_offload = true;  ///< UDP_GRO: runs of equal datagrams come as one (Linux 5.0)
};

/// `to(udp::send({.host = "10.0.0.7", .port = 9001}))`.
struct send_options {
    std::string host{};
    std::uint16_t port = 0;
    std::string
        interface{};   ///< by name, to send from; of a multicast group else the routes' choice
    int ttl = -1;      ///< hops; -1: the kernel's default (64, and 1 for a multicast group)
    bool loop = true;  ///< of a multicast group: listeners on this machine get it too
    /// Bytes; a longer record is a bad record. What an Ethernet frame carries in one piece, unless
    /// told. Room for records is counted by it.
    std::size_t max_datagram = 1472;
    std::size_t buffer_bytes = std::size_t{256} * 1024;  ///< records that wait to be sent
    std::size_t send_buffer = std::size_t{1} << 20;      ///< bytes that the kernel may hold for us
    bool send_offload = true;  ///< UDP_SEGMENT: runs of equal datagrams go as one (Linux 4.18)
};

}  // namespace millrace::udp
