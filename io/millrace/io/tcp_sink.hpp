// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator of `to(tcp::connect(…))`: records to one peer, over as many connections as it takes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/io/detail/timer_operation.hpp>
#include <millrace/io/framing.hpp>
#include <millrace/io/refused_record.hpp>
#include <millrace/io/tcp_endpoint.hpp>
#include <millrace/io/tcp_options.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/failure.hpp>

namespace millrace {

namespace detail {

/// Puts a record as the framing has it; a record that the framing refuses is a bad one.
template <framing Framing>
void put_record(Framing const& how, byte_buffer& out, bytes const& record) {
    if (!how.put(out, record.data))
        throw refused_record(
            "the record does not fit the framing: it is too long, or holds its separator");
    if constexpr (!Framing::reads)
        if (record.line) out.append("\n");
}

/// Framed records in a row, and where each ends.
struct record_queue {
    byte_buffer data;
    std::vector<std::size_t> ends;

    void clear() {
        data.clear();
        ends.clear();
    }
};

/// Records that fit into what is left, judged by the largest so far. Where nothing waits there is
/// room for `least`, however long they are: else a buffer smaller than one record would never take
/// any.
inline std::size_t room_in(std::size_t used, std::size_t all, std::size_t largest,
                           std::size_t least) {
    std::size_t const room = used >= all ? 0 : (all - used) / std::max<std::size_t>(largest, 64);
    return used == 0 ? std::max(room, least) : room;
}

}  // namespace detail

/// At most once: what the kernel took is handed over. A record of which only a part was taken when
/// the connection broke is lost and counted; the others go out over the next connection.
template <class Engine, framing Framing>
class basic_tcp_sink {
    using connection = detail::tcp_connection;

public:
    basic_tcp_sink(service_handle<Engine> engine, tcp::connect_options const& options,
                   Framing framing)
        : body_(std::make_unique<body>(std::move(engine), options, framing)) {}

    void write(bytes const& record) { body_->write(record); }
    /// Hands over what the batch brought.
    void batch_end() {
        body_->turn_own();
        body_->hand_over();
    }
    /// Records that it takes now for certain.
    [[nodiscard]] std::size_t room() const {
        body& b = *body_;
        b.turn_own();
        b.check();
        return detail::room_in(b.waiting.data.size(), b.options.unsent_bytes, b.largest, b.at_once);
    }
    /// So many records one record of the pipeline can become here: they have room together.
    void takes_at_once(std::size_t records) { body_->at_once = records; }
    /// The kernel has taken everything.
    [[nodiscard]] bool drained() const {
        body& b = *body_;
        b.turn_own();
        b.check();
        return b.waiting.ends.empty() && b.going.ends.empty();
    }
    /// Gives what is left a second more, if there is a peer; the rest is lost, and counted.
    void close(bool success) { body_->close(success); }
    [[nodiscard]] std::uint64_t bytes_written() const { return counts().bytes_out; }
    [[nodiscard]] tcp::counts const& counts() const { return body_->at.counts; }
    template <class F>
    void report(F&& line) const {
        counts().report(line);
    }

private:
    struct body {
        Framing framing;
        tcp::connect_options options;
        detail::record_queue waiting;
        detail::record_queue going;  // its bytes are the connection's, `going.data` is not used
        connection* peer = nullptr;
        std::size_t largest = 0;
        std::size_t at_once = 1;
        bool closed = false;
        detail::tcp_endpoint<Engine> at;
        detail::timer_operation<Engine> timer;

        body(service_handle<Engine> engine, tcp::connect_options const& o, Framing const& f)
            : framing(f),
              options(o),
              at(std::move(engine), {.limits = {.connections = 0,
                                                .per_address = 0,
                                                .accepts_per_second = 0,
                                                .idle = duration{0},
                                                .frame_time = duration{0},
                                                .buffered_bytes = 0},
                                     .zero_copy_from = o.zero_copy_from}),
              timer(at.engine(), this, [](void* self) {
                  auto& b = *static_cast<body*>(self);
                  b.at.tick_now();
                  b.timer.set(b.at.next_deadline());
              }) {
            at.tell({.self = this,
                     .opened = [](void* self, connection& c) { static_cast<body*>(self)->open(c); },
                     .closed = [](void* self, connection& c) { static_cast<body*>(self)->lose(c); },
                     .sent = [](void* self, connection&) { static_cast<body*>(self)->sent(); },
                     .deadline =
                         [](void* self) {
                             auto& b = *static_cast<body*>(self);
                             b.timer.set(b.at.next_deadline());
                         }});
            at.connect(options);
            timer.set(at.next_deadline());
        }

        void turn_own() const {
            if (at.handle().owned()) at.engine().turn();
        }
        void check() const {
            at.check();
            if (!options.reconnect && peer == nullptr && at.counts.connected != 0 && !closed)
                throw failure(exit_code::io,
                              "millrace: tcp::connect: the connection is lost, and .reconnect is "
                              "false. See what the peer says, or let it reconnect.");
        }
        void write(bytes const& record) {
            std::size_t const before = waiting.data.size();
            detail::put_record(framing, waiting.data, record);
            waiting.ends.push_back(waiting.data.size());
            largest = std::max(largest, waiting.data.size() - before);
        }
        void open(connection& c) {
            peer = &c;
            hand_over();
        }
        void hand_over() {
            if (peer == nullptr || !going.ends.empty() || waiting.ends.empty()) return;
            peer->unsent.swap(waiting.data);
            waiting.data.clear();
            going.ends.swap(waiting.ends);
            waiting.ends.clear();
            at.to_send(*peer);
            at.flush();
        }
        void sent() {
            going.clear();
            hand_over();
        }
        /// What the kernel never took goes in front of what waits.
        void lose(connection& c) {
            if (peer != &c) return;
            peer = nullptr;
            bool const on_its_way = !c.on_its_way.empty();
            std::string_view const data = on_its_way ? c.on_its_way.view() : c.unsent.view();
            std::size_t const taken = on_its_way ? c.on_its_way_at : 0;
            detail::record_queue rest;
            std::size_t begin = 0;
            for (std::size_t const end : going.ends) {
                if (begin >= taken) {
                    rest.data.append(data.substr(begin, end - begin));
                    rest.ends.push_back(rest.data.size());
                } else if (end > taken) {
                    ++at.counts.lost;
                }
                begin = end;
            }
            going.clear();
            std::size_t const shift = rest.data.size();
            rest.data.append(waiting.data.view());
            for (std::size_t const end : waiting.ends) rest.ends.push_back(shift + end);
            std::swap(waiting, rest);
        }
        void close(bool success) {
            std::int64_t const until = detail::monotonic_ns() + 1'000'000'000;
            hand_over();
            while (success && peer != nullptr && !going.ends.empty()
                   && detail::monotonic_ns() < until)
                if (!at.engine().turn()) at.engine().sleep(until);
            closed = true;
            at.close_all();
            at.counts.lost += waiting.ends.size();
            waiting.clear();
        }
    };

    std::unique_ptr<body> body_;
};

}  // namespace millrace
