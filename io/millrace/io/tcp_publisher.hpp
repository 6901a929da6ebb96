// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator of `to(tcp::publish(…))`: every record to every peer that is connected.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <millrace/io/detail/timer_operation.hpp>
#include <millrace/io/framing.hpp>
#include <millrace/io/tcp_endpoint.hpp>
#include <millrace/io/tcp_options.hpp>
#include <millrace/io/tcp_sink.hpp>
#include <millrace/model/bytes.hpp>

namespace millrace {

/// A record is framed once and copied to each peer. What a peer had not been sent when it left is
/// counted as lost. What peers send is thrown away; one that ends its side is gone.
template <class Engine, framing Framing>
class basic_tcp_publisher {
    using connection = detail::tcp_connection;

public:
    basic_tcp_publisher(service_handle<Engine> engine, tcp::publish_options const& options,
                        Framing framing, detail::descriptor listener)
        : body_(std::make_unique<body>(std::move(engine), options, framing, std::move(listener))) {}

    void write(bytes const& record) { body_->write(record); }
    void batch_end() {
        body_->turn_own();
        body_->at.flush();
    }
    /// Records that every peer has room for.
    [[nodiscard]] std::size_t room() const {
        body& b = *body_;
        b.turn_own();
        std::size_t most = 0;
        bool any = false;
        b.at.table().each([&](connection const& c) {
            any = true;
            most = std::max(most, c.unsent.size());
        });
        if (!any && b.options.wait_for_peer) return 0;
        if (b.options.on_slow == tcp::slow_peer::close) most = 0;
        return detail::room_in(most, b.options.unsent_bytes, b.largest, b.at_once);
    }
    /// So many records one record of the pipeline can become here: they have room together.
    void takes_at_once(std::size_t records) { body_->at_once = records; }
    [[nodiscard]] bool drained() const {
        body& b = *body_;
        b.turn_own();
        bool all = true;
        b.at.table().each([&](connection const& c) { all = all && c.sent == c.replied; });
        return all;
    }
    /// Gives peers a second more to take what they have not; the rest is lost, and counted.
    void close(bool success) {
        std::int64_t const until = detail::monotonic_ns() + 1'000'000'000;
        body_->at.flush();
        while (success && !drained() && detail::monotonic_ns() < until)
            if (!body_->at.engine().turn()) body_->at.engine().sleep(until);
        body_->at.close_all();
    }
    [[nodiscard]] std::uint64_t bytes_written() const { return counts().bytes_out; }
    [[nodiscard]] tcp::counts const& counts() const { return body_->at.counts; }
    template <class F>
    void report(F&& line) const {
        counts().report(line);
    }
    [[nodiscard]] std::uint16_t port() const { return body_->at.port(); }
    [[nodiscard]] std::size_t peers() const { return body_->at.table().size(); }

private:
    struct body {
        Framing framing;
        tcp::publish_options options;
        detail::byte_buffer framed;
        std::size_t largest = 0;
        std::size_t at_once = 1;
        detail::tcp_endpoint<Engine> at;
        detail::timer_operation<Engine> timer;

        body(service_handle<Engine> engine, tcp::publish_options const& o, Framing const& f,
             detail::descriptor listener)
            : framing(f),
              options(o),
              at(std::move(engine), {.limits = o.limits, .zero_copy_from = o.zero_copy_from}),
              timer(at.engine(), this, [](void* self) {
                  auto& b = *static_cast<body*>(self);
                  b.at.tick_now();
                  b.timer.set(b.at.next_deadline());
              }) {
            auto const again = [](void* self, connection&) {
                auto& b = *static_cast<body*>(self);
                b.timer.set(b.at.next_deadline());
            };
            at.tell({.self = this,
                     .opened = again,
                     .closed =
                         [](void* self, connection& c) {
                             static_cast<body*>(self)->at.counts.lost += c.replied - c.sent;
                         },
                     .deadline =
                         [](void* self) {
                             auto& b = *static_cast<body*>(self);
                             b.timer.set(b.at.next_deadline());
                         }});
            if (listener) at.listen(std::move(listener), options.path);
        }

        void turn_own() {
            if (!at.handle().owned()) return;
            at.engine().turn();
        }
        void write(bytes const& record) {
            framed.clear();
            detail::put_record(framing, framed, record);
            largest = std::max(largest, framed.size());
            bool heard = false;
            at.table().each([&](connection& c) {
                if (options.on_slow == tcp::slow_peer::close && !c.unsent.empty()
                    && c.unsent.size() + framed.size() > options.unsent_bytes)
                    return at.close(c, tcp::close_reason::slow_reader);
                heard = true;
                c.unsent.append(framed.view());
                ++c.replied;
                at.to_send(c);
                at.account(c);
            });
            at.counts.unheard += heard ? 0 : 1;
        }
    };

    std::unique_ptr<body> body_;
};

}  // namespace millrace
