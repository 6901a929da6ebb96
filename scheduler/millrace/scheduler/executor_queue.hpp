// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a sink on a core and a handler on an executor share: a bounded ring of results, and whether
// a handler is on its way.

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <millrace/scheduler/sleep_flag.hpp>
#include <millrace/scheduler/wake_handle.hpp>

namespace millrace::detail {

/// One writer, one reader at a time: at most one handler is posted, so results keep their order on
/// any executor, and a burst is one post.
template <class T, class F>
class executor_queue {
public:
    executor_queue(std::size_t capacity, F f, wake_handle waker)
        : mask_(std::bit_ceil(capacity) - 1),
          slots_(std::make_unique<slot[]>(mask_ + 1)),
          function_(std::move(f)) {
        waker_.set(waker);
    }
    executor_queue(executor_queue const&) = delete;
    executor_queue& operator=(executor_queue const&) = delete;
    ~executor_queue() {
        for (std::uint64_t at = head_.load(); at != tail_.load(); ++at) value(at)->~T();
    }

    // --- the core ---

    /// One record of the pipeline can become so many results: less room is none.
    void takes_at_once(std::size_t results) { wanted_ = results; }
    /// Free slots. A core that is left with little is woken when there is room again.
    [[nodiscard]] std::size_t room() {
        std::size_t const all = mask_ + 1;
        std::size_t free = all - used();
        if (free >= all - all / 4 && free >= wanted_) return free;
        short_.store(true, std::memory_order_relaxed);
        machine_fence::fence();
        free = all - used();
        return free;
    }
    /// There must be room. A copy that throws leaves nothing behind.
    void push(T const& x) {
        std::uint64_t const at = tail_.load(std::memory_order_relaxed);
        ::new (slots_[at & mask_].storage) T(x);
        tail_.store(at + 1, std::memory_order_release);
    }
    /// True for the one that has to post a handler.
    [[nodiscard]] bool must_post() {
        machine_fence::fence();
        return used() > 0 && !posted_.load(std::memory_order_relaxed)
               && !posted_.exchange(true, std::memory_order_acq_rel);
    }
    void detach() { waker_.set({}); }
    [[nodiscard]] std::uint64_t pushed() const { return tail_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t run() const { return head_.load(std::memory_order_acquire); }
    [[nodiscard]] std::size_t capacity() const { return mask_ + 1; }

    // --- the handler ---

    /// Calls the function for at most `n` results, up to one that throws.
    void take(std::size_t n) {
        std::uint64_t const end = tail_.load(std::memory_order_acquire);
        for (std::uint64_t at = head_.load(std::memory_order_relaxed); at != end && n > 0; --n) {
            struct leave {
                executor_queue& queue;
                std::uint64_t& at;
                ~leave() {
                    queue.value(at)->~T();
                    queue.head_.store(++at, std::memory_order_release);
                }
            } const behind{*this, at};
            function_(static_cast<T&&>(*value(at)));
        }
    }
    /// Behind it: is there more, so that the handler is to be posted again? If not, the next result
    /// posts one.
    [[nodiscard]] bool go_on() {
        machine_fence::fence();
        if (short_.load(std::memory_order_relaxed) && used() <= mask_ / 2
            && short_.exchange(false, std::memory_order_acq_rel))
            waker_.wake();
        if (used() > 0) return true;
        posted_.store(false, std::memory_order_release);
        return must_post();
    }
    /// It could not be posted: the next one tries again.
    void not_posted() { posted_.store(false, std::memory_order_release); }

private:
    struct slot {
        alignas(T) unsigned char storage[sizeof(T)];
    };

    T* value(std::uint64_t at) {
        return std::launder(reinterpret_cast<T*>(slots_[at & mask_].storage));
    }
    [[nodiscard]] std::size_t used() const {
        return static_cast<std::size_t>(tail_.load(std::memory_order_acquire)
                                        - head_.load(std::memory_order_acquire));
    }
    std::size_t const mask_;
    std::unique_ptr<slot[]> const slots_;
    F function_;
    std::size_t wanted_ = 1;  // the core's
    alignas(128) std::atomic<std::uint64_t> tail_{0};
    alignas(128) std::atomic<std::uint64_t> head_{0};
    alignas(128) std::atomic<bool> posted_{false};
    std::atomic<bool> short_{false};
    guarded_waker waker_;
};

}  // namespace millrace::detail
