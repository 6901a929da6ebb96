// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `timer_wheel<Payload>`: millions of timers of one clock, event time or processing time.

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <millrace/state/buffer.hpp>
#include <millrace/state/memory.hpp>

namespace millrace {

/// Names one timer; worthless once it has fired or was cancelled.
struct timer_handle {
    std::uint32_t index = 0;
    std::uint32_t generation = 0;  ///< 0: none
    bool operator==(timer_handle const&) const = default;
};

/// Hierarchical timing wheels (Varghese and Lauck, 1987): 11 levels of 64 slots, which hold all of
/// int64. A timer lies on the level of the highest 6 bits in which its tick differs from the
/// current one, and moves down at most that many times. `insert` and `cancel` are O(1), as is
/// `next_due`; empty time costs nothing, however long. A timer fires at the first `advance` to a
/// time at or after its due time rounded up to a tick: never early, late by less than a tick; with
/// ticks of 1 ns exactly. Memory comes in chunks of 1,024 timers, so nothing is ever copied.
template <class Payload>
class timer_wheel {
    static_assert(std::is_nothrow_move_constructible_v<Payload>);

public:
    /// `tick` in ns, at least 1.
    explicit timer_wheel(std::int64_t tick = 1) : tick_(tick > 0 ? tick : 1) {}
    timer_wheel(timer_wheel const&) = delete;
    timer_wheel& operator=(timer_wheel const&) = delete;
    ~timer_wheel() { clear(); }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::int64_t tick() const noexcept { return tick_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return sizeof *this + chunks_.bytes() + chunks_.size() * chunk_bytes;
    }

    /// A timer due at `due` (ns). One that is overdue already counts as due now. Throws
    /// `std::bad_alloc`; then nothing has changed.
    timer_handle insert(std::int64_t due, Payload payload) {
        std::uint32_t const index = take_node();
        node& fresh = at(index);
        ::new (static_cast<void*>(&fresh.payload)) Payload(std::move(payload));
        fresh.due = due;
        fresh.tick = tick_from(due);
        if (++generation_ == 0) generation_ = 1;
        fresh.generation = generation_;
        place(index, fresh);
        ++size_;
        return {index, fresh.generation};
    }

    /// False where it has fired, was cancelled, or never was.
    bool cancel(timer_handle which) noexcept {
        if (find(which) == nullptr) return false;
        unlink(which.index);
        end(which.index);
        return true;
    }
    /// The payload of a timer that still waits, or null.
    [[nodiscard]] Payload* find(timer_handle which) noexcept {
        if (which.index >= made_ || which.generation == 0) return nullptr;
        node& known = at(which.index);
        return known.list != nowhere && known.generation == which.generation ? &known.payload
                                                                             : nullptr;
    }

    /// Calls `fire(Payload&&, due)` for at most `n` timers due by `now`, in order of their ticks,
    /// and moves no more than 4 n + 64 others down; true while there is more to do by `now`. `fire`
    /// may insert and cancel. What it throws ends the call; that timer is gone, the others stay.
    template <class Fire>
    bool advance(std::int64_t now, std::size_t n, Fire&& fire) {
        std::uint64_t const until = tick_until(now);
        for (std::size_t moves = 4 * n + 64;;) {
            bool const is_ready = heads_[ready].first != none;
            if (!is_ready && heads_[open_].first == none && !open_next(until)) return false;
            std::uint16_t const list = is_ready ? ready : open_;
            std::uint32_t const index = heads_[list].first;
            if (list == ready || list < slots) {  // all of one tick
                if (n-- == 0) return true;
                fire_one(index, fire);
            } else {
                if (moves-- == 0) return true;
                unlink(index);
                place(index, at(index));
            }
        }
    }

    /// No timer is due before this time (INT64_MAX: there is none). It may be earlier than the
    /// first due time; `advance` to it makes it more precise, so a loop of the two gets there in at
    /// most 11 rounds.
    [[nodiscard]] std::int64_t next_due() const noexcept {
        if (heads_[ready].first != none || heads_[open_].first != none) return time_of(current_);
        unsigned const level = lowest_level();
        return level == levels ? INT64_MAX : time_of(start_of(level));
    }

    /// Drops all timers and gives the memory back.
    void clear() noexcept {
        for (std::uint32_t i = 0; i < made_; ++i)
            if (at(i).list != nowhere) at(i).payload.~Payload();
        chunks_.reset();
        for (auto& head : heads_) head = {};
        for (auto& bits : occupied_) bits = 0;
        made_ = 0;
        free_ = none;
        open_ = ready;
        size_ = 0;
    }

private:
    static constexpr unsigned levels = 11;
    static constexpr unsigned slot_bits = 6;
    static constexpr unsigned slots = 1 << slot_bits;
    static constexpr std::uint16_t ready = levels * slots;  ///< overdue
    static constexpr std::uint16_t nowhere = ready + 1;     ///< of a node that is free
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    static constexpr std::uint32_t chunk_nodes = 1024;

    struct node {
        union {
            Payload payload;
        };
        std::int64_t due;
        std::uint64_t tick;
        std::uint32_t next;
        std::uint32_t previous;
        std::uint32_t generation;
        std::uint16_t list;  ///< level · 64 + slot, or one of the two above
        node() = delete;
        ~node() = delete;
    };
    struct list_head {
        std::uint32_t first = none;
        std::uint32_t last = none;
    };
    static constexpr std::size_t chunk_bytes = chunk_nodes * sizeof(node);
    static_assert(alignof(node) <= detail::cache_line);

    // Ticks are counted from the first one of all time, so that they order as unsigned numbers.
    static constexpr std::uint64_t zero = std::uint64_t{1} << 63;
    [[nodiscard]] std::uint64_t tick_until(std::int64_t t) const noexcept {
        std::int64_t const whole = t / tick_ - (t % tick_ < 0 ? 1 : 0);
        return zero + static_cast<std::uint64_t>(whole);
    }
    [[nodiscard]] std::uint64_t tick_from(std::int64_t t) const noexcept {
        std::int64_t const whole = t / tick_ + (t % tick_ > 0 ? 1 : 0);
        return zero + static_cast<std::uint64_t>(whole);
    }
    [[nodiscard]] std::int64_t time_of(std::uint64_t tick) const noexcept {
        auto const whole = static_cast<std::int64_t>(tick - zero);
        std::int64_t time = 0;
        if (__builtin_mul_overflow(whole, tick_, &time)) return whole < 0 ? INT64_MIN : INT64_MAX;
        return time;
    }

    [[nodiscard]] node& at(std::uint32_t i) const noexcept {
        return reinterpret_cast<node*>(chunks_[i / chunk_nodes].data())[i % chunk_nodes];
    }
    std::uint32_t take_node() {
        if (free_ != none) return std::exchange(free_, at(free_).next);
        if (made_ == none) throw std::bad_alloc();
        if (made_ % chunk_nodes == 0) chunks_.emplace_back(chunk_bytes);
        at(made_).list = nowhere;
        return made_++;
    }
    void end(std::uint32_t index) noexcept {
        node& gone = at(index);
        gone.payload.~Payload();
        gone.list = nowhere;
        gone.next = free_;
        free_ = index;
        --size_;
    }

    void place(std::uint32_t index, node& n) noexcept {
        std::uint16_t list = ready;
        if (n.tick > current_) {
            auto const differs = static_cast<unsigned>(63 - __builtin_clzll(n.tick ^ current_));
            unsigned const level = differs / slot_bits;
            auto const slot = static_cast<unsigned>((n.tick >> (level * slot_bits)) & 63);
            occupied_[level] |= std::uint64_t{1} << slot;
            list = static_cast<std::uint16_t>(level << slot_bits | slot);
        }
        list_head& head = heads_[list];
        n.list = list;
        n.next = none;
        n.previous = head.last;
        (head.last == none ? head.first : at(head.last).next) = index;
        head.last = index;
    }
    void unlink(std::uint32_t index) noexcept {
        node const& gone = at(index);
        list_head& head = heads_[gone.list];
        (gone.previous == none ? head.first : at(gone.previous).next) = gone.next;
        (gone.next == none ? head.last : at(gone.next).previous) = gone.previous;
        if (head.first == none && gone.list < ready)
            occupied_[gone.list >> slot_bits] &= ~(std::uint64_t{1} << (gone.list & 63));
    }
    template <class Fire>
    void fire_one(std::uint32_t index, Fire& fire) {
        unlink(index);
        node& due = at(index);
        Payload payload(std::move(due.payload));
        std::int64_t const when = due.due;
        end(index);
        fire(std::move(payload), when);
    }

    /// Slots of a lower level come before all of a higher one.
    [[nodiscard]] unsigned lowest_level() const noexcept {
        unsigned level = 0;
        while (level < levels && occupied_[level] == 0) ++level;
        return level;
    }
    /// The tick at which the first occupied slot of a level starts.
    [[nodiscard]] std::uint64_t start_of(unsigned level) const noexcept {
        auto const slot = static_cast<std::uint64_t>(__builtin_ctzll(occupied_[level]));
        unsigned const low = level * slot_bits;
        unsigned const high = low + slot_bits;
        std::uint64_t const above = high < 64 ? current_ >> high << high : 0;
        return above | slot << low;
    }
    /// Goes to the first slot that starts by `until`; false if there is none. Then the current tick
    /// is `until`: no timer lies in between, so each keeps its level.
    bool open_next(std::uint64_t until) noexcept {
        unsigned const level = lowest_level();
        std::uint64_t const start = level == levels ? 0 : start_of(level);
        if (level == levels || start > until) {
            if (current_ < until) current_ = until;
            return false;
        }
        open_ =
            static_cast<std::uint16_t>(level * slots + unsigned(__builtin_ctzll(occupied_[level])));
        current_ = start;
        return true;
    }

    std::int64_t tick_;
    std::uint64_t current_ = 0;
    std::size_t size_ = 0;
    std::uint32_t made_ = 0;
    std::uint32_t free_ = none;
    std::uint32_t generation_ = 0;
    std::uint16_t open_ = ready;  ///< the slot that starts at the current tick, till it is empty
    buffer<memory_block> chunks_;
    std::uint64_t occupied_[levels]{};
    list_head heads_[nowhere];
};

}  // namespace millrace
