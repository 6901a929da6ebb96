// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The service: a multicast group of ticks in, bars out to another address, gaps into a file.

#include <cstdint>
#include <string>

#include <millrace/io/decode.hpp>
#include <millrace/io/udp.hpp>
#include <millrace/json.hpp>
#include <millrace/millrace.hpp>

#include "bars.hpp"

namespace bars {

// The command line: `bars --group 239.192.0.1 --port 7600 --to 127.0.0.1 --to-port 7601`.
struct config {
    std::string group = "239.192.0.1";  // empty: takes what is sent to `host`
    std::string host = "0.0.0.0";
    std::uint16_t port = 7600;
    std::string interface = "lo";
    std::string to = "127.0.0.1";
    std::uint16_t to_port = 7601;
    duration disorder = milliseconds(100);
    std::string gaps = "gaps.ndjson";
};
MILLRACE_RECORD(config, group, host, port, interface, to, to_port, disorder, gaps);

// [service]
inline auto service(config const& c) {
    return udp::listen({.host = c.host, .port = c.port, .group = c.group, .interface = c.interface})
           | decode<tick>() | per_second(c.disorder, json() | to<"gaps">(file(c.gaps))) | encode()
           | to<"bars">(udp::send({.host = c.to, .port = c.to_port}));
}
// [service]

}  // namespace bars
