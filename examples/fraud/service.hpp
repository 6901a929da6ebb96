// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The service: a payment asks over TCP, its card's history decides, the answer goes back on the
// connection that asked.

#include <cstdint>
#include <string>

#include <millrace/io/decode.hpp>
#include <millrace/io/reply.hpp>
#include <millrace/io/tcp.hpp>
#include <millrace/millrace.hpp>

#include "fraud.hpp"

namespace fraud {

// The command line: `fraud --port 7400 --cores 0-1`.
struct config {
    std::string host = "::";
    std::uint16_t port = 7400;
};
MILLRACE_RECORD(config, host, port);

// [service]
inline auto service(config const& c) {
    return tcp::serve({.host = c.host, .port = c.port}, length_prefix<4>{})  //
           | decode<request>() | scored() | encode() | reply();
}
// [service]

}  // namespace fraud
