// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One attempt at an operation without a ring: the system call that never blocks, and its result as
// a ring would give it.

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <millrace/io/buffer_pool.hpp>
#include <millrace/io/detail/file_helpers.hpp>
#include <millrace/io/operation.hpp>

namespace millrace::detail {

inline std::int32_t or_errno(ssize_t done) {
    return static_cast<std::int32_t>(done < 0 ? -errno : done);
}

inline void make_nonblocking(int fd) {
    int const flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) (void)::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

inline std::int32_t ready_events(int fd, unsigned wanted) {
    pollfd one{fd, static_cast<short>(wanted), 0};
    return ::poll(&one, 1, 0) < 0 ? -errno : static_cast<std::uint16_t>(one.revents);
}

/// As a ring lays it out in a buffer: the header, the address, the control, the data.
inline std::int32_t receive_message_into(operation const& asked, char* data, std::uint32_t bytes) {
    socklen_t const address_bytes = asked.message->msg_namelen;
    std::size_t const control_bytes = asked.message->msg_controllen;
    std::size_t const before = sizeof(message_header) + address_bytes + control_bytes;
    if (before > bytes) return -EFAULT;  // so does a ring
    iovec part{data + before, bytes - before};
    msghdr message{};
    message.msg_name = address_bytes == 0 ? nullptr : data + sizeof(message_header);
    message.msg_namelen = address_bytes;
    message.msg_control = control_bytes == 0 ? nullptr : data + before - control_bytes;
    message.msg_controllen = control_bytes;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ssize_t const got = ::recvmsg(asked.fd, &message, static_cast<int>(asked.flags) | MSG_DONTWAIT);
    if (got < 0) return -errno;
    message_header const header{
        message.msg_namelen, static_cast<std::uint32_t>(message.msg_controllen),
        static_cast<std::uint32_t>(got), static_cast<std::uint32_t>(message.msg_flags)};
    std::memcpy(data, &header, sizeof header);
    return static_cast<std::int32_t>(before
                                     + std::min<std::size_t>(part.iov_len, header.data_bytes));
}

/// `at`: the pool's buffer, if the operation has a pool.
inline std::int32_t try_receive(operation const& asked, char* at) {
    auto const flags = static_cast<int>(asked.flags) | MSG_DONTWAIT;
    if (asked.verb == op_verb::receive_message)
        return asked.multishot ? receive_message_into(asked, at, asked.pool->buffer_bytes())
                               : or_errno(::recvmsg(asked.fd, asked.engine.message, flags));
    if (at == nullptr) return or_errno(::recv(asked.fd, asked.data, asked.engine.bytes, flags));
    std::uint32_t const room = asked.pool->buffer_bytes();
    bool const all = asked.multishot || asked.engine.bytes == 0;
    return or_errno(::recv(asked.fd, at, all ? room : std::min(room, asked.engine.bytes), flags));
}

inline std::int32_t try_connect(operation& asked) {
    if (asked.engine.begun) {
        if (ready_events(asked.fd, POLLOUT) == 0) return -EAGAIN;
        int error = 0;
        socklen_t size = sizeof error;
        return ::getsockopt(asked.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
    }
    make_nonblocking(asked.fd);
    if (::connect(asked.fd, asked.address, asked.address_bytes) == 0) return 0;
    if (errno != EINPROGRESS) return -errno;
    asked.engine.begun = true;
    return -EINPROGRESS;
}

/// A read or write of a pipe, a terminal, an eventfd: only when it is ready, and no more than a
/// ready pipe certainly takes.
inline std::int32_t try_stream(operation& asked) {
    bool const write = asked.verb == op_verb::write;
    if (ready_events(asked.fd, write ? POLLOUT : POLLIN) == 0) return -EAGAIN;
    std::uint32_t const all = asked.engine.bytes;
    if (write) asked.engine.bytes = std::min<std::uint32_t>(all, PIPE_BUF);
    std::int32_t const done = do_file(asked);
    asked.engine.bytes = all;
    return done;
}

/// -EAGAIN: not ready; -EINPROGRESS: a connect that has begun.
inline std::int32_t try_once(operation& asked, char* at) {
    for (;;) {
        std::int32_t result = 0;
        switch (asked.verb) {
            case op_verb::accept:
                result = or_errno(::accept4(asked.fd, nullptr, nullptr,
                                            static_cast<int>(asked.flags | SOCK_CLOEXEC)));
                break;
            case op_verb::connect:
                result = try_connect(asked);
                break;
            case op_verb::receive:
            case op_verb::receive_message:
                result = try_receive(asked, at);
                break;
            case op_verb::send:
                result =
                    or_errno(::send(asked.fd, asked.data, asked.engine.bytes,
                                    static_cast<int>(asked.flags) | MSG_DONTWAIT | MSG_NOSIGNAL));
                break;
            case op_verb::send_message:
                result = or_errno(
                    ::sendmsg(asked.fd, asked.engine.message,
                              static_cast<int>(asked.flags) | MSG_DONTWAIT | MSG_NOSIGNAL));
                break;
            case op_verb::read:
            case op_verb::write:
            case op_verb::sync:
                result = try_stream(asked);
                break;
            case op_verb::poll:
                result = ready_events(asked.fd, asked.flags);
                if (result == 0) result = -EAGAIN;
                break;
        }
        if (result != -EINTR) return result;
    }
}

}  // namespace millrace::detail
