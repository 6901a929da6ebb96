// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator behind `udp::send(…)`: each record is a datagram; what a batch brought goes to the
// kernel at once.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <utility>

#include <millrace/io/descriptor.hpp>
#include <millrace/io/operation.hpp>
#include <millrace/io/page_buffer.hpp>
#include <millrace/io/refused_record.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/io/udp_options.hpp>
#include <millrace/io/udp_segments.hpp>
#include <millrace/io/udp_socket.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/failure.hpp>

namespace millrace {

/// What went, and what did not; reported.
struct udp_send_counts {
    std::uint64_t datagrams = 0;  ///< that the kernel took
    std::uint64_t bytes = 0;      ///< of these
    std::uint64_t refused =
        0;  ///< answers that nobody listens there; the peer misses as many, or more
    std::uint64_t too_long = 0;     ///< EMSGSIZE: longer than the way to the peer takes; lost
    std::uint64_t unreachable = 0;  ///< no way to the peer, or not permitted; lost
    std::uint64_t failed = 0;       ///< for any other reason; lost
    std::uint64_t waits = 0;        ///< times that the kernel had no room; nothing is lost by that
};

namespace detail {
/// The call of the kernel; tests have another one.
struct udp_calls {
    static int send(int fd, mmsghdr* messages, unsigned count) {
        return ::sendmmsg(fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
};
}  // namespace detail

/// Records are copied into one buffer and sent when the batch ends: one call for up to 64 messages,
/// of which each is a datagram, or with UDP_SEGMENT a run of up to 64 equal ones. In order: where
/// the kernel has no room, the rest waits for it. A system call of its own, and not the ring's,
/// since a ring sends messages that were queued together in any order once one has to wait.
template <class Engine, class Calls = detail::udp_calls>
class basic_udp_sink {
public:
    basic_udp_sink(service_handle<Engine> engine, udp::send_options const& options)
        : body_(std::make_unique<body>(std::move(engine), options)) {}

    /// Throws `refused_record` for one that is longer than `max_datagram`. Who does not ask for
    /// `room` may wait here for the kernel.
    void write(bytes const& record) { body_->take(record); }
    /// Records that can be taken for certain.
    [[nodiscard]] std::size_t room() const {
        return std::min((body_->buffer.capacity - body_->filled) / body_->longest,
                        body_->count_max - body_->count);
    }
    /// Hands on what came.
    void batch_end() {
        if (body_->engine.owned()) body_->engine->turn();
        body_->send();
    }
    /// The kernel has all that was taken.
    [[nodiscard]] bool drained() const { return body_->next == body_->count; }
    void finish() {
        for (body_->send(); !drained(); body_->send()) body_->wait();
    }
    /// What was handed over before a failure is still sent, as far as the kernel takes it at once.
    void close(bool success) {
        if (success) return finish();
        body_->send();
    }

    [[nodiscard]] udp_send_counts const& counts() const { return body_->counts; }
    [[nodiscard]] std::uint64_t bytes_written() const { return body_->counts.bytes; }
    template <class F>
    void report(F&& line) const {
        udp_send_counts const& now = body_->counts;
        line("datagrams", now.datagrams);
        line("bytes", now.bytes);
        line("refused", now.refused);
        line("too long", now.too_long);
        line("unreachable", now.unreachable);
        line("failed", now.failed);
        line("waited for the kernel", now.waits);
    }

private:
    static constexpr std::size_t messages_max = 64;
    static constexpr std::size_t segments_max = 64;  ///< UDP_MAX_SEGMENTS of Linux 4.18 to 6.x

    struct message {
        iovec part;
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control;
        std::size_t run;  ///< datagrams in it
    };

    /// What an operation points at, so it stays where it is.
    struct body {
        struct request : operation {
            body* owner = nullptr;
        };

        service_handle<Engine> engine;
        detail::descriptor socket;
        std::size_t longest;
        std::size_t count_max;  ///< datagrams that wait
        detail::page_buffer buffer;
        std::unique_ptr<std::uint16_t[]> lengths;
        std::unique_ptr<message[]> messages = std::make_unique<message[]>(messages_max);
        std::array<mmsghdr, messages_max> headers{};
        std::size_t filled = 0;       ///< of the buffer
        std::size_t count = 0;        ///< datagrams in it
        std::size_t next = 0;         ///< the first of them that is not sent
        std::size_t next_at = 0;      ///< where it stands
        std::size_t offload_max = 0;  ///< bytes of a datagram that may go in a run; 0: none may
        request writable;
        udp_send_counts counts;
        bool tried = false;  ///< the first that is not sent has met an error once

        body(service_handle<Engine> e, udp::send_options const& options)
            : engine(std::move(e)),
              socket(detail::connect_udp(options)),
              longest(std::clamp<std::size_t>(options.max_datagram, 1, udp::datagram_bytes_max)),
              count_max(std::clamp<std::size_t>(options.buffer_bytes / 64, 64, 65'536)),
              buffer(std::clamp<std::size_t>(options.buffer_bytes, longest, std::size_t{1} << 28)),
              lengths(std::make_unique<std::uint16_t[]>(count_max)) {
            if (options.send_offload) offload_max = detail::unfragmented_bytes(socket.fd());
            writable.owner = this;
            writable.fd = socket.fd();
            writable.verb = op_verb::poll;
            writable.flags = POLLOUT;
            writable.done = [](operation& op, completion const& got) {
                if (got.result != -ECANCELED) static_cast<request&>(op).owner->send();
            };
        }
        ~body() {
            next = count;  // so that no handler sends
            detail::settle(*engine, writable);
        }

        void take(bytes const& record) {
            std::size_t const length = record.data.size() + (record.line ? 1 : 0);
            if (length > longest)
                throw refused_record("a record is longer than max_datagram of udp::send");
            while (length > buffer.capacity - filled || count == count_max) {
                send();
                if (next != count) wait();
            }
            if (!record.data.empty())
                std::memcpy(buffer.data.get() + filled, record.data.data(), record.data.size());
            filled += length;
            if (record.line) buffer.data.get()[filled - 1] = '\n';
            lengths[count++] = static_cast<std::uint16_t>(length);
        }
        void wait() {
            if (!engine->turn()) engine->sleep(INT64_MAX);
        }

        /// All that waits, until the kernel has no room.
        void send() {
            if (writable.pending) return;
            while (next != count) {
                unsigned const built = build();
                int const sent = Calls::send(socket.fd(), headers.data(), built);
                if (sent < 0 && !get_over(errno)) return;
                for (int i = 0; i < sent; ++i) went(messages[static_cast<std::size_t>(i)]);
            }
            next = count = next_at = filled = 0;
        }

        unsigned build() {
            std::size_t at = next_at;
            std::size_t i = next;
            unsigned built = 0;
            for (; built < messages_max && i < count; ++built) {
                message& m = messages[built];
                m.run = run_from(i);
                std::size_t bytes = 0;
                for (std::size_t k = 0; k < m.run; ++k) bytes += lengths[i + k];
                m.part = {buffer.data.get() + at, bytes};
                msghdr& head = headers[built].msg_hdr;
                head = {};
                head.msg_iov = &m.part;
                head.msg_iovlen = 1;
                if (m.run > 1) cut_into(head, m, lengths[i]);
                at += bytes;
                i += m.run;
            }
            return built;
        }
        /// How many datagrams from the i-th on go as one: equal ones, of which the last may be
        /// shorter, but not empty.
        [[nodiscard]] std::size_t run_from(std::size_t i) const {
            std::size_t const length = lengths[i];
            if (length == 0 || length > offload_max) return 1;
            std::size_t const most =
                std::min({segments_max, count - i, udp::datagram_bytes_max / length});
            std::size_t run = 1;
            while (run < most && lengths[i + run] == length) ++run;
            if (run < most && lengths[i + run] < length && lengths[i + run] != 0) ++run;
            return run;
        }
        static void cut_into(msghdr& head, message& m, std::uint16_t segment_bytes) {
            head.msg_control = m.control.data();
            head.msg_controllen = m.control.size();
            cmsghdr* const told = CMSG_FIRSTHDR(&head);
            told->cmsg_level = IPPROTO_UDP;
            told->cmsg_type = UDP_SEGMENT;
            told->cmsg_len = CMSG_LEN(sizeof segment_bytes);
            std::memcpy(CMSG_DATA(told), &segment_bytes, sizeof segment_bytes);
        }
        void went(message const& m) {
            counts.datagrams += m.run;
            counts.bytes += m.part.iov_len;
            pass(m);
        }
        void pass(message const& m) {
            next += m.run;
            next_at += m.part.iov_len;
            tried = false;
        }

        /// What the first message that is not sent has met. False to wait.
        bool get_over(int error) {
            if (error == EINTR) return true;
            if (error == EAGAIN || error == EWOULDBLOCK) {
                ++counts.waits;
                engine->submit(writable);
                return false;
            }
            message const& first = messages[0];
            if (first.run > 1 && (error == EINVAL || error == EMSGSIZE || error == EIO)) {
                offload_max = 0;  // the route has a smaller size now, or its device can't
                return true;
            }
            if (error == ECONNREFUSED) ++counts.refused;
            // An answer to one that went before is told to this one, which did not go: once more.
            if (error != EMSGSIZE && !std::exchange(tried, true)) return true;
            lose(error, first);
            return true;
        }
        void lose(int error, message const& m) {
            switch (error) {
                case EMSGSIZE:
                    counts.too_long += m.run;
                    break;
                case ENETUNREACH:
                case EHOSTUNREACH:
                case ENETDOWN:
                case EACCES:
                case EPERM:
                    counts.unreachable += m.run;
                    break;
                default:
                    counts.failed += m.run;
            }
            pass(m);
        }
    };

    std::unique_ptr<body> body_;
};

using udp_sink = basic_udp_sink<core_engine>;

}  // namespace millrace
