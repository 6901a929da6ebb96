// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One connection of the load generator: frames out, frames in, and what is owed to it.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "wire.hpp"

namespace load {

class connection {
public:
    struct owed {
        std::uint64_t sequence = 0;
        std::int64_t scheduled = 0;  ///< when it was to be sent, monotonic ns
        bool measured = false;
    };

    /// Connects, waiting; throws a `std::runtime_error` that says why not.
    connection(std::string const& host, std::string const& port) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        if (int const e = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); e != 0)
            throw std::runtime_error(host + ": " + ::gai_strerror(e));
        int error = 0;
        for (addrinfo* a = found; a != nullptr && fd_ < 0; a = a->ai_next) {
            fd_ = ::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
            if (fd_ >= 0 && ::connect(fd_, a->ai_addr, a->ai_addrlen) == 0) break;
            error = errno;
            shut();
        }
        ::freeaddrinfo(found);
        if (fd_ < 0) throw std::runtime_error(host + ":" + port + ": " + std::strerror(error));
        int const on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        in_.resize(std::size_t{64} * 1024);
    }
    connection(connection&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)),
          out_(std::move(other.out_)),
          out_begin_(other.out_begin_),
          in_(std::move(other.in_)),
          in_end_(other.in_end_),
          owed_(std::move(other.owed_)) {}
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;
    ~connection() { shut(); }

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] bool open() const { return fd_ >= 0; }
    [[nodiscard]] std::size_t owing() const { return owed_.size(); }
    [[nodiscard]] bool has_unsent() const { return out_begin_ < out_.size(); }

    void ask(request const& r, std::int64_t scheduled, bool measured) {
        std::size_t const at = out_.size();
        out_.resize(at + request_frame_bytes);
        put_frame(out_.data() + at, r);
        owed_.push_back({r.sequence, scheduled, measured});
    }
    /// Sends what the socket takes; false if the peer is gone.
    bool send() {
        while (has_unsent()) {
            auto const n = ::send(fd_, out_.data() + out_begin_, out_.size() - out_begin_,
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0) return errno == EAGAIN || errno == EINTR;
            out_begin_ += static_cast<std::size_t>(n);
        }
        out_.clear();
        out_begin_ = 0;
        return true;
    }
    /// Reads what is there and calls `on(what was owed)` for each reply that is the next one; false
    /// where the peer is gone or a reply is not the one that is owed, and `wrong` says which.
    template <class F>
    bool receive(char const*& wrong, F&& on) {
        for (;;) {
            auto const n = ::recv(fd_, in_.data() + in_end_, in_.size() - in_end_, MSG_DONTWAIT);
            if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
            if (n <= 0) {
                wrong = n == 0 ? "closed by the service" : "broken";
                return false;
            }
            in_end_ += static_cast<std::size_t>(n);
            bool const full = in_end_ == in_.size();
            wrong = take_frames(on);
            if (wrong != nullptr) return false;
            if (!full) return true;
        }
    }
    void shut() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    [[nodiscard]] std::deque<owed> const& all_owed() const { return owed_; }

private:
    template <class F>
    char const* take_frames(F&& on) {
        std::size_t at = 0;
        while (in_end_ - at >= prefix_bytes) {
            std::size_t const bytes = get_length(in_.data() + at);
            if (bytes < 8 || bytes > reply_bytes_max) return "a reply of an impossible length";
            if (in_end_ - at < prefix_bytes + bytes) break;
            std::uint64_t sequence = 0;
            std::memcpy(&sequence, in_.data() + at + prefix_bytes, sizeof sequence);
            if (owed_.empty()) return "a reply that nobody asked for";
            if (owed_.front().sequence != sequence) return "a reply out of order, or twice";
            on(owed_.front());
            owed_.pop_front();
            at += prefix_bytes + bytes;
        }
        std::memmove(in_.data(), in_.data() + at, in_end_ - at);
        in_end_ -= at;
        return nullptr;
    }

    int fd_ = -1;
    std::vector<char> out_;
    std::size_t out_begin_ = 0;
    std::vector<char> in_;
    std::size_t in_end_ = 0;
    std::deque<owed> owed_;
};

}  // namespace load
