// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One TCP source or sink on one partition: where its connections come from, which of them is read
// next, and when it is over.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <millrace/io/detail/monotonic.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/io/socket.hpp>
#include <millrace/io/tcp_acceptor.hpp>
#include <millrace/io/tcp_connections.hpp>
#include <millrace/io/tcp_connector.hpp>
#include <millrace/io/tcp_options.hpp>
#include <millrace/model/held.hpp>

namespace millrace::detail {

template <class Engine>
class tcp_endpoint final : public tcp_connections<Engine> {
    using base = tcp_connections<Engine>;
    using base::buffers_;
    using base::dying_;
    using base::engine_;
    using base::options_;
    using base::poll_;
    using base::ready_;
    using base::table_;

public:
    using connection = tcp_connection;
    using reason = tcp::close_reason;
    using base::base;
    using base::clock;
    using base::close;
    using base::counts;
    ~tcp_endpoint() {
        close_all();
        if (buffers_) buffers_->recycle_shown();
    }
    /// Everything, now; behind it no operation is under way.
    void close_all() {
        acceptor_.reset();
        connector_.reset();
        table_.each([&](connection& c) { close(c, reason::stopped); });
        while (this->closing_ != 0)
            if (!engine_->turn()) engine_->sleep(INT64_MAX);
    }

    void listen(descriptor listener, std::string path) {
        acceptor_ = std::make_unique<tcp_acceptor<Engine, tcp_endpoint>>(
            *engine_, *this, counts, std::move(listener), std::move(path),
            options_.limits.accepts_per_second);
    }
    void connect(tcp::connect_options const& options) {
        connector_ =
            std::make_unique<tcp_connector<Engine, tcp_endpoint>>(*engine_, *this, counts, options);
    }

    // --- for the operator, which is of a source: there are buffers ---

    /// A poll begins: what the last one handed out is looked at no more.
    void begin_poll() {
        ++poll_;
        receive_buffers& buffers = held(buffers_);
        if (!buffers.pool().refilled()) this->watch_.stalled(clock());
        buffers.recycle_shown();
        if (!dying_.empty()) this->release_dead();
        if (engine_.owned()) engine_->turn();
        check();
        if (!this->dirty_.empty()) this->flush();
    }
    /// Behind the reading, so that what was there to be read is no reason to close.
    void end_poll() {
        if ((poll_ & 7) == 0) tick();
    }
    /// Ends the run where the peer can't be reached.
    void check() const {
        if (connector_) connector_->check();
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_ ? acceptor_->port() : 0; }
    [[nodiscard]] std::uint64_t poll_number() const { return poll_; }
    [[nodiscard]] bool has_ready() const { return !ready_.empty(); }
    /// The next connection to read from, once each poll; null if there is none.
    connection* next_ready() {
        connection* const c = ready_.first();
        if (c == nullptr || c->visited == poll_) return nullptr;
        ready_.remove(*c);
        c->visited = poll_;
        c->carry.begin_batch();
        if (c->inbox_at == c->inbox.size() && !c->inbox.empty()) {
            c->inbox.release();
            c->inbox_at = 0;
        }
        return c;
    }
    [[nodiscard]] std::string_view front(connection const& c) const {
        return held(buffers_).front(c);
    }
    void advance(connection& c, std::size_t bytes) { held(buffers_).advance(c, bytes); }
    /// Behind a visit: it is visited again, ends, or receives again.
    void visited(connection& c) {
        c.parked = false;
        if (c.has_input()) {
            ready_.push(c);
        } else if (c.ended) {
            return this->finish(c);
        }
        this->rearm(c);
        this->account(c);
    }
    /// All of its slots are taken: it is not read until one is free. With few buffers left, or many
    /// of them its own, it gives them back.
    void wait_for_slot(connection& c) {
        this->waiting_.push(c);
        this->relieve(c);
    }
    void stop() {
        this->stopping_ = true;
        if (acceptor_) acceptor_->stop();
        if (connector_) connector_->stop();
        table_.each([&](connection& c) {
            if (c.receive.pending)
                engine_->cancel(c.receive);
            else
                this->end_of_input(c, reason::stopped);
        });
    }
    /// Nothing more is to come, and all was read.
    [[nodiscard]] bool over() const {
        if (this->reading_ != 0) return false;
        if (connector_) return connector_->over();
        return this->stopping_ && (!acceptor_ || acceptor_->stopped());
    }

    /// It connects, and has no connection now: that it brings nothing says nothing about its peer.
    [[nodiscard]] bool away() const {
        return connector_ && !connector_->over() && table_.size() == this->dead_;
    }

    /// When `tick` has something to do.
    [[nodiscard]] std::int64_t next_deadline() const {
        std::int64_t next = this->watch_.next_deadline();
        if (acceptor_) next = std::min(next, acceptor_->next_deadline());
        if (connector_) next = std::min(next, connector_->next_deadline());
        return next;
    }
    void tick() {
        if (clock() + clock_tick_ns >= next_deadline()) tick_now();
    }
    void tick_now() {
        std::int64_t const now = monotonic_ns();
        if (acceptor_) acceptor_->tick(now);
        if (connector_) connector_->tick(now);
        this->watch_.check(now, [this](connection& c, reason why) { close(c, why); });
    }

    // --- for the acceptor and the connector ---

    void accepted(int fd) {
        if (!dying_.empty()) this->release_dead();
        bool const limited = options_.limits.per_address != 0;
        host_key const host = limited ? host_key_of(peer_address(fd)) : host_key{};
        bool const full = options_.limits.connections != 0
                          && table_.size() - this->dead_ >= options_.limits.connections;
        if (full || (limited && table_.of_host(host) >= options_.limits.per_address)) {
            ++(full ? counts.refused_all : counts.refused_address);
            ::close(fd);
            return;
        }
        ++counts.accepted;
        set_up_connection(fd);
        this->adopt(fd, host);
    }
    void connected(int fd) {
        if (!this->dying_.empty()) this->release_dead();
        this->adopt(fd, {});
    }
    void deadline_changed() {
        if (this->hooks_.deadline != nullptr) this->hooks_.deadline(this->hooks_.self);
    }

private:
    void gone() override {
        if (connector_) connector_->lost(clock());
    }

    std::unique_ptr<tcp_acceptor<Engine, tcp_endpoint>> acceptor_;
    std::unique_ptr<tcp_connector<Engine, tcp_endpoint>> connector_;
};

}  // namespace millrace::detail
