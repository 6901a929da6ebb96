// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `udp::listen({…})`: datagrams in, one frame each; `to(udp::send({…}))`: datagrams out, one record
// each. IPv4 and IPv6, unicast and multicast.

#include <string_view>
#include <utility>

#include <millrace/io/service_of.hpp>
#include <millrace/io/udp_options.hpp>
#include <millrace/io/udp_sink.hpp>
#include <millrace/io/udp_source.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/stage.hpp>

namespace millrace::udp {

/// A source of frames. Each partition has a socket of its own on the port, and the kernel spreads
/// senders over them (SO_REUSEPORT); a group would come to every one of them, so only the first
/// partition joins it, and the others end at once.
struct listen_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "udp::listen";
    static constexpr auto name = fixed_string{""};
    static constexpr placement runs = placement::every_partition;
    static constexpr bool live = true;
    static constexpr bool from_network = true;
    using record = frame;

    listen_options options;

    template <class Env>
    auto open_source(Env& env) const {
        return make(service_of(env), detail::partition_of(env), detail::partitions_of(env));
    }

private:
    template <class Engine>
    basic_udp_source<Engine> make(service_handle<Engine> engine, unsigned partition,
                                  unsigned partitions) const {
        bool const grouped = !options.group.empty();
        if (options.port == 0 && (grouped || partitions > 1))
            throw failure(exit_code::configuration,
                          "millrace: udp: no port is named, which is allowed with one partition "
                          "and no group only. Write .port = ….");
        return {std::move(engine),
                options,
                {.port = !grouped && partitions > 1, .first = partition == 0},
                grouped && partition != 0};
    }
};

/// A sink of bytes; each partition sends from a socket of its own.
struct send_sink {
    static constexpr placement runs = placement::every_partition;

    send_options options;

    template <class Env>
    auto open_sink(Env& env) const {
        return make(service_of(env));
    }

private:
    template <class Engine>
    basic_udp_sink<Engine> make(service_handle<Engine> engine) const {
        return {std::move(engine), options};
    }
};

/// Datagrams that come to a port, or to a multicast group. What the kernel had to drop and what is
/// longer than `max_datagram` is counted. Refused at start (`failure`): an address that is in use,
/// that this machine doesn't have, a group that isn't one.
[[nodiscard]] inline listen_stage listen(listen_options options) {
    return {{}, std::move(options)};
}

/// Sends each record as one datagram, with its line end if it has one. Nothing tells whether it
/// arrives; what the kernel can't send is counted by its reason.
[[nodiscard]] inline send_sink send(send_options options) { return {std::move(options)}; }

}  // namespace millrace::udp
