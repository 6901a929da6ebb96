// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The life of the connections of an endpoint: what they receive and send, and how they end.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <millrace/io/buffer_pool.hpp>
#include <millrace/io/connection_table.hpp>
#include <millrace/io/connection_watch.hpp>
#include <millrace/io/receive_buffers.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/io/tcp_connection.hpp>
#include <millrace/io/tcp_counts.hpp>
#include <millrace/io/tcp_options.hpp>
#include <millrace/model/held.hpp>

namespace millrace::detail {

/// What an endpoint is made of.
struct endpoint_options {
    tcp::limit_options limits;
    pool_options pool{.buffers = 0, .bytes = 0};  ///< none: what is received is thrown away
    unsigned slots = 0;                           ///< of requests; 0: nothing is replied
    duration request_deadline = duration{0};
    std::size_t zero_copy_from = 0;  ///< bytes of one send; 0: all are copied
};

/// Stays at its address. Handlers run within the engine's turn; all else is its operator's.
template <class Engine>
class tcp_connections {
public:
    using connection = tcp_connection;
    using reason = tcp::close_reason;

    tcp_connections(service_handle<Engine> engine, endpoint_options const& options)
        : engine_(std::move(engine)),
          options_(options),
          watch_({.idle = options.limits.idle,
                  .frame_time = options.limits.frame_time,
                  .request_deadline = options.request_deadline,
                  .slots = options.slots}) {
        if (options.pool.buffers != 0) buffers_.emplace(engine_->make_pool(options.pool));
    }
    tcp_connections(tcp_connections const&) = delete;
    tcp_connections& operator=(tcp_connections const&) = delete;

    tcp::counts counts;

    [[nodiscard]] connection* find(std::uint32_t slot, std::uint32_t generation) const {
        return table_.find(slot, generation);
    }
    [[nodiscard]] connection_table const& table() const { return table_; }
    [[nodiscard]] std::size_t buffered() const { return buffered_; }
    [[nodiscard]] buffer_pool const& pool() const { return held(buffers_).pool(); }
    [[nodiscard]] Engine& engine() const { return *engine_; }
    [[nodiscard]] service_handle<Engine> const& handle() const { return engine_; }
    [[nodiscard]] static std::int64_t clock() { return coarse_ns(); }

    /// It ends behind the replies to what was taken before.
    void end_behind(connection& c, std::uint64_t request, reason why) {
        if (request >= c.last_request) return;
        c.last_request = request;
        c.end_reason = why;
        ready_.remove(c);
        waiting_.remove(c);
        c.ended = true;
        drop_input(c);
        engine_->cancel(c.receive);
        finish(c);
    }
    void close(connection& c, reason why) {
        if (c.closing || !c.open) return;
        c.closing = true;
        c.open = false;
        ++closing_;
        ++counts.closed[static_cast<std::size_t>(why)];
        c.taken_open = c.taken;
        if (options_.slots != 0) counts.requests_unanswered += c.taken - c.replied;
        if (options_.slots != 0) counts.replies_dropped += c.replied - c.sent;
        if (!c.carry.empty()) ++counts.cut_frames;
        stop_reading(c);
        ready_.remove(c);
        waiting_.remove(c);
        dirty_.remove(c);
        watch_.remove(c);
        drop_input(c);
        buffered_ -= std::exchange(c.accounted, 0);
        engine_->cancel(c.receive);
        engine_->cancel(c.send);
        if (c.send.pending && c.send.zero_copy) let_go(c.fd);
        bury(c);
    }

    /// `unsent` has grown: it goes out with the next `flush`.
    void to_send(connection& c) { dirty_.push(c); }
    void flush() {
        while (!dirty_.empty()) {
            connection& c = *dirty_.first();
            dirty_.remove(c);
            if (!c.send.pending) send(c);
        }
    }
    /// What it holds has changed; the largest holder is closed where all hold too much.
    void account(connection& c) {
        if (c.closing) return;
        std::size_t const now = c.memory();
        buffered_ += now - c.accounted;
        c.accounted = now;
        std::size_t const most = options_.limits.buffered_bytes;
        if (most != 0 && buffered_ > most) [[unlikely]]
            hold_less(most);
    }

    /// What a sink wants to know: of a connection that is made, that is gone, all of whose bytes
    /// are sent; and that `next_deadline` is another.
    struct hooks {
        void* self = nullptr;
        void (*opened)(void*, connection&) = nullptr;
        void (*closed)(void*, connection&) = nullptr;
        void (*sent)(void*, connection&) = nullptr;
        void (*deadline)(void*) = nullptr;
    };
    void tell(hooks const& whom) { hooks_ = whom; }

protected:
    ~tcp_connections() = default;

    void adopt(int fd, host_key const& host) {
        connection& c = table_.take(host);
        share_buffers();
        c.endpoint = this;
        c.fd = fd;
        c.open = true;
        c.touched = clock();
        c.zero_copy_from = options_.zero_copy_from == 0 ? SIZE_MAX : options_.zero_copy_from;
        set_up(c, c.receive, op_verb::receive, [](operation& op, completion const& got) {
            connection& owner = *static_cast<connection_operation&>(op).owner;
            static_cast<tcp_connections*>(owner.endpoint)->received(owner, got);
        });
        set_up(c, c.send, op_verb::send, [](operation& op, completion const& got) {
            connection& owner = *static_cast<connection_operation&>(op).owner;
            static_cast<tcp_connections*>(owner.endpoint)->sent(owner, got);
        });
        c.receive.pool = buffers_ ? &buffers_->pool() : nullptr;
        c.receive.multishot = buffers_.has_value();
        if (!buffers_) {
            c.receive.data = thrown_away_;
            c.receive.bytes = sizeof thrown_away_;
        }
        ++reading_;
        watch_.add(c, c.touched);
        engine_->submit(c.receive);
        if (hooks_.opened != nullptr) hooks_.opened(hooks_.self, c);
    }
    static void set_up(connection& c, connection_operation& op, op_verb verb,
                       operation::handler done) {
        op.owner = &c;
        op.fd = c.fd;
        op.verb = verb;
        op.done = done;
    }

    // --- receiving ---

    void share_buffers() {
        if (buffers_) buffers_->share(table_.size() - dead_);
    }

    void received(connection& c, completion const& got) {
        if (got.result > 0) {
            c.touched = clock();
            counts.bytes_in += static_cast<std::uint64_t>(got.result);
            keep(c, got);
        } else if (got.result == 0 && !c.closing) {
            end_of_input(c, reason::peer);
        }
        if (c.receive.pending) return;
        if (c.closing) return bury(c);
        switch (got.result) {
            case -ENOBUFS:
                ++counts.starved;
                if (!c.ended && !stopping_ && may_receive(c)) return engine_->park(c.receive);
                [[fallthrough]];
            case -ECANCELED:
            case -EINTR:
            case -EAGAIN:
                if (stopping_ && !c.ended) return end_of_input(c, reason::stopped);
                return rearm(c);
            default:
                if (got.result < 0) return end_of_input(c, reason::reset);
                if (stopping_ && !c.ended) return end_of_input(c, reason::stopped);
                return rearm(c);
        }
    }
    void keep(connection& c, completion const& got) {
        auto const bytes = static_cast<std::uint32_t>(got.result);
        if (!buffers_) {
            counts.bytes_unread += bytes;
        } else if (c.closing || c.finishing) {
            counts.bytes_unread += bytes;
            buffers_->pool().recycle(got.buffer);
        } else if (c.parked) {
            c.inbox.append({got.data, bytes});
            buffers_->pool().recycle(got.buffer);
            account(c);
        } else {
            buffers_->add(c, got.buffer, bytes);
            if (c.in_waiting.in)
                relieve(c);
            else
                ready_.push(c);
            if (holds_too_much(c) && got.more) engine_->cancel(c.receive);
        }
    }
    [[nodiscard]] bool holds_too_much(connection const& c) const {
        return buffers_ && table_.size() > 1 && buffers_->are_mostly_of(c);
    }
    [[nodiscard]] bool may_receive(connection const& c) const {
        return !c.parked && c.inbox_at == c.inbox.size();
    }
    void rearm(connection& c) {
        if (c.receive.pending || c.ended || c.closing || stopping_ || !may_receive(c)) return;
        if (!holds_too_much(c)) engine_->submit(c.receive);
    }
    /// The peer sends nothing more, or we take nothing more. What was received is still read.
    void end_of_input(connection& c, reason why) {
        if (c.closing) return;
        if (c.ended && why != reason::reset) return;
        c.ended = true;
        if (c.last_request == UINT64_MAX || why == reason::reset) c.end_reason = why;
        // No reply reaches a peer that is gone, so no slot would ever be free.
        if (!buffers_ || (why == reason::reset && (c.in_waiting.in || c.finishing)))
            return close(c, why);
        if (!c.in_waiting.in && !c.finishing) ready_.push(c);
    }
    void relieve(connection& c) {
        receive_buffers& buffers = held(buffers_);  // it has received
        if (!buffers.are_wanted_from(c) || c.viewed == poll_) return;
        buffers.move_to_inbox(c);
        c.parked = true;
        ++counts.parked;
        engine_->cancel(c.receive);
        account(c);
    }
    void drop_input(connection& c) {
        if (buffers_) counts.bytes_unread += buffers_->drop(c);
    }

    // --- sending ---

    void send(connection& c) {
        if (c.unsent.empty() || c.closing) return;
        c.on_its_way.swap(c.unsent);
        c.unsent.clear();
        c.on_its_way_at = 0;
        c.sending = c.replied;
        send_rest(c);
    }
    void send_rest(connection& c) {
        std::size_t const left = c.on_its_way.size() - c.on_its_way_at;
        c.send.data = c.on_its_way.data() + c.on_its_way_at;
        c.send.bytes = static_cast<std::uint32_t>(std::min<std::size_t>(left, 1U << 30));
        c.send.zero_copy = c.send.bytes >= c.zero_copy_from;
        engine_->submit(c.send);
    }
    void sent(connection& c, completion const& got) {
        if (got.result >= 0) {
            c.touched = clock();
            counts.bytes_out += static_cast<std::uint64_t>(got.result);
            c.on_its_way_at += static_cast<std::size_t>(got.result);
        }
        if (c.send.pending) return;
        if (c.closing) return bury(c);
        // Its bytes were copied after all, which costs more than to ask for it.
        if (c.send.bytes >= c.zero_copy_from && !c.send.zero_copy) c.zero_copy_from = SIZE_MAX;
        if (got.result < 0 && got.result != -EINTR && got.result != -EAGAIN
            && got.result != -ECANCELED && got.result != -ENOBUFS)
            return close(c, reason::reset);
        if (c.on_its_way_at < c.on_its_way.size()) return send_rest(c);
        c.sent = c.sending;
        c.on_its_way.clear();
        if (!c.unsent.empty()) send(c);
        if (hooks_.sent != nullptr) hooks_.sent(hooks_.self, c);
        if (c.in_waiting.in) {
            waiting_.remove(c);
            ready_.push(c);
        }
        if (c.finishing) return finish(c);
        account(c);
    }

    // --- the end of a connection ---

    void stop_reading(connection& c) {
        if (!c.finishing) --reading_;
        c.finishing = true;
    }
    /// All that came was read: it ends behind its last reply.
    void finish(connection& c) {
        stop_reading(c);
        bool const owes = c.sent < std::min(c.taken, c.last_request) || c.send.pending;
        if (!owes || c.end_reason == reason::reset) close(c, c.end_reason);
    }
    /// The kernel keeps bytes that it did not copy until the peer has acknowledged them, which may
    /// be never. A socket that is connected to nobody (connect(2)) drops them.
    static void let_go(int fd) {
        sockaddr nobody{};
        nobody.sa_family = AF_UNSPEC;
        [[maybe_unused]] int const refused = ::connect(fd, &nobody, sizeof nobody);
    }
    /// Its descriptor goes behind the last completion, its memory behind the last look at it.
    void bury(connection& c) {
        if (c.receive.pending || c.send.pending || c.fd < 0) return;
        ::shutdown(c.fd, SHUT_WR);
        ::close(std::exchange(c.fd, -1));
        --closing_;
        ++dead_;
        dying_.push(c);
        table_.leave(c);
        share_buffers();
        if (hooks_.closed != nullptr) hooks_.closed(hooks_.self, c);
        gone();
    }
    void release_dead() {
        for (connection* c = dying_.first(); c != nullptr;) {
            connection* const next = c->in_dying.after;
            if (c->viewed != poll_) {
                dying_.remove(*c);
                --dead_;
                table_.give_back(*c);
            }
            c = next;
        }
    }
    /// First memory that is kept for what may come, then connections, the largest holder first.
    [[gnu::cold]] void hold_less(std::size_t most) {
        connection* worst = nullptr;
        table_.each([&](connection& c) {
            if (c.viewed != poll_ && c.carry.empty()) c.carry.release();
            if (c.unsent.empty()) c.unsent.release();
            if (!c.send.pending) c.on_its_way.release();
            std::size_t const now = c.memory();
            buffered_ += now - c.accounted;
            c.accounted = now;
            if (worst == nullptr || now > worst->accounted) worst = &c;
        });
        if (buffered_ > most && worst != nullptr) close(*worst, reason::memory);
    }

    /// One of them is gone for good.
    virtual void gone() = 0;

    service_handle<Engine> engine_;
    endpoint_options options_;
    connection_table table_;
    std::optional<receive_buffers> buffers_;
    connection_watch watch_;
    connection_list<&connection::in_ready> ready_;
    connection_list<&connection::in_waiting> waiting_;
    connection_list<&connection::in_dirty> dirty_;
    connection_list<&connection::in_dying> dying_;
    hooks hooks_;
    std::uint64_t poll_ = 1;
    std::size_t reading_ = 0;
    std::size_t closing_ = 0;  ///< their operations are not over
    std::size_t dead_ = 0;     ///< only looked at
    std::size_t buffered_ = 0;
    bool stopping_ = false;

private:
    char thrown_away_[256];
};

}  // namespace millrace::detail
