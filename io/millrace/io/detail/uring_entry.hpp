// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// An operation as an entry of a ring's submission queue.

#include <sys/socket.h>

#include <liburing.h>

#include <millrace/io/buffer_pool.hpp>
#include <millrace/io/operation.hpp>
#include <millrace/io/uring_abi.hpp>

namespace millrace::detail {

inline void take_buffer_from(io_uring_sqe& entry, buffer_pool const& pool) {
    entry.flags |= IOSQE_BUFFER_SELECT;
    entry.buf_group = static_cast<std::uint16_t>(pool.group());
}

inline void prepare_receive(io_uring_sqe& entry, operation const& asked) {
    auto const flags = static_cast<int>(asked.flags);
    if (asked.verb == op_verb::receive) {
        if (asked.multishot)  // the length is the buffer's: Linux 6.0 wants none
            ::io_uring_prep_recv_multishot(&entry, asked.fd, nullptr, 0, flags);
        else
            ::io_uring_prep_recv(&entry, asked.fd, asked.pool != nullptr ? nullptr : asked.data,
                                 asked.engine.bytes, flags);
    } else if (asked.multishot) {
        ::io_uring_prep_recvmsg_multishot(&entry, asked.fd, asked.engine.message, asked.flags);
    } else {
        ::io_uring_prep_recvmsg(&entry, asked.fd, asked.engine.message, asked.flags);
    }
    if (asked.pool != nullptr) take_buffer_from(entry, *asked.pool);
}

inline void prepare_send(io_uring_sqe& entry, operation const& asked, bool report_usage) {
    auto const flags = static_cast<int>(asked.flags | MSG_NOSIGNAL);
    if (asked.verb == op_verb::send_message)
        ::io_uring_prep_sendmsg(&entry, asked.fd, asked.engine.message,
                                static_cast<unsigned>(flags));
    else if (asked.zero_copy)
        ::io_uring_prep_send_zc(&entry, asked.fd, asked.data, asked.engine.bytes, flags,
                                report_usage ? uring_send_zc_report_usage : 0);
    else
        ::io_uring_prep_send(&entry, asked.fd, asked.data, asked.engine.bytes, flags);
}

inline void prepare_file(io_uring_sqe& entry, operation const& asked) {
    bool const read = asked.verb == op_verb::read;
    if (asked.fixed >= 0 && read)
        ::io_uring_prep_read_fixed(&entry, asked.fd, asked.data, asked.engine.bytes, asked.offset,
                                   asked.fixed);
    else if (asked.fixed >= 0)
        ::io_uring_prep_write_fixed(&entry, asked.fd, asked.data, asked.engine.bytes, asked.offset,
                                    asked.fixed);
    else if (read)
        ::io_uring_prep_read(&entry, asked.fd, asked.data, asked.engine.bytes, asked.offset);
    else
        ::io_uring_prep_write(&entry, asked.fd, asked.data, asked.engine.bytes, asked.offset);
    entry.rw_flags = static_cast<int>(asked.flags);
}

/// Fills the entry; its user data is the operation's address.
inline void prepare(io_uring_sqe& entry, operation& asked, bool report_usage) {
    switch (asked.verb) {
        case op_verb::accept: {
            auto const flags = static_cast<int>(asked.flags | SOCK_CLOEXEC);
            if (asked.multishot)
                ::io_uring_prep_multishot_accept(&entry, asked.fd, nullptr, nullptr, flags);
            else
                ::io_uring_prep_accept(&entry, asked.fd, nullptr, nullptr, flags);
            break;
        }
        case op_verb::connect:
            ::io_uring_prep_connect(&entry, asked.fd, asked.address, asked.address_bytes);
            break;
        case op_verb::receive:
        case op_verb::receive_message:
            prepare_receive(entry, asked);
            break;
        case op_verb::send:
        case op_verb::send_message:
            prepare_send(entry, asked, report_usage);
            break;
        case op_verb::read:
        case op_verb::write:
            prepare_file(entry, asked);
            break;
        case op_verb::sync:
            ::io_uring_prep_fsync(&entry, asked.fd, asked.flags == 0 ? IORING_FSYNC_DATASYNC : 0);
            break;
        case op_verb::poll:
            if (asked.multishot)
                ::io_uring_prep_poll_multishot(&entry, asked.fd, asked.flags);
            else
                ::io_uring_prep_poll_add(&entry, asked.fd, asked.flags);
            break;
    }
    ::io_uring_sqe_set_data(&entry, &asked);
}

}  // namespace millrace::detail
