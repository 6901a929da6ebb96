// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator of `tcp::listen(…)`, `tcp::serve(…)` and `tcp::connect(…)` as a source: frames of
// its connections, and replies to them.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/io/framing.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/io/tcp_endpoint.hpp>
#include <millrace/io/tcp_options.hpp>
#include <millrace/model/live.hpp>

namespace millrace {

namespace detail {

/// What a source is besides its endpoint.
struct source_options {
    unsigned slots = 0;  ///< of requests; 0: it takes no replies
    std::size_t max_reply = 0;
    bool deadline = false;  ///< of requests
    tcp::bad_request on_bad = tcp::bad_request::close;
    std::string bad_reply = {};
    std::uint16_t partition = 0;
};

}  // namespace detail

/// `Replies`: each frame comes with its token, and `reply` answers it.
template <class Engine, reading_framing Framing, bool Replies>
class basic_tcp_source {
    using endpoint = detail::tcp_endpoint<Engine>;
    using connection = detail::tcp_connection;

public:
    basic_tcp_source(service_handle<Engine> engine, detail::endpoint_options const& of_endpoint,
                     Framing framing, detail::source_options options)
        : body_(std::make_unique<body>(std::move(engine), of_endpoint, framing,
                                       std::move(options))) {}

    /// For its maker.
    [[nodiscard]] endpoint& at() { return body_->at; }

    /// Pushes up to `n` frames; at most one buffer's worth of each connection, in turn.
    template <class Push>
    source_state poll(std::size_t n, Push&& push) {
        body& b = *body_;
        b.at.begin_poll();
        while (n != 0) {
            connection* const c = b.at.next_ready();
            if (c == nullptr) break;
            n -= b.visit(*c, n, push);
        }
        b.at.end_poll();
        if (b.at.has_ready()) return source_state::more;
        return b.at.over() ? source_state::ended : source_state::idle;
    }
    /// Accepts and receives nothing more. Ends when what was received is pushed; replies still go
    /// out.
    void stop() { body_->at.stop(); }

    /// Answers a request, in whatever order: replies go out in the order of their requests, framed
    /// as they are. They leave with the next `flush` or `poll`.
    void reply(reply_token const& to, std::string_view bytes)
        requires Replies
    {
        body_->reply(to, bytes);
    }
    /// For a request that can't be read: what `on_bad` says.
    void refuse(reply_token const& to)
        requires Replies
    {
        body_->refuse(to);
    }
    void flush() { body_->at.flush(); }
    /// No connection to its peer now: it is not idle, it waits.
    [[nodiscard]] bool away() const { return body_->at.away(); }
    /// All that was asked is answered, and sent; what can't be is counted.
    [[nodiscard]] bool drained() const {
        bool all = true;
        body_->at.table().each(
            [&](connection const& c) { all = all && c.sent >= std::min(c.taken, c.last_request); });
        return all;
    }

    /// Bytes received that were not handed on when it ended are in the counts; frames half there
    /// are no records.
    [[nodiscard]] tcp::counts const& counts() const { return body_->at.counts; }
    template <class F>
    void report(F&& line) const {
        counts().report(line);
    }
    /// ns of the monotonic clock: when to poll at the latest.
    [[nodiscard]] std::int64_t next_deadline() const { return body_->at.next_deadline(); }
    /// The port that it listens on; 0 where it doesn't.
    [[nodiscard]] std::uint16_t port() const { return body_->at.port(); }
    /// Connections, and bytes that they make us hold.
    [[nodiscard]] std::size_t connections() const { return body_->at.table().size(); }
    [[nodiscard]] std::size_t buffered() const { return body_->at.buffered(); }
    [[nodiscard]] buffer_pool const& pool() const { return body_->at.pool(); }

private:
    struct body {
        endpoint at;
        Framing framing;
        detail::source_options options;

        body(service_handle<Engine> engine, detail::endpoint_options const& of_endpoint,
             Framing const& f, detail::source_options o)
            : at(std::move(engine), of_endpoint), framing(f), options(std::move(o)) {}

        template <class Push>
        [[gnu::always_inline]] inline std::size_t visit(connection& c, std::size_t n, Push& push) {
            if constexpr (Replies) {
                n = std::min<std::size_t>(n, options.slots - (c.taken - c.sent));
                if (n == 0) {
                    at.wait_for_slot(c);
                    return 0;
                }
            }
            std::size_t left = n;
            bool const began = !c.carry.empty();
            frame_status status = frame_status::full;
            c.viewed = at.poll_number();
            do {
                std::string_view const all = at.front(c);
                std::string_view input = all;
                status = read_frames(framing, c.carry, input, left,
                                     [&](std::string_view data) __attribute__((always_inline)) {
                                         if constexpr (Replies)
                                             push(frame{data}, next_token(c));
                                         else
                                             push(frame{data});
                                     });
                at.advance(c, all.size() - input.size());
            } while (status == frame_status::cut && c.has_input());
            at.counts.frames += n - left;
            // Closed by an answer of this visit: what was taken behind that one gets none, either.
            if (c.closing) [[unlikely]]
                at.counts.requests_unanswered += c.taken - c.taken_open;
            after(c, status, n != left || !began);
            return n - left;
        }
        [[gnu::always_inline]] reply_token next_token(connection& c) {
            return {.sequence = c.taken++,
                    .connection = c.slot,
                    .generation = c.generation,
                    .partition = options.partition,
                    .refused = false};
        }
        /// What a visit leaves: a frame that began, one that is refused, an end.
        void after(connection& c, frame_status status, bool fresh) {
            if (!c.carry.empty() && fresh) c.frame_began = endpoint::clock();
            if (Replies && options.deadline && c.taken != c.replied) note_time(c);
            if (status == frame_status::refused) [[unlikely]] {
                ++at.counts.bad_frames;
                c.carry.forget();
                return at.end_behind(c, c.taken, tcp::close_reason::bad_frame);
            }
            at.visited(c);
        }
        void note_time(connection& c) {
            if (!c.asked_at) {
                c.asked_at = std::make_unique<std::int64_t[]>(options.slots);
                c.timed = 0;
            }
            std::int64_t const now = endpoint::clock();
            for (; c.timed < c.taken; ++c.timed) c.asked_at[c.timed % options.slots] = now;
        }

        void reply(reply_token const& to, std::string_view bytes) {
            connection* const c = at.find(to.connection, to.generation);
            if (c == nullptr || to.sequence >= c->last_request) {
                ++at.counts.replies_dropped;
                return;
            }
            if (to.sequence < c->replied || to.sequence >= c->taken) {
                ++at.counts.replies_unasked;
                return;
            }
            if (to.sequence != c->replied) return hold(*c, to.sequence, bytes);
            if (!put(*c, bytes)) return;
            while (c->held && c->held[c->replied % options.slots].there) {
                detail::held_reply& next = c->held[c->replied % options.slots];
                next.there = false;
                c->held_bytes -= next.bytes.capacity();
                detail::byte_buffer const mine = std::move(next.bytes);
                if (!put(*c, mine.view())) return;
            }
            at.to_send(*c);
            at.account(*c);
        }
        bool put(connection& c, std::string_view bytes) {
            if (bytes.size() > options.max_reply || !framing.put(c.unsent, bytes)) {
                at.close(c, tcp::close_reason::reply_refused);
                return false;
            }
            ++c.replied;
            ++at.counts.replies;
            return true;
        }
        void hold(connection& c, std::uint64_t sequence, std::string_view bytes) {
            if (!c.held) c.held = std::make_unique<detail::held_reply[]>(options.slots);
            detail::held_reply& place = c.held[sequence % options.slots];
            if (place.there) {
                ++at.counts.replies_unasked;
                return;
            }
            place.there = true;
            place.bytes.append(bytes);
            c.held_bytes += place.bytes.capacity();
            at.account(c);
        }
        void refuse(reply_token const& to) {
            ++at.counts.bad_requests;
            if (options.on_bad == tcp::bad_request::answer) return reply(to, options.bad_reply);
            connection* const c = at.find(to.connection, to.generation);
            if (c != nullptr) at.end_behind(*c, to.sequence, tcp::close_reason::bad_request);
        }
    };

    std::unique_ptr<body> body_;
};

}  // namespace millrace
