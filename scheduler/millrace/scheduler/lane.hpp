// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `lane<T>`: the ring between two partitions of an exchange: records in place, published per batch,
// with watermarks, barriers and the end in band.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <millrace/model/failure.hpp>
#include <millrace/state/memory.hpp>

namespace millrace {

/// What travels between records.
enum class lane_control_kind : std::uint8_t {
    mark,         ///< a low mark or a stamp: `value`
    chunk_begin,  ///< of chunk `number`; `value` is the largest event time of all before it
    chunk_end,    ///< of chunk `number`
    barrier,      ///< of epoch `number`
    idle,         ///< this input no longer holds time back
    active,       ///< it does again, from `value` on
    end,          ///< nothing comes any more
};
struct lane_control {
    lane_control_kind kind;
    std::int64_t value;    ///< a watermark, ns
    std::uint64_t number;  ///< of a chunk or an epoch
    bool operator==(lane_control const&) const = default;
};

namespace detail {
/// What a lane asks of the machine. A test gives another, that walks through all interleavings.
struct machine_atomics {
    template <class V>
    using variable = std::atomic<V>;
    template <class V>
    using plain = V;
};

/// What each side writes lies 128 bytes from what the other does: x86 prefetches lines in pairs.
inline constexpr std::size_t lane_line = 128;

/// An index whose type is no record's field's: so the compiler knows that making a record in a slot
/// doesn't change it, and keeps it in a register (clang 19, one by one: 0.075 → 0.169 G items/s).
class own_index {
public:
    [[gnu::always_inline]] operator std::size_t() const noexcept {
        return static_cast<std::size_t>(raw_);
    }
    [[gnu::always_inline]] own_index& operator=(std::size_t value) noexcept {
        raw_ = static_cast<raw>(value);
        return *this;
    }

private:
    enum class raw : std::size_t {};
    raw raw_{};
};
}  // namespace detail

/// One producer, one consumer, each on its own thread. Indices run on without end; each side keeps
/// the other's as it last saw it and looks again only where that one does not suffice (Lamport 1983
/// with the cached indices of FastForward and MCRingBuffer). Controls lie in a second, small ring,
/// each with the index of the record that it precedes; their index is published before that of the
/// records and looked at behind it, so none comes behind a record that it was put before. Never
/// waits, never allocates behind its constructor. An `emplace` costs what a store into an array
/// does.
template <class T, class Atomics = detail::machine_atomics>
class lane {
    static_assert(
        std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
        "millrace: lane: a record must move without throwing. Declare its move noexcept.");
    static_assert(alignof(T) <= detail::cache_line);

public:
    using value_type = T;

    /// Both counts are powers of two; all memory is touched here. Throws `failure` (software) and
    /// `std::bad_alloc`.
    explicit lane(std::size_t slots, std::size_t controls = 64) {
        if (!power_of_two(slots) || !power_of_two(controls)
            || slots > (~std::size_t{0} >> 2) / sizeof(T))
            throw failure(exit_code::software,
                          "millrace: lane: its slots and controls are powers of two. Round up.");
        block_ = memory_block(slots * sizeof(T));
        for (std::size_t at = 0; at < block_.bytes(); at += 4096)
            *static_cast<std::byte volatile*>(block_.data() + at) = std::byte{0};
        control_slots_ = std::make_unique<control_slot[]>(controls);
        slots_ = reinterpret_cast<T*>(block_.data());
        mask_ = slots - 1;
        control_mask_ = controls - 1;
    }
    lane(lane const&) = delete;
    lane& operator=(lane const&) = delete;
    /// Destroys what was never taken, published or not. Both sides must be done.
    ~lane() {
        if constexpr (!std::is_trivially_destructible_v<T>)
            for (std::size_t const end = tail_; head_ != end; ++head_) slots_[head_ & mask_].~T();
    }

    [[nodiscard]] std::size_t slots() const noexcept { return mask_ + 1; }
    [[nodiscard]] std::size_t controls() const noexcept { return control_mask_ + 1; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return block_.bytes() + controls() * sizeof(control_slot);
    }

    // The producer's side.

    /// Free slots; looks at the consumer's index only where fewer than `wanted` are known.
    [[nodiscard]] std::size_t room(std::size_t wanted) noexcept {
        std::size_t known = slots() - (tail_ - seen_head_);
        if (known < wanted) {
            seen_head_ = shared_head_.load(std::memory_order_acquire);
            known = slots() - (tail_ - seen_head_);
        }
        return known;
    }
    /// The same of controls.
    [[nodiscard]] std::size_t control_room(std::size_t wanted) noexcept {
        std::size_t known = controls() - (control_tail_ - seen_control_head_);
        if (known < wanted) {
            seen_control_head_ = shared_control_head_.load(std::memory_order_acquire);
            known = controls() - (control_tail_ - seen_control_head_);
        }
        return known;
    }
    /// Makes a record in the next slot. There must be room; it is unseen until `publish`.
    template <class... Args>
    void emplace(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
        std::size_t const at = tail_;
        ::new (static_cast<void*>(slots_ + (at & mask_))) T(std::forward<Args>(args)...);
        tail_ = at + 1;
    }
    /// Puts a control behind what was emplaced so far, unseen until `publish`. False without room:
    /// the caller keeps it, and of marks only the last.
    [[nodiscard]] bool control(lane_control what) noexcept {
        if (control_room(1) == 0) return false;
        control_slots_[control_tail_ & control_mask_] = placed{tail_, what};
        ++control_tail_;
        return true;
    }
    /// Shows all that is new to the consumer; true if anything was. Then look whether it sleeps
    /// (`sleep_flag`).
    bool publish() noexcept {
        bool const records = tail_ != published_;
        bool const controls = control_tail_ != published_controls_;
        if (controls) {
            published_controls_ = control_tail_;
            shared_control_tail_.store(control_tail_, std::memory_order_release);
        }
        if (records) {
            published_ = tail_;
            shared_tail_.store(tail_, std::memory_order_release);
        }
        return records || controls;
    }
    /// Records and controls that wait to be published.
    [[nodiscard]] bool unpublished() const noexcept {
        return tail_ != published_ || control_tail_ != published_controls_;
    }

    // The consumer's side.

    /// Calls `on_record(T&&)` for at most `n` records and `on_control(lane_control const&)` for the
    /// controls before, between and right behind them; returns how many records. Where `on_control`
    /// returns false it stops there. The slots go back at the end, with one store. What throws is
    /// taken all the same, and what follows stays.
    template <class OnRecord, class OnControl>
    std::size_t take(std::size_t n, OnRecord&& on_record, OnControl&& on_control) {
        std::size_t const first = head_;
        std::size_t const first_control = control_head_;
        if (seen_tail_ - head_ <= n) look();
        std::size_t const end = seen_tail_ - head_ < n ? seen_tail_ : head_ + n;
        struct giving_back {
            lane& of;
            std::size_t first, first_control;
            ~giving_back() {
                if (of.head_ != first) of.shared_head_.store(of.head_, std::memory_order_release);
                if (of.control_head_ != first_control)
                    of.shared_control_head_.store(of.control_head_, std::memory_order_release);
            }
        } const at_the_end{*this, first, first_control};

        for (;;) {
            std::size_t border = end;
            if (control_head_ != seen_control_tail_) [[unlikely]] {
                placed const next = control_slots_[control_head_ & control_mask_];
                if (next.before == head_) {
                    ++control_head_;
                    if (!goes_on(on_control, next.control)) break;
                    continue;
                }
                if (next.before - head_ < end - head_) border = next.before;
            }
            if (head_ == border) break;
            take_until(border, on_record);
        }
        return head_ - first;
    }
    /// Nothing that `take(1, …)` would give: neither a record nor a control in front of one. Looks
    /// at the producer's indices each time.
    [[nodiscard]] bool empty() const noexcept {
        if (head_ != shared_tail_.load(std::memory_order_acquire)) return false;
        if (control_head_ == shared_control_tail_.load(std::memory_order_acquire)) return true;
        placed const next = control_slots_[control_head_ & control_mask_];
        return next.before != head_;  // its records are on their way
    }

    /// Records that were taken so far.
    [[nodiscard]] std::size_t consumed() const noexcept { return head_; }

    /// Records in it, published or not. Once both sides are done.
    [[nodiscard]] std::size_t left() const noexcept { return tail_ - head_; }

private:
    struct placed {
        std::size_t before;  ///< the index of the record that it precedes
        lane_control control;
    };
    using control_slot = typename Atomics::template plain<placed>;
    using index = typename Atomics::template variable<std::size_t>;

    static constexpr bool power_of_two(std::size_t n) { return n > 0 && (n & (n - 1)) == 0; }

    void look() noexcept {
        seen_tail_ = shared_tail_.load(std::memory_order_acquire);
        seen_control_tail_ = shared_control_tail_.load(std::memory_order_acquire);
    }
    template <class OnControl>
    static bool goes_on(OnControl& on_control, lane_control const& what) {
        if constexpr (std::is_void_v<decltype(on_control(what))>) {
            on_control(what);
            return true;
        } else {
            return static_cast<bool>(on_control(what));
        }
    }
    /// Up to two plain loops, split where the ring wraps.
    template <class OnRecord>
    void take_until(std::size_t border, OnRecord& on_record) {
        while (head_ != border) {
            std::size_t const at = head_ & mask_;
            std::size_t const left = border - head_;
            std::size_t const count = left < slots() - at ? left : slots() - at;
            T* const from = slots_ + at;
            std::size_t i = 0;
            try {
                for (; i < count; ++i) take_one(from[i], on_record);
            } catch (...) {
                head_ += i + 1;
                throw;
            }
            head_ += count;
        }
    }
    template <class OnRecord>
    static void take_one(T& record, OnRecord& on_record) {
        if constexpr (std::is_trivially_destructible_v<T>) {
            on_record(std::move(record));
        } else {
            struct taken {
                T& record;
                ~taken() { record.~T(); }
            } const done{record};
            on_record(std::move(record));
        }
    }

    // Never changes.
    T* slots_ = nullptr;
    std::size_t mask_ = 0;
    std::size_t control_mask_ = 0;
    std::unique_ptr<control_slot[]> control_slots_;
    memory_block block_;

    // The producer's own.
    alignas(detail::lane_line) detail::own_index tail_;
    std::size_t published_ = 0;
    std::size_t seen_head_ = 0;
    std::size_t control_tail_ = 0;
    std::size_t published_controls_ = 0;
    std::size_t seen_control_head_ = 0;

    // Written by the producer.
    alignas(detail::lane_line) index shared_tail_{0};
    index shared_control_tail_{0};

    // Written by the consumer.
    alignas(detail::lane_line) index shared_head_{0};
    index shared_control_head_{0};

    // The consumer's own.
    alignas(detail::lane_line) std::size_t head_ = 0;
    std::size_t seen_tail_ = 0;
    std::size_t control_head_ = 0;
    std::size_t seen_control_tail_ = 0;
};

}  // namespace millrace
