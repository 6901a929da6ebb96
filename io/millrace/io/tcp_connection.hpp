// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One connection of a TCP endpoint: what was received and not yet read, replies that wait for their
// turn, what is being sent.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <millrace/io/address.hpp>
#include <millrace/io/detail/byte_buffer.hpp>
#include <millrace/io/framing.hpp>
#include <millrace/io/operation.hpp>
#include <millrace/io/tcp_counts.hpp>

namespace millrace::detail {

struct tcp_connection;

/// Where a connection stands in a list of its endpoint.
struct connection_link {
    tcp_connection* before = nullptr;
    tcp_connection* after = nullptr;
    bool in = false;
};

/// First in, first out; any may leave.
template <connection_link tcp_connection::* Link>
class connection_list {
public:
    [[nodiscard]] bool empty() const { return first_ == nullptr; }
    [[nodiscard]] tcp_connection* first() const { return first_; }
    /// Nothing if it is in the list.
    inline void push(tcp_connection& one);
    /// Nothing if it isn't.
    inline void remove(tcp_connection& one);

private:
    tcp_connection* first_ = nullptr;
    tcp_connection* last_ = nullptr;
};

/// An operation of a connection.
struct connection_operation : operation {
    tcp_connection* owner = nullptr;
};

/// A reply that came before its turn.
struct held_reply {
    byte_buffer bytes;
    bool there = false;
};

/// Stays at its address; used again for later connections of the same slot.
struct tcp_connection {
    connection_operation receive;
    connection_operation send;
    void* endpoint = nullptr;
    int fd = -1;
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;

    // Received: the inbox first, then buffers of the pool, linked by their numbers.
    byte_buffer inbox;
    std::size_t inbox_at = 0;
    std::uint32_t first_piece = no_buffer;
    std::uint32_t last_piece = no_buffer;
    std::uint32_t pieces = 0;
    frame_carry carry;

    // Requests by number: taken from the stream, replied in order, sent.
    std::uint64_t taken = 0;
    std::uint64_t taken_open = 0;  ///< until it was closed
    std::uint64_t replied = 0;
    std::uint64_t sending = 0;  ///< sent, once the bytes on their way are
    std::uint64_t sent = 0;
    std::unique_ptr<held_reply[]> held;
    std::unique_ptr<std::int64_t[]> asked_at;  ///< of each request under way, where it counts
    std::uint64_t timed = 0;                   ///< requests that it knows

    byte_buffer unsent;
    byte_buffer on_its_way;
    std::size_t on_its_way_at = 0;
    std::size_t zero_copy_from = SIZE_MAX;  ///< bytes of a send that is not copied

    std::int64_t touched = 0;      ///< when a byte last moved
    std::int64_t frame_began = 0;  ///< when the carried frame did
    std::int64_t check_at = 0;     ///< when the limits are looked at next
    std::uint64_t visited = 0;     ///< by the poll of this number, last
    std::uint64_t viewed = 0;      ///< the last poll that handed out frames of it
    std::size_t held_bytes = 0;    ///< of replies before their turn
    std::size_t accounted = 0;     ///< of the endpoint's buffered bytes
    host_key host{};

    connection_link in_ready;
    connection_link in_waiting;
    connection_link in_dirty;
    connection_link in_watched;
    connection_link in_dying;

    bool open = false;
    bool closing = false;
    bool ended = false;      ///< nothing more will be received
    bool finishing = false;  ///< all was read; it ends with its last reply
    bool parked = false;     ///< what still comes goes into the inbox
    tcp::close_reason end_reason = tcp::close_reason::peer;
    std::uint64_t last_request = UINT64_MAX;  ///< behind the replies before it, it ends

    [[nodiscard]] bool has_input() const {
        return inbox_at < inbox.size() || first_piece != no_buffer;
    }
    /// Memory that the peer made us hold.
    [[nodiscard]] std::size_t memory() const {
        return inbox.capacity() + carry.capacity() + unsent.capacity() + on_its_way.capacity()
               + held_bytes;
    }
    /// As new, with the slot's next generation.
    void forget() {
        inbox.release();
        carry.release();
        unsent.release();
        on_its_way.release();
        held.reset();
        asked_at.reset();
        inbox_at = on_its_way_at = 0;
        first_piece = last_piece = no_buffer;
        pieces = 0;
        taken = taken_open = replied = sending = sent = timed = 0;
        visited = viewed = 0;
        held_bytes = 0;
        last_request = UINT64_MAX;
        end_reason = tcp::close_reason::peer;
        fd = -1;
        open = closing = ended = finishing = parked = false;
        ++generation;
    }
};

template <connection_link tcp_connection::* Link>
void connection_list<Link>::push(tcp_connection& one) {
    connection_link& link = one.*Link;
    if (link.in) return;
    link = {last_, nullptr, true};
    (last_ == nullptr ? first_ : (last_->*Link).after) = &one;
    last_ = &one;
}
template <connection_link tcp_connection::* Link>
void connection_list<Link>::remove(tcp_connection& one) {
    connection_link& link = one.*Link;
    if (!link.in) return;
    (link.before == nullptr ? first_ : (link.before->*Link).after) = link.after;
    (link.after == nullptr ? last_ : (link.after->*Link).before) = link.before;
    link = {};
}

}  // namespace millrace::detail
