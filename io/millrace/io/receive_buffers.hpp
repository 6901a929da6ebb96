// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `receive_buffers`: what the connections of an endpoint have received and not yet read, in the
// buffers where the kernel put it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <millrace/io/buffer_pool.hpp>
#include <millrace/io/tcp_connection.hpp>

namespace millrace::detail {

/// Buffers of one pool, linked by their numbers; a connection that may not be read has its bytes in
/// its inbox instead, so that it holds no buffer (S17).
class receive_buffers {
public:
    explicit receive_buffers(buffer_pool& pool) : pool_(pool), pieces_(pool.capacity()) {
        shown_.reserve(pool.capacity());
    }

    [[nodiscard]] buffer_pool& pool() const { return pool_; }

    /// Few connections get by with half a cache's worth of buffers, and read them faster than all
    /// of the pool in turn (bench/net/README.md); many get what there is.
    void share(std::size_t connections) {
        constexpr std::uint32_t cached = 512 * 1024;
        std::size_t const most =
            std::max<std::size_t>(connections * 4, cached / pool_.buffer_bytes());
        pool_.limit(static_cast<std::uint32_t>(std::min<std::size_t>(most, pool_.capacity())));
    }

    void add(tcp_connection& c, std::uint32_t buffer, std::uint32_t bytes) {
        pieces_[buffer] = {no_buffer, 0, bytes};
        (c.last_piece == no_buffer ? c.first_piece : pieces_[c.last_piece].next) = buffer;
        c.last_piece = buffer;
        ++c.pieces;
    }
    /// The bytes that come next; none if there are none.
    [[nodiscard]] std::string_view front(tcp_connection const& c) const {
        if (c.inbox_at < c.inbox.size()) return c.inbox.view().substr(c.inbox_at);
        if (c.first_piece == no_buffer) return {};
        piece const& p = pieces_[c.first_piece];
        return {pool_.data(c.first_piece) + p.at, p.bytes - p.at};
    }
    /// They were read, and are looked at until `recycle_shown`.
    void advance(tcp_connection& c, std::size_t bytes) {
        if (c.inbox_at < c.inbox.size()) {
            c.inbox_at += bytes;
        } else if (c.first_piece != no_buffer) {
            piece& p = pieces_[c.first_piece];
            p.at += static_cast<std::uint32_t>(bytes);
            if (p.at == p.bytes) shown_.push_back(pop(c));
        }
    }
    /// Nothing is read any more; how many bytes that loses.
    std::size_t drop(tcp_connection& c) {
        std::size_t bytes = c.inbox.size() - c.inbox_at;
        c.inbox_at = c.inbox.size();
        while (c.first_piece != no_buffer) {
            bytes += pieces_[c.first_piece].bytes - pieces_[c.first_piece].at;
            shown_.push_back(pop(c));
        }
        return bytes;
    }
    /// Nothing of it may be looked at.
    void move_to_inbox(tcp_connection& c) {
        if (c.inbox_at != 0) {
            byte_buffer rest;
            rest.append(c.inbox.view().substr(c.inbox_at));
            c.inbox.swap(rest);
            c.inbox_at = 0;
        }
        while (c.first_piece != no_buffer) {
            piece const& p = pieces_[c.first_piece];
            c.inbox.append({pool_.data(c.first_piece) + p.at, p.bytes - p.at});
            pool_.recycle(pop(c));
        }
    }
    void recycle_shown() {
        for (std::uint32_t const id : shown_) pool_.recycle(id);
        shown_.clear();
    }

    /// One connection may not take the buffers of all others.
    [[nodiscard]] bool are_mostly_of(tcp_connection const& c) const {
        return c.pieces * 2 > pool_.limit();
    }
    /// Should one that can't be read give back what it holds?
    [[nodiscard]] bool are_wanted_from(tcp_connection const& c) const {
        return pool_.offered() * 2 < pool_.limit() || c.pieces * 8 > pool_.limit();
    }

private:
    struct piece {
        std::uint32_t next = no_buffer;
        std::uint32_t at = 0;
        std::uint32_t bytes = 0;
    };

    std::uint32_t pop(tcp_connection& c) {
        std::uint32_t const id = c.first_piece;
        c.first_piece = pieces_[id].next;
        if (c.first_piece == no_buffer) c.last_piece = no_buffer;
        --c.pieces;
        return id;
    }

    buffer_pool& pool_;
    std::vector<piece> pieces_;
    std::vector<std::uint32_t> shown_;
};

}  // namespace millrace::detail
