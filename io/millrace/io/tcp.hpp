// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `tcp::listen(…)`, `tcp::serve(…)`, `tcp::connect(…)`: frames from stream sockets;
// `to(tcp::connect(…))`, `to(tcp::publish(…))`: records to them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/io/framing.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/io/socket.hpp>
#include <millrace/io/tcp_options.hpp>
#include <millrace/io/tcp_publisher.hpp>
#include <millrace/io/tcp_sink.hpp>
#include <millrace/io/tcp_source.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {

namespace detail {

/// Listens where the options say; null where another partition does that for this one (a Unix
/// socket can't be shared).
template <class Options, class Env>
descriptor make_listener(Options const& options, Env& env, int receive_bytes,
                         std::string_view word) {
    unsigned const partitions = partitions_of(env);
    if (!options.path.empty() && partition_of(env) != 0) return {};
    if (options.port == 0 && options.path.empty() && partitions > 1)
        throw failure(exit_code::configuration,
                      "millrace: " + std::string(word)
                          + ": port 0 lets the kernel choose one, and each of "
                          + std::to_string(partitions)
                          + " partitions would get another. Name a port, or take one partition.");
    return listen_on({options.host, options.port, options.path},
                     {.shared = partitions > 1 && options.path.empty(),
                      .first = partition_of(env) == 0,
                      .backlog = options.backlog,
                      .receive_bytes = receive_bytes},
                     word);
}

inline void check_framing(fixed_size const& framing, std::string_view word) {
    if (framing.bytes == 0)
        throw failure(exit_code::configuration, "millrace: " + std::string(word)
                                                    + ": fixed_size frames of 0 bytes. Take 1 or "
                                                      "more.");
}
inline void check_framing(auto const&, std::string_view) {}

}  // namespace detail

/// A source of frames from whoever connects.
template <reading_framing Framing>
struct tcp_listen_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "tcp::listen";
    static constexpr auto name = fixed_string{""};
    static constexpr placement runs = placement::every_partition;
    static constexpr bool live = true;
    static constexpr bool from_network = true;
    using record = frame;

    tcp::listen_options options;
    Framing framing;

    template <class Env>
    auto open_source(Env& env) const {
        return make(env, service_of(env));
    }

private:
    template <class Env, class Engine>
    auto make(Env& env, service_handle<Engine> engine) const {
        detail::check_framing(framing, word);
        detail::descriptor listener =
            detail::make_listener(options, env, options.socket_bytes, word);
        basic_tcp_source<Engine, Framing, false> made(
            std::move(engine),
            {.limits = options.limits, .pool = {options.buffers, options.buffer_bytes}}, framing,
            {.partition = static_cast<std::uint16_t>(detail::partition_of(env))});
        if (listener) made.at().listen(std::move(listener), options.path);
        return made;
    }
};

/// A source of requests; `reply()` at the end of the pipeline answers them.
template <reading_framing Framing>
struct tcp_serve_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "tcp::serve";
    static constexpr auto name = fixed_string{""};
    static constexpr placement runs = placement::every_partition;
    static constexpr bool live = true;
    static constexpr bool from_network = true;
    static constexpr bool replies = true;
    using record = frame;

    tcp::serve_options options;
    Framing framing;

    template <class Env>
    auto open_source(Env& env) const {
        return make(env, service_of(env));
    }

private:
    template <class Env, class Engine>
    auto make(Env& env, service_handle<Engine> engine) const {
        detail::check_framing(framing, word);
        if (options.slots == 0)
            throw failure(exit_code::configuration,
                          "millrace: tcp::serve: 0 slots take no request. Take 1 or more.");
        detail::descriptor listener =
            detail::make_listener(options, env, options.socket_bytes, word);
        basic_tcp_source<Engine, Framing, true> made(
            std::move(engine),
            {.limits = options.limits,
             .pool = {options.buffers, options.buffer_bytes},
             .slots = options.slots,
             .request_deadline = options.request_deadline,
             .zero_copy_from = options.zero_copy_from},
            framing,
            {.slots = options.slots,
             .max_reply = options.max_reply,
             .deadline = options.request_deadline.ns > 0,
             .on_bad = options.on_bad,
             .bad_reply = options.bad_reply,
             .partition = static_cast<std::uint16_t>(detail::partition_of(env))});
        if (listener) made.at().listen(std::move(listener), options.path);
        return made;
    }
};

/// A source of frames from one peer; behind `to` a sink.
template <framing Framing>
struct tcp_connect_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "tcp::connect";
    static constexpr auto name = fixed_string{""};
    static constexpr placement runs = placement::single;
    static constexpr bool live = true;
    static constexpr bool from_network = true;
    using record = frame;

    tcp::connect_options options;
    Framing framing;

    template <class Env>
    auto open_source(Env& env) const
        requires reading_framing<Framing>
    {
        return make_source(service_of(env), static_cast<std::uint16_t>(detail::partition_of(env)));
    }
    template <class Env>
    auto open_sink(Env& env) const {
        return make_sink(service_of(env));
    }

private:
    template <class Engine>
    auto make_source(service_handle<Engine> engine, std::uint16_t partition) const {
        detail::check_framing(framing, word);
        basic_tcp_source<Engine, Framing, false> made(
            std::move(engine),
            {.limits = {.connections = 0,
                        .per_address = 0,
                        .accepts_per_second = 0,
                        .idle = options.idle,
                        .frame_time = options.frame_time,
                        .buffered_bytes = 0},
             .pool = {options.buffers, options.buffer_bytes}},
            framing, {.partition = partition});
        made.at().connect(options);
        return made;
    }
    template <class Engine>
    basic_tcp_sink<Engine, Framing> make_sink(service_handle<Engine> engine) const {
        detail::check_framing(framing, word);
        return {std::move(engine), options, framing};
    }
};

/// A sink: its records go to whoever connects.
template <framing Framing>
struct tcp_publish_sink {
    static constexpr std::string_view word = "tcp::publish";
    static constexpr placement runs = placement::single;

    tcp::publish_options options;
    Framing framing;

    template <class Env>
    auto open_sink(Env& env) const {
        return make_sink(service_of(env));
    }

private:
    template <class Engine>
    basic_tcp_publisher<Engine, Framing> make_sink(service_handle<Engine> engine) const {
        detail::check_framing(framing, word);
        return {std::move(engine), options, framing,
                detail::listen_on({options.host, options.port, options.path},
                                  {.backlog = options.backlog}, word)};
    }
};

namespace tcp {

/// Frames from every connection to this address. One listener on each partition, connections
/// spread over them by the kernel (SO_REUSEPORT); a Unix socket is one partition's. Within a
/// connection the order is kept. Refused at start, with cause and cure: an address that is in use,
/// not this machine's, or has no name.
template <reading_framing Framing = lines>
[[nodiscard]] tcp_listen_stage<Framing> listen(listen_options options, Framing framing = {}) {
    return {{}, std::move(options), framing};
}

/// Requests, answered on the connection that asked, in order per connection: `tcp::serve({.port =
/// 9000}, length_prefix<4>{}) | decode<ask>() | map(…) | encode() | reply()`. Replies are framed as
/// requests are.
template <reading_framing Framing = lines>
[[nodiscard]] tcp_serve_stage<Framing> serve(serve_options options, Framing framing = {}) {
    return {{}, std::move(options), framing};
}

/// A source: frames from one peer, connected again when it is lost. Behind `to` a sink: records to
/// one peer, framed. The name is resolved once, at the start; the run ends with the cause when
/// `retry.attempts` in a row have failed.
template <framing Framing = lines>
[[nodiscard]] tcp_connect_stage<Framing> connect(connect_options options, Framing framing = {}) {
    return {{}, std::move(options), framing};
}

/// A sink: each record to every peer that is connected by then.
template <framing Framing = lines>
[[nodiscard]] tcp_publish_sink<Framing> publish(publish_options options, Framing framing = {}) {
    return {std::move(options), framing};
}

}  // namespace tcp

}  // namespace millrace
