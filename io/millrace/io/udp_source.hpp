// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator behind `udp::listen(…)`: each datagram is a frame, viewed in the buffer that the
// kernel filled.

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <linux/sock_diag.h>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

#include <millrace/io/buffer_pool.hpp>
#include <millrace/io/descriptor.hpp>
#include <millrace/io/operation.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/io/udp_options.hpp>
#include <millrace/io/udp_segments.hpp>
#include <millrace/io/udp_socket.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/live.hpp>

namespace millrace {

/// What came, and what did not; reported.
struct udp_counts {
    std::uint64_t datagrams = 0;  ///< handed on
    std::uint64_t bytes = 0;      ///< of these
    std::uint64_t too_long = 0;   ///< longer than `max_datagram`: dropped
    std::uint64_t drops = 0;      ///< by the kernel, at this socket: its buffer was full
    std::uint64_t starved = 0;  ///< times that all buffers were taken; the kernel's then has to do
    std::uint64_t errors = 0;   ///< of a receive, after which it was begun again
};

/// Takes datagrams into buffers of its own, 64 KiB each where the kernel merges runs. A frame is
/// valid until the next `poll`. Without credit its buffers stay taken, the socket's buffer fills,
/// and then the kernel drops, which is counted. Nothing is allocated after opening.
template <class Engine>
class basic_udp_source {
public:
    /// `idle`: this copy gets nothing, since another one has joined the group.
    basic_udp_source(service_handle<Engine> engine, udp::listen_options const& options,
                     detail::udp_share share, bool idle)
        : body_(std::make_unique<body>(std::move(engine), options)) {
        if (!idle) body_->open(options, share);
    }

    template <class Push>
    [[nodiscard]] source_state poll(std::size_t n, Push&& push) {
        return body_->poll(n, push);
    }
    /// Takes no more. Frames that were taken are still handed on; what the kernel holds is lost.
    void stop() { body_->stop(); }
    [[nodiscard]] bool held() const { return body_->segments.left() || body_->head != body_->tail; }

    [[nodiscard]] udp_counts const& counts() const {
        body_->ask_for_drops();
        return body_->counts;
    }
    /// The port that is listened on, also where the kernel chose it; 0 for a copy that gets
    /// nothing.
    [[nodiscard]] std::uint16_t port() const {
        return body_->socket ? detail::local_address(body_->socket.fd()).port() : std::uint16_t{0};
    }
    template <class F>
    void report(F&& line) const {
        udp_counts const& now = counts();
        line("datagrams", now.datagrams);
        line("bytes", now.bytes);
        line("too long", now.too_long);
        line("dropped by the kernel", now.drops);
        line("waited for receive buffers", now.starved);
        line("receive errors", now.errors);
    }

private:
    /// A buffer that holds what came.
    struct taken {
        std::uint32_t buffer;
        std::int32_t result;
        char* data;
    };

    /// What the operation points at, so it stays where it is.
    struct body {
        struct request : operation {
            body* owner = nullptr;
        };

        service_handle<Engine> engine;
        detail::descriptor socket;
        request receiving;
        msghdr shape{};
        buffer_pool* pool = nullptr;
        std::unique_ptr<taken[]> queue;  ///< a ring of as many as there are buffers
        std::uint32_t mask = 0;
        std::uint32_t spent = 0;  ///< from here to `head`: looked at, to be given back
        std::uint32_t head = 0;   ///< from here to `tail`: came
        std::uint32_t tail = 0;
        detail::udp_segments segments;  ///< what is left of the buffer before `head`
        std::size_t longest;
        udp_counts counts;
        std::uint32_t drops_seen = 0;
        int error = 0;
        bool stopping = false;

        body(service_handle<Engine> e, udp::listen_options const& options)
            : engine(std::move(e)),
              longest(std::clamp<std::size_t>(options.max_datagram, 1, udp::datagram_bytes_max)) {}
        ~body() {
            stopping = true;
            detail::settle(*engine, receiving);
            segments = {};
            head = tail;
            give_back();
        }

        void open(udp::listen_options const& options, detail::udp_share share) {
            socket = detail::listen_udp(options, share);
            std::size_t const data = options.receive_offload ? std::size_t{64} * 1024 : longest;
            std::size_t const bytes =
                (data + sizeof(detail::message_header) + detail::udp_control_bytes + 63) / 64 * 64;
            pool = &engine->make_pool(
                {.buffers = std::bit_ceil(std::clamp(options.buffers, 4U, 4096U)),
                 .bytes = static_cast<std::uint32_t>(bytes)});
            queue = std::make_unique<taken[]>(pool->capacity());
            mask = pool->capacity() - 1;
            shape.msg_controllen = detail::udp_control_bytes;
            receiving.owner = this;
            receiving.verb = op_verb::receive_message;
            receiving.multishot = true;
            receiving.fd = socket.fd();
            receiving.pool = pool;
            receiving.message = &shape;
            receiving.done = [](operation& op, completion const& got) {
                static_cast<request&>(op).owner->came(got);
            };
            engine->submit(receiving);
        }

        void came(completion const& got) {
            if (got.result >= 0) queue[tail++ & mask] = {got.buffer, got.result, got.data};
            if (got.more || stopping) return;
            if (got.result == -ENOBUFS) {
                ++counts.starved;
                engine->park(receiving);
            } else if (got.result >= 0 || may_pass(-got.result)) {
                engine->submit(receiving);
            } else {
                error = -got.result;
            }
        }
        /// ECONNREFUSED and the like tell of what some other socket of this port did.
        bool may_pass(int why) {
            ++counts.errors;
            return why == EINTR || why == EAGAIN || why == ECANCELED || why == ECONNREFUSED
                   || why == ENOMEM || why == ENETDOWN || why == EHOSTUNREACH;
        }

        template <class Push>
        source_state poll(std::size_t n, Push& push) {
            if (engine.owned()) engine->turn();
            give_back();
            while (n != 0) {
                if (!segments.left()) {
                    if (head == tail) break;
                    begin(queue[head++ & mask]);
                    continue;
                }
                n -= hand_on(std::min(n, segments.count()), push);
            }
            if (segments.left() || head != tail) return source_state::more;
            if (error != 0)
                detail::fail_socket(
                    "udp", "receive on",
                    "port " + std::to_string(detail::local_address(socket.fd()).port()), error);
            return receiving.pending || (socket && !stopping) ? source_state::idle
                                                              : source_state::ended;
        }

        /// `run` datagrams, with their state in registers; counted before a stage behind may end
        /// the run.
        template <class Push>
        std::size_t hand_on(std::size_t run, Push& push) {
            counts.datagrams += run;
            detail::udp_segments rest = segments;
            std::size_t bytes = 0;
            for (std::size_t i = 0; i < run; ++i) {
                std::string_view const data = rest.take();
                bytes += data.size();
                push(frame{data});
            }
            segments = rest;
            counts.bytes += bytes;
            return run;
        }

        /// What was viewed since the last call is no longer looked at. A buffer with segments left
        /// stays.
        void give_back() {
            std::uint32_t const end = segments.left() ? head - 1 : head;
            for (; spent != end; ++spent) pool->recycle(queue[spent & mask].buffer);
        }

        void begin(taken const& buffer) {
            received_message const message = message_of(
                receiving, {.result = buffer.result, .buffer = buffer.buffer, .data = buffer.data});
            auto const control = detail::read_udp_control(message.control);
            if (control.has_drops) see_drops(control.drops);
            detail::udp_segments const all(message.data, control.segment_bytes);
            if ((message.flags & MSG_TRUNC) != 0 || all.size() > longest)
                counts.too_long += all.count();
            else
                segments = all;
        }

        /// The socket's counter has 32 bits and comes late with what was queued before.
        void see_drops(std::uint32_t now) {
            auto const more = static_cast<std::int32_t>(now - drops_seen);
            if (more <= 0) return;
            counts.drops += static_cast<std::uint32_t>(more);
            drops_seen = now;
        }
        /// Those behind the last datagram that came are not told by any.
        void ask_for_drops() {
            std::uint32_t memory[SK_MEMINFO_VARS] = {};
            socklen_t size = sizeof memory;
            if (socket && ::getsockopt(socket.fd(), SOL_SOCKET, SO_MEMINFO, memory, &size) == 0
                && size > SK_MEMINFO_DROPS * sizeof(std::uint32_t))
                see_drops(memory[SK_MEMINFO_DROPS]);
        }

        void stop() {
            stopping = true;
            if (receiving.pending) engine->cancel(receiving);
        }
    };

    std::unique_ptr<body> body_;
};

using udp_source = basic_udp_source<core_engine>;

}  // namespace millrace
