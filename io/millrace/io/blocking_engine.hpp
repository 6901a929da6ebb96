// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Files where io_uring is refused (containers, old kernels): the same seam over pread and pwrite.

#include <cerrno>
#include <cstdint>
#include <unistd.h>

#include <millrace/io/request.hpp>

namespace millrace {

/// Does what it is asked for on the calling thread. A write is done when it is submitted, so that a
/// reader gets it; a read when it is waited for, so that a chunk which is there is not held back by
/// the next one.
class blocking_engine {
public:
    void submit(io_request& request) {
        request.pending = true;
        if (request.verb != io_verb::read) perform(request);
    }
    void flush() {}
    void wait(io_request& request) {
        if (request.pending) perform(request);
    }
    /// Always true: a read is done here and now, since nobody else would do it.
    bool ready(io_request& request) {
        wait(request);
        return true;
    }
    void cancel(io_request& request) {
        if (request.pending) request.result = -ECANCELED;
        request.pending = false;
    }

private:
    static void perform(io_request& request) {
        ssize_t const done = call(request);
        request.result = static_cast<std::int32_t>(done < 0 ? -errno : done);
        request.pending = false;
    }
    static ssize_t call(io_request const& r) {
        if (r.verb == io_verb::sync) return ::fdatasync(r.fd);
        if (r.offset == at_position)
            return r.verb == io_verb::read ? ::read(r.fd, r.data, r.bytes)
                                           : ::write(r.fd, r.data, r.bytes);
        auto const offset = static_cast<off_t>(r.offset);
        return r.verb == io_verb::read ? ::pread(r.fd, r.data, r.bytes, offset)
                                       : ::pwrite(r.fd, r.data, r.bytes, offset);
    }
};

}  // namespace millrace
