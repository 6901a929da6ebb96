// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A file descriptor that closes itself, or one that is only borrowed (standard input and output).

#include <cerrno>
#include <unistd.h>
#include <utility>

namespace millrace::detail {

class descriptor {
public:
    descriptor() = default;
    static descriptor own(int fd) { return {fd, true}; }
    static descriptor borrow(int fd) { return {fd, false}; }
    descriptor(descriptor&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), owned_(std::exchange(other.owned_, false)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        if (this == &other) return *this;
        reset();
        fd_ = std::exchange(other.fd_, -1);
        owned_ = std::exchange(other.owned_, false);
        return *this;
    }
    ~descriptor() { reset(); }

    [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] bool owned() const { return owned_; }
    void reset() { static_cast<void>(close()); }
    /// Gives the errno or 0: network file systems tell only here that the disk is full. The
    /// descriptor is gone in any case, as Linux has it, also when interrupted.
    [[nodiscard]] int close() {
        int const error = owned_ && ::close(fd_) != 0 && errno != EINTR ? errno : 0;
        fd_ = -1;
        owned_ = false;
        return error;
    }

private:
    descriptor(int fd, bool owned) : fd_(fd), owned_(owned && fd >= 0) {}
    int fd_ = -1;
    bool owned_ = false;
};

}  // namespace millrace::detail
