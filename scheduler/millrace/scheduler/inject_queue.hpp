// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What an injected source and its producers share: a bounded queue of many producers and one
// consumer, who wakes whom, and when it is over.

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <millrace/model/failure.hpp>
#include <millrace/scheduler/sleep_flag.hpp>
#include <millrace/scheduler/wait_word.hpp>
#include <millrace/scheduler/wake_handle.hpp>

namespace millrace::detail {

/// Slots with a number each that says whose turn it is (Vyukov's bounded queue, 2010), taken by one
/// consumer in place. `closed` is a bit of the producers' counter, so no record slips in behind it.
template <class T>
class inject_queue {
    static_assert(std::is_nothrow_move_constructible_v<T>);
    static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;

public:
    explicit inject_queue(std::size_t capacity)
        : mask_(std::bit_ceil(capacity < 2 ? 2 : capacity) - 1),
          slots_(std::make_unique<slot[]>(mask_ + 1)) {
        for (std::size_t i = 0; i <= mask_; ++i) slots_[i].turn.store(i, std::memory_order_relaxed);
    }
    inject_queue(inject_queue const&) = delete;
    inject_queue& operator=(inject_queue const&) = delete;
    ~inject_queue() {
        release();  // what was handed out last
        while (ready()) destroy(taken_++);
    }

    // --- producers ---

    enum class offer : std::uint8_t { taken, full, closed };

    /// `x` is moved from (or copied) only where it is taken.
    template <class U>
    offer try_push(U&& x) {
        std::uint64_t at = tail_.load(std::memory_order_relaxed);
        for (;;) {
            if ((at & closed_bit) != 0) return offer::closed;
            slot& s = slots_[at & mask_];
            std::uint64_t const turn = s.turn.load(std::memory_order_acquire);
            if (turn == at) {
                if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
                    ::new (s.storage) T(static_cast<U&&>(x));
                    s.turn.store(at + 1, std::memory_order_release);
                    wake_consumer();
                    return offer::taken;
                }
            } else if (turn < at) {
                // A round behind: full, unless somebody has moved the counter meanwhile.
                std::uint64_t const again = tail_.load(std::memory_order_relaxed);
                if (again == at) return offer::full;
                at = again;
            } else {
                at = tail_.load(std::memory_order_relaxed);
            }
        }
    }
    /// Sleeps while it is full.
    template <class U>
    offer push(U&& x) {
        for (;;) {
            offer o = try_push(static_cast<U&&>(x));
            if (o != offer::full) return o;
            std::uint32_t const seen = room_.announce();
            o = try_push(static_cast<U&&>(x));
            if (o == offer::full) {
                waits_.fetch_add(1, std::memory_order_relaxed);
                room_.wait(seen);
            }
            room_.withdraw();
            if (o != offer::full) return o;
        }
    }
    /// No record is taken any more; what was taken stays. True for the first.
    bool close() {
        bool const first =
            (tail_.fetch_or(closed_bit, std::memory_order_acq_rel) & closed_bit) == 0;
        room_.wake_all();
        wake_consumer();
        return first;
    }
    [[nodiscard]] bool closed() const {
        return (tail_.load(std::memory_order_acquire) & closed_bit) != 0;
    }
    void count_refused() { refused_.fetch_add(1, std::memory_order_relaxed); }

    // --- the consumer ---

    /// Once in the life of the queue.
    void attach(wake_handle waker) {
        if (attached_.exchange(true, std::memory_order_relaxed))
            throw failure(
                exit_code::configuration,
                "millrace: inject: two pipelines read it, or one runs a second time. Make "
                "an inject of its own for each run.");
        waker_.set(waker);
    }
    /// The end of the run: nobody is woken any more, nothing more is taken.
    void detach() {
        waker_.set({});
        close();
    }
    /// The end of a run that perhaps never came to read it: then nobody will.
    void abandon() {
        if (!attached_.exchange(true, std::memory_order_relaxed)) close();
    }
    /// The next record, which stays where it is until `release`; null where there is none, or none
    /// that its producer has finished.
    T* next() {
        if (!ready()) return nullptr;
        return value(taken_++);
    }
    [[nodiscard]] bool ready() const {
        return slots_[taken_ & mask_].turn.load(std::memory_order_acquire) == taken_ + 1;
    }
    /// Gives back the slots of all that was handed out.
    void release() {
        if (released_ == taken_) return;
        auto const count = static_cast<std::uint32_t>(taken_ - released_);
        for (; released_ != taken_; ++released_) destroy(released_);
        room_.wake(count);
    }
    /// Nothing is there: from here on the first producer wakes the core. True if something came
    /// meanwhile.
    bool announce_empty() {
        if (asleep_.load(std::memory_order_relaxed)) return ready();
        asleep_.store(true, std::memory_order_relaxed);
        machine_fence::fence();
        return ready();
    }
    /// Closed, and all that was taken before is handed out.
    [[nodiscard]] bool exhausted() const {
        std::uint64_t const tail = tail_.load(std::memory_order_acquire);
        return (tail & closed_bit) != 0 && (tail & ~closed_bit) == taken_;
    }

    // --- accounts, from any thread ---

    [[nodiscard]] std::size_t capacity() const { return mask_ + 1; }
    [[nodiscard]] std::uint64_t accepted() const {
        return tail_.load(std::memory_order_relaxed) & ~closed_bit;
    }
    [[nodiscard]] std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t waits() const { return waits_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t handed_on() const {
        return handed_on_.load(std::memory_order_relaxed);
    }
    void publish_count() { handed_on_.store(taken_, std::memory_order_relaxed); }

private:
    struct slot {
        std::atomic<std::uint64_t> turn;
        alignas(T) unsigned char storage[sizeof(T)];
    };

    T* value(std::uint64_t at) {
        return std::launder(reinterpret_cast<T*>(slots_[at & mask_].storage));
    }
    void destroy(std::uint64_t at) {
        value(at)->~T();
        slots_[at & mask_].turn.store(at + mask_ + 1, std::memory_order_release);
    }
    void wake_consumer() {
        machine_fence::fence();
        if (asleep_.load(std::memory_order_relaxed)
            && asleep_.exchange(false, std::memory_order_acq_rel))
            waker_.wake();
    }

    std::size_t const mask_;
    std::unique_ptr<slot[]> const slots_;
    alignas(128) std::atomic<std::uint64_t> tail_{0};
    std::atomic<std::uint64_t> refused_{0};
    std::atomic<std::uint64_t> waits_{0};
    alignas(128) std::uint64_t taken_ = 0;  // the consumer's
    std::uint64_t released_ = 0;
    std::atomic<std::uint64_t> handed_on_{0};
    alignas(128) std::atomic<bool> asleep_{false};
    std::atomic<bool> attached_{false};
    wait_word room_;
    guarded_waker waker_;
};

}  // namespace millrace::detail
