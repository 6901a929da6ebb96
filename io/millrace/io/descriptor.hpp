// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A file descriptor that closes itself, or one that is only borrowed (standard input and output).

#include <unistd.h>
#include <utility>

namespace millrace::detail {

class descriptor {
public:
    descriptor() = default;
    static descriptor own(int fd) { return descriptor(fd, true); }
    static descriptor borrow(int fd) { return descriptor(fd, false); }
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
    void reset() {
        if (owned_) ::close(fd_);
        fd_ = -1;
        owned_ = false;
    }

private:
    descriptor(int fd, bool owned) : fd_(fd), owned_(owned && fd >= 0) {}
    int fd_ = -1;
    bool owned_ = false;
};

}  // namespace millrace::detail
