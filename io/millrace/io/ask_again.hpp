// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Which results of an operation are no errors but a reason to ask again.

#include <cerrno>
#include <poll.h>

#include <millrace/io/request.hpp>

namespace millrace::detail {

/// True where the request should be submitted once more: it was interrupted, or the descriptor is
/// non-blocking and not ready; then this waits until it is, rather than spin.
inline bool ask_again(io_request const& request) {
    if (request.result == -EINTR) return true;
    if (request.result != -EAGAIN) return false;
    short const events = request.verb == io_verb::read ? POLLIN : POLLOUT;
    pollfd waited{request.fd, events, 0};
    ::poll(&waited, 1, -1);
    return true;
}

}  // namespace millrace::detail
