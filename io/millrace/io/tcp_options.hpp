// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The options of `tcp::listen(…)`, `tcp::serve(…)`, `tcp::connect(…)` and `tcp::publish(…)`.

#include <cstddef>
#include <cstdint>
#include <string>

#include <millrace/model/time.hpp>

namespace millrace::tcp {

/// What peers may take, of each partition. What is beyond is refused or closed, and counted by
/// reason; a zero lifts a limit. Times are kept to an eighth: a connection is closed between the
/// limit and 9/8 of it.
struct limit_options {
    std::size_t connections = 16'384;         ///< in all; one more is closed at once
    std::size_t per_address = 4'096;          ///< of one host; Unix sockets count as one host each
    std::size_t accepts_per_second = 20'000;  ///< above it new connections wait in the backlog
    duration idle = minutes(5);               ///< without a byte either way
    duration frame_time = seconds(10);        ///< from a frame's first byte to its last
    std::size_t buffered_bytes = std::size_t{64} << 20;  ///< frames half there, replies unsent;
                                                         ///< past it the largest holder is closed
};

/// `tcp::listen({.port = 9000})`.
struct listen_options {
    std::string host = "::";  ///< the address to bind; "::" takes IPv4, too
    std::uint16_t port = 0;   ///< 0: the kernel chooses one; with one partition only
    std::string path = {};    ///< of a Unix socket; then host and port are not used
    limit_options limits = {};
    int backlog = 4096;          ///< connections that wait to be accepted
    std::uint32_t buffers = 64;  ///< what is received and not yet read; a power of two
    std::uint32_t buffer_bytes = 64 * 1024;
    int socket_bytes = 0;  ///< SO_RCVBUF; 0: the kernel's choice
};

/// What becomes of a request that can't be read.
enum class bad_request : std::uint8_t {
    close,   ///< its connection is closed, behind the replies to the requests before
    answer,  ///< it is answered with `bad_reply`
};

/// `tcp::serve({.port = 9000})`.
struct serve_options {
    std::string host = "::";  ///< the address to bind; "::" takes IPv4, too
    std::uint16_t port = 0;   ///< 0: the kernel chooses one; with one partition only
    std::string path = {};    ///< of a Unix socket; then host and port are not used
    limit_options limits = {};
    unsigned slots = 64;  ///< requests of one connection that are under way
    std::size_t max_reply = std::size_t{64} * 1024;  ///< bytes; a longer one closes its connection
    duration request_deadline = duration{0};  ///< from request to reply, else closed; 0: none
    bad_request on_bad = bad_request::close;
    std::string bad_reply = "bad request";
    int backlog = 4096;           ///< connections that wait to be accepted
    std::uint32_t buffers = 512;  ///< what is received and not yet read; a power of two
    std::uint32_t buffer_bytes = 8 * 1024;
    int socket_bytes = 0;  ///< SO_RCVBUF; 0: the kernel's choice
    std::size_t zero_copy_from =
        0;  ///< bytes of one send from which on they aren't copied; 0: all are
};

/// How a connection that was lost or refused is tried again: after `first`, then twice that, up to
/// `longest`, each with up to a half taken off at random.
struct retry_options {
    duration first = milliseconds(50);
    duration longest = seconds(5);
    unsigned attempts = 10;  ///< in a row, then the run ends with the cause; 0: for ever
};

/// `tcp::connect({.host = "feed", .port = 9000})`, and `to(tcp::connect(…))`.
struct connect_options {
    std::string host = {};
    std::uint16_t port = 0;
    std::string path = {};  ///< of a Unix socket; then host and port are not used
    bool reconnect = true;  ///< else the source ends with the connection, and a sink's run fails
    retry_options retry = {};
    duration connect_time = seconds(5);
    duration idle = duration{0};        ///< a source: closes and reconnects; 0: never
    duration frame_time = duration{0};  ///< a source: the same; 0: any
    std::uint32_t buffers = 64;         ///< a source: received and not yet read; a power of two
    std::uint32_t buffer_bytes = 64 * 1024;
    std::size_t unsent_bytes = std::size_t{256} * 1024;  ///< a sink: records that wait to be sent
    std::size_t zero_copy_from = 0;  ///< a sink: bytes of one send from which on they aren't copied
};

/// What a publisher does about a peer that does not keep up.
enum class slow_peer : std::uint8_t {
    wait,   ///< all wait for it: nothing is lost
    close,  ///< it is closed, and counted
};

/// `to(tcp::publish({.port = 9001}))`.
struct publish_options {
    std::string host = "::";  ///< the address to bind; "::" takes IPv4, too
    std::uint16_t port = 0;   ///< 0: the kernel chooses one; with one partition only
    std::string path = {};    ///< of a Unix socket; then host and port are not used
    limit_options limits = {.idle = duration{0}};
    int backlog = 4096;
    std::size_t unsent_bytes = std::size_t{256} * 1024;  ///< of each peer
    slow_peer on_slow = slow_peer::wait;
    std::size_t zero_copy_from =
        0;                       ///< bytes of one send from which on they aren't copied; 0: all are
    bool wait_for_peer = false;  ///< without a peer: hold the records back, not drop and count them
};

}  // namespace millrace::tcp
