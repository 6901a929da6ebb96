// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What connects an endpoint to its peer, and again when the connection is lost.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <millrace/io/address.hpp>
#include <millrace/io/operation.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/io/socket.hpp>
#include <millrace/io/tcp_counts.hpp>
#include <millrace/io/tcp_options.hpp>

namespace millrace::detail {

/// `Endpoint` has `connected(int fd)`, `deadline_changed()` and `clock()`. Stays at its address.
template <class Engine, class Endpoint>
class tcp_connector {
public:
    tcp_connector(Engine& engine, Endpoint& endpoint, tcp::counts& counts,
                  tcp::connect_options const& options)
        : engine_(engine),
          endpoint_(endpoint),
          counts_(counts),
          options_(options),
          name_{options.host, options.port, options.path},
          addresses_(resolve(name_, "tcp::connect")),
          random_(static_cast<std::uint64_t>(monotonic_ns()) | 1) {
        connect_.self = this;
        connect_.done = [](operation& op, completion const& got) {
            static_cast<owned_operation&>(op).self->done(got.result);
        };
        connect_.verb = op_verb::connect;
        begin(endpoint_.clock());
    }
    tcp_connector(tcp_connector const&) = delete;
    tcp_connector& operator=(tcp_connector const&) = delete;
    ~tcp_connector() {
        stopped_ = true;
        settle(engine_, connect_);
    }

    void stop() {
        stopped_ = true;
        due_ = INT64_MAX;
        engine_.cancel(connect_);
    }
    /// The connection is gone: tries again, if it is to.
    void lost(std::int64_t now) {
        if (stopped_) return;
        if (!options_.reconnect) {
            over_ = true;
            return;
        }
        back_off(now);
    }
    /// No connection is to come.
    [[nodiscard]] bool over() const { return over_ || (stopped_ && !connect_.pending); }
    [[nodiscard]] std::int64_t next_deadline() const { return due_; }
    /// Ends the run where it was refused too often.
    void check() const {
        if (gave_up_ != 0) fail_socket("tcp::connect", "connect to", name_.text(), gave_up_);
    }
    void tick(std::int64_t now) {
        if (now < due_) return;
        due_ = INT64_MAX;
        if (connect_.pending) {
            timed_out_ = true;
            engine_.cancel(connect_);
        } else if (!stopped_) {
            begin(now);
        }
    }

private:
    struct owned_operation : operation {
        tcp_connector* self = nullptr;
    };

    void begin(std::int64_t now) {
        socket_address const& to = addresses_[next_address_];
        connect_.fd = ::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect_.fd < 0) return failed(errno);
        set_up_connection(connect_.fd);
        connect_.address = to.get();
        connect_.address_bytes = to.bytes;
        timed_out_ = false;
        due_ = options_.connect_time.ns > 0 ? now + options_.connect_time.ns : INT64_MAX;
        endpoint_.deadline_changed();
        engine_.submit(connect_);
    }
    void done(std::int32_t result) {
        due_ = INT64_MAX;
        if (stopped_) return close_socket();
        if (result == 0) {
            attempts_ = 0;
            next_address_ = 0;
            ++counts_.connected;
            return endpoint_.connected(std::exchange(connect_.fd, -1));
        }
        if (result == -EINTR) {
            close_socket();
            return begin(endpoint_.clock());
        }
        failed(timed_out_ ? ETIMEDOUT : -result);
    }
    void close_socket() {
        if (connect_.fd >= 0) ::close(std::exchange(connect_.fd, -1));
    }
    void failed(int error) {
        ++counts_.failed_connects;
        close_socket();
        next_address_ = (next_address_ + 1) % addresses_.size();
        if (next_address_ != 0) return begin(endpoint_.clock());
        ++attempts_;
        if (!options_.reconnect
            || (options_.retry.attempts != 0 && attempts_ >= options_.retry.attempts)) {
            gave_up_ = error;
            due_ = INT64_MAX;
            return;
        }
        back_off(endpoint_.clock());
    }
    void back_off(std::int64_t now) {
        std::int64_t const longest = std::max<std::int64_t>(options_.retry.longest.ns, 1);
        std::int64_t wait = std::clamp<std::int64_t>(options_.retry.first.ns, 1, longest);
        for (unsigned i = 1; i < attempts_ && wait < longest; ++i)
            wait = std::min(wait * 2, longest);
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        due_ =
            now + wait - static_cast<std::int64_t>(random_ % static_cast<std::uint64_t>(wait)) / 2;
        endpoint_.deadline_changed();
    }

    Engine& engine_;
    Endpoint& endpoint_;
    tcp::counts& counts_;
    tcp::connect_options options_;
    endpoint_name name_;
    std::vector<socket_address> addresses_;
    owned_operation connect_;
    std::int64_t due_ = INT64_MAX;
    std::uint64_t random_;
    std::size_t next_address_ = 0;
    unsigned attempts_ = 0;
    int gave_up_ = 0;
    bool timed_out_ = false;
    bool stopped_ = false;
    bool over_ = false;
};

}  // namespace millrace::detail
