// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What accepts the connections of an endpoint, no faster than it may.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unistd.h>
#include <utility>

#include <millrace/io/operation.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/io/socket.hpp>
#include <millrace/io/tcp_counts.hpp>

namespace millrace::detail {

/// `Endpoint` has `accepted(int fd)`, `deadline_changed()` and `clock()`. Stays at its address.
template <class Engine, class Endpoint>
class tcp_acceptor {
public:
    tcp_acceptor(Engine& engine, Endpoint& endpoint, tcp::counts& counts, descriptor listener,
                 std::string path, std::size_t per_second)
        : engine_(engine),
          endpoint_(endpoint),
          counts_(counts),
          listener_(std::move(listener)),
          path_(std::move(path)),
          per_second_(static_cast<std::int64_t>(per_second)) {
        accept_.self = this;
        accept_.done = [](operation& op, completion const& got) {
            static_cast<owned_operation&>(op).self->done(got);
        };
        accept_.verb = op_verb::accept;
        // One that goes on accepts all that wait: fine where that is within what may come at once.
        accept_.multishot = per_second_ == 0 || burst() >= 1'000 * second;
        accept_.fd = listener_.fd();
        tokens_ = burst();
        filled_at_ = endpoint_.clock();
        engine_.submit(accept_);
    }
    tcp_acceptor(tcp_acceptor const&) = delete;
    tcp_acceptor& operator=(tcp_acceptor const&) = delete;
    ~tcp_acceptor() {
        stopped_ = true;
        settle(engine_, accept_);
        if (!path_.empty()) ::unlink(path_.c_str());
    }

    [[nodiscard]] std::uint16_t port() const { return local_address(listener_.fd()).port(); }
    void stop() {
        stopped_ = true;
        resume_at_ = INT64_MAX;
        engine_.cancel(accept_);
    }
    [[nodiscard]] bool stopped() const { return stopped_ && !accept_.pending; }
    [[nodiscard]] std::int64_t next_deadline() const { return resume_at_; }
    void tick(std::int64_t now) {
        if (now < resume_at_ || accept_.pending) return;
        resume_at_ = INT64_MAX;
        engine_.submit(accept_);
    }

private:
    struct owned_operation : operation {
        tcp_acceptor* self = nullptr;
    };
    static constexpr std::int64_t second = 1'000'000'000;

    /// A tenth of a second's worth may come at once.
    [[nodiscard]] std::int64_t burst() const {
        return std::max<std::int64_t>(per_second_ / 10, 1) * second;
    }
    void pause(std::int64_t until) {
        resume_at_ = until;
        engine_.cancel(accept_);
        endpoint_.deadline_changed();
    }
    /// Tokens are counted in billionths of a connection.
    void spend(std::int64_t now) {
        if (per_second_ == 0) return;
        std::int64_t const passed = std::min(now - filled_at_, second);
        tokens_ = std::min(burst(), tokens_ + passed * per_second_);
        filled_at_ = now;
        tokens_ -= second;
        if (tokens_ >= 0 || resume_at_ != INT64_MAX) return;
        ++counts_.accept_pauses;
        std::int64_t const enough = std::min(burst(), std::max(burst() / 2, second));
        pause(now + (enough - tokens_) / per_second_);
    }

    void done(completion const& got) {
        if (got.result >= 0) {
            if (stopped_) {
                ::close(got.result);
            } else {
                spend(endpoint_.clock());
                endpoint_.accepted(got.result);
            }
        } else if (got.result != -ECANCELED) {
            ++counts_.accept_errors;
            bool const passing = got.result == -EINTR || got.result == -EAGAIN
                                 || got.result == -ECONNABORTED || got.result == -EPROTO;
            // Descriptors or memory ran out: others have to go first.
            if (!passing && !stopped_) pause(endpoint_.clock() + second / 10);
        }
        if (!got.more && !accept_.pending && !stopped_ && resume_at_ == INT64_MAX)
            engine_.submit(accept_);
    }

    Engine& engine_;
    Endpoint& endpoint_;
    tcp::counts& counts_;
    descriptor listener_;
    std::string path_;
    std::int64_t per_second_;
    std::int64_t tokens_ = 0;
    std::int64_t filled_at_ = 0;
    std::int64_t resume_at_ = INT64_MAX;
    owned_operation accept_;
    bool stopped_ = false;
};

}  // namespace millrace::detail
