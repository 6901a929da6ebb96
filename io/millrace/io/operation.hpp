// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `operation`: what a core's engine is asked for, and `completion`, one result of it. The seam
// between those who talk over sockets and files and the ways to the kernel, where tests inject
// faults.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <sys/socket.h>

#include <millrace/io/request.hpp>

namespace millrace {

class buffer_pool;

/// What is to be done, and which fields of `operation` it reads besides `fd`.
enum class op_verb : std::uint8_t {
    accept,           ///< result: a descriptor (close-on-exec); multishot allowed
    connect,          ///< address, address_bytes; result 0
    receive,          ///< data and bytes, or pool; flags MSG_…; multishot needs a pool
    receive_message,  ///< message; flags; multishot: pool, message gives the sizes (`message_of`)
    send,             ///< data, bytes, flags (MSG_NOSIGNAL is added), zero_copy; may be partial
    send_message,     ///< message, flags (MSG_NOSIGNAL is added); may be partial
    read,             ///< data, bytes, offset; flags RWF_…
    write,            ///< data, bytes, offset; flags RWF_…; may be short
    sync,             ///< fdatasync; with flags ≠ 0 fsync
    poll,             ///< flags POLL…; result: what is ready; multishot allowed
};

/// The buffer of a completion that has none.
inline constexpr std::uint32_t no_buffer = ~std::uint32_t{0};

/// One result of an operation.
struct completion {
    std::int32_t result = 0;           ///< bytes, a descriptor, 0, or a negative errno
    bool more = false;                 ///< a multishot goes on; false: the operation is finished,
                                       ///< whatever `result` is
    std::uint32_t buffer = no_buffer;  ///< of the operation's pool: give it back by `recycle`
    char* data = nullptr;              ///< the bytes in that buffer
};

struct operation;

namespace detail {
/// Where an operation is while it is pending, and what is asked of the kernel for it; the engine's
/// own.
struct operation_state {
    enum class place : std::uint8_t {
        nowhere,     ///< not pending, or its last completion is under way
        queued,      ///< not yet shown to the kernel
        kernel,      ///< only the kernel ends it
        cancelling,  ///< the same, and its cancel is queued
        waiting,     ///< for its descriptor to be ready (epoll)
        parked,      ///< for buffers
        ended,       ///< its result is known, its handler not yet called
    };
    operation* next = nullptr;
    msghdr* message = nullptr;
    std::uint32_t bytes = 0;
    std::int32_t result = 0;
    place where = place::nowhere;
    bool begun = false;    ///< a connect (epoll)
    bool dropped = false;  ///< a cancel is under way (rings)
};
}  // namespace detail

/// Derived from (or held) by its user; stays at its address, as what it points at, while `pending`.
/// The handler runs inside `turn()` of the core's thread; on a completion without `more` the
/// operation is no longer pending, and may be submitted again or destroyed by its handler. `fd` may
/// be closed only behind that last completion: a `close` under an operation never completes it.
/// Sockets may be blocking or not; the engine never blocks on them.
struct operation {
    using handler = void (*)(operation&, completion const&);

    handler done = nullptr;
    int fd = -1;
    op_verb verb = op_verb::poll;
    bool multishot = false;  ///< goes on completing until an error, an end, or a cancel
    bool zero_copy = false;  ///< send: without a copy where the kernel can; completes when `data`
                             ///< is free again. Worth it from about 16 KiB on real network cards
    bool pending = false;    ///< the engine's to write
    std::uint32_t bytes = 0;
    std::uint32_t flags = 0;
    char* data = nullptr;
    std::uint64_t offset = at_position;
    buffer_pool* pool = nullptr;          ///< receive, receive_message: one of its buffers is taken
    sockaddr const* address = nullptr;    ///< connect
    msghdr* message = nullptr;            ///< send_message, receive_message
    socklen_t address_bytes = 0;          ///< connect
    std::int32_t fixed = -1;              ///< read, write: `data` lies in this registered buffer
    detail::operation_state engine = {};  ///< not the user's
};

/// A datagram that a multishot `receive_message` put into a buffer. Views that buffer: valid until
/// it is recycled.
struct received_message {
    sockaddr const* address = nullptr;  ///< of the sender; null if it has none
    socklen_t address_bytes = 0;
    std::string_view control;  ///< walk it by `next_control`
    std::string_view data;
    int flags = 0;  ///< MSG_TRUNC: the datagram was longer; MSG_CTRUNC: more control than room
};

namespace detail {
/// In front of what the kernel puts into such a buffer: then msg_namelen bytes of address, then
/// msg_controllen of control, as the operation's message said, then the data (io_uring(7)).
struct message_header {
    std::uint32_t address_bytes;
    std::uint32_t control_bytes;
    std::uint32_t data_bytes;
    std::uint32_t flags;
};
static_assert(sizeof(message_header) == 16);
}  // namespace detail

/// What a completion of a multishot `receive_message` with `result` ≥ 0 brought. The operation's
/// message must still say the sizes that it had when it was submitted.
inline received_message message_of(operation const& asked, completion const& got) {
    detail::message_header header;
    __builtin_memcpy(&header, got.data, sizeof header);
    char const* const address = got.data + sizeof header;
    char const* const control = address + asked.message->msg_namelen;
    char const* const data = control + asked.message->msg_controllen;
    std::size_t const before = static_cast<std::size_t>(data - got.data);
    std::size_t const room = static_cast<std::size_t>(got.result) - before;
    return {
        .address = header.address_bytes == 0 ? nullptr : reinterpret_cast<sockaddr const*>(address),
        .address_bytes = header.address_bytes < asked.message->msg_namelen
                             ? header.address_bytes
                             : asked.message->msg_namelen,
        .control = {control, header.control_bytes},
        .data = {data, header.data_bytes < room ? header.data_bytes : room},
        .flags = static_cast<int>(header.flags),
    };
}

/// The control message behind `last` (null: the first), or null.
inline cmsghdr const* next_control(received_message const& message, cmsghdr const* last) {
    msghdr view{};
    view.msg_control = const_cast<char*>(message.control.data());
    view.msg_controllen = message.control.size();
    return last == nullptr ? CMSG_FIRSTHDR(&view) : CMSG_NXTHDR(&view, const_cast<cmsghdr*>(last));
}

}  // namespace millrace
