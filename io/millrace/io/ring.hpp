// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One io_uring: operations go in, completions mark their requests.

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sched.h>
#include <string>
#include <sys/uio.h>

#include <liburing.h>

#include <millrace/io/request.hpp>
#include <millrace/model/failure.hpp>

namespace millrace {

namespace detail {
/// What file sources of this process have pinned. The memlock limit counts a user's bytes over all
/// rings, and other parts (the run's own rings) need some too.
class pinned_bytes {
public:
    static constexpr std::size_t most = std::size_t{4} << 20;
    static bool take(std::size_t bytes) {
        if (all().fetch_add(bytes) + bytes <= most) return true;
        give_back(bytes);
        return false;
    }
    static void give_back(std::size_t bytes) { all().fetch_sub(bytes); }
    [[nodiscard]] static std::size_t taken() { return all().load(); }

private:
    static std::atomic<std::size_t>& all() {
        static std::atomic<std::size_t> bytes{0};
        return bytes;
    }
};
}  // namespace detail

/// Belongs to the thread that made it. The fastest set of flags that the kernel takes is found by
/// trying: deferred task work (6.1), cooperative task work (5.19), none. `usable()` is false where
/// io_uring is refused; `error()` says why.
class io_ring {
public:
    explicit io_ring(unsigned entries) {
        constexpr std::array<unsigned, 3> tiers = {
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
            IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, 0U};
        for (unsigned const flags : tiers) {
            error_ = -::io_uring_queue_init(entries, &ring_, flags);
            flags_ = flags;
            if (error_ != EINVAL)
                break;  // only «I don't know this flag» is a reason to ask for less
        }
    }
    io_ring(io_ring const&) = delete;
    io_ring& operator=(io_ring const&) = delete;
    ~io_ring() {
        if (usable()) ::io_uring_queue_exit(&ring_);
    }

    [[nodiscard]] bool usable() const { return error_ == 0; }
    [[nodiscard]] int error() const { return error_; }
    [[nodiscard]] unsigned flags() const { return flags_; }

    /// Queues it; the kernel sees it at the next `flush` or `wait`.
    void submit(io_request& request) {
        io_uring_sqe* const entry = next_entry();
        switch (request.verb) {
            case io_verb::read:
                if (request.buffer >= 0)
                    ::io_uring_prep_read_fixed(entry, request.fd, request.data, request.bytes,
                                               request.offset, request.buffer);
                else
                    ::io_uring_prep_read(entry, request.fd, request.data, request.bytes,
                                         request.offset);
                break;
            case io_verb::write:
                ::io_uring_prep_write(entry, request.fd, request.data, request.bytes,
                                      request.offset);
                break;
            case io_verb::sync:
                ::io_uring_prep_fsync(entry, request.fd, IORING_FSYNC_DATASYNC);
                break;
        }
        ::io_uring_sqe_set_data(entry, &request);
        request.pending = true;
    }

    void flush() {
        if (::io_uring_sq_ready(&ring_) != 0) check(::io_uring_submit(&ring_));
        reap();
    }

    /// Blocks until this request is done; others that end meanwhile are marked too.
    void wait(io_request& request) {
        while (request.pending)
            if (reap() == 0) check(::io_uring_submit_and_wait(&ring_, 1));
    }

    /// True if this request is done. Never waits; enters the kernel only where something is queued
    /// or a flag says that work waits there.
    bool ready(io_request& request) {
        if (request.pending) flush();
        return !request.pending;
    }

    /// Pins a buffer in the kernel, which then need not look its pages up for each read (6-18 % of
    /// a scan of the page cache, IO.md). Gives its number for `io_request::buffer`, or -1: more
    /// than 4 MiB in this process, which is half of the usual memlock limit, or refused.
    std::int16_t add_buffer(char* data, std::size_t bytes) {
        if (!slots_tried_) {
            slots_tried_ = true;
            free_slots_ =
                ::io_uring_register_buffers_sparse(&ring_, 64) == 0 ? ~std::uint64_t{0} : 0;
        }
        if (free_slots_ == 0 || !detail::pinned_bytes::take(bytes)) return -1;
        auto const number = static_cast<std::int16_t>(__builtin_ctzll(free_slots_));
        if (!place(number, {data, bytes})) {
            detail::pinned_bytes::give_back(bytes);
            return -1;
        }
        free_slots_ &= free_slots_ - 1;
        return number;
    }
    /// No request with it may be pending.
    void remove_buffer(std::int16_t number, std::size_t bytes) {
        place(number, {nullptr, 0});
        free_slots_ |= std::uint64_t{1} << number;
        detail::pinned_bytes::give_back(bytes);
    }

    /// Ends a pending request and waits until the kernel has let go of its buffer.
    void cancel(io_request& request) {
        if (!request.pending) return;
        flush();
        if (!request.pending) return;
        io_uring_sqe* const entry = next_entry();
        ::io_uring_prep_cancel(entry, &request, 0);
        ::io_uring_sqe_set_data(entry, nullptr);
        wait(request);
    }

private:
    io_uring_sqe* next_entry() {
        io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
        while (entry == nullptr) {
            flush();
            entry = ::io_uring_get_sqe(&ring_);
        }
        return entry;
    }

    bool place(std::int16_t number, iovec part) {
        __u64 tag = 0;
        return ::io_uring_register_buffers_update_tag(&ring_, static_cast<unsigned>(number), &part,
                                                      &tag, 1)
               >= 0;
    }

    unsigned reap() {
        std::array<io_uring_cqe*, 16> done{};
        unsigned const count = ::io_uring_peek_batch_cqe(&ring_, done.data(), done.size());
        for (unsigned i = 0; i < count; ++i) {
            auto* const request = static_cast<io_request*>(::io_uring_cqe_get_data(done[i]));
            if (request == nullptr) continue;  // the answer to a cancel
            request->result = done[i]->res;
            request->pending = false;
        }
        ::io_uring_cq_advance(&ring_, count);
        return count;
    }

    /// An interrupted or overloaded kernel is asked again by the caller's loop; what else it says
    /// ends the run.
    static void check(int result) {
        if (result >= 0 || result == -EINTR) return;
        if (result == -EAGAIN || result == -EBUSY) {
            ::sched_yield();
            return;
        }
        if (result == -EEXIST)
            throw failure(
                exit_code::software,
                "millrace: io_uring: a ring is used by a thread that did not make it. Open "
                "and run a pipeline on one thread.");
        throw failure(exit_code::io,
                      std::string("millrace: io_uring: the kernel refuses to go on: ")
                          + std::strerror(-result) + ". Set MILLRACE_IO=sync to do without.");
    }

    io_uring ring_{};
    std::uint64_t free_slots_ = 0;  ///< of the table of registered buffers, a bit each
    bool slots_tried_ = false;
    int error_ = 0;
    unsigned flags_ = 0;
};

}  // namespace millrace
