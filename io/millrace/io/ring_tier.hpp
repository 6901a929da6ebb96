// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `ring_tier`: a core's io_uring. Enters the kernel only where something is queued or a flag of the
// mapped queue asks for it.

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <poll.h>
#include <pthread.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <liburing.h>

#include <millrace/io/core_service.hpp>
#include <millrace/io/detail/monotonic.hpp>
#include <millrace/io/detail/operation_list.hpp>
#include <millrace/io/detail/refusal.hpp>
#include <millrace/io/detail/uring_entry.hpp>
#include <millrace/io/engine_options.hpp>

namespace millrace::detail {

class ring_tier;
/// The ring of the calling thread, by which it wakes others.
inline thread_local ring_tier* ring_of_this_thread = nullptr;

/// Belongs to the thread that made it.
class ring_tier {
public:
    using place = operation_state::place;

    explicit ring_tier(engine_counts& counts) : counts_(counts) {}
    ring_tier(ring_tier const&) = delete;
    ring_tier& operator=(ring_tier const&) = delete;
    ~ring_tier() {
        if (ring_of_this_thread == this) ring_of_this_thread = nullptr;
        if (opened_) ::io_uring_queue_exit(&ring_);
        if (wake_fd_ >= 0) ::close(wake_fd_);
    }

    /// Tries to be of this kind: 0, or the errno with which the kernel refused.
    int open(bool deferred, engine_options const& made_of) {
        io_uring_params wanted{};
        wanted.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG;
        wanted.flags |= deferred ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
                                 : IORING_SETUP_COOP_TASKRUN;
        wanted.cq_entries = made_of.completions;
        if (int const error = ::io_uring_queue_init_params(made_of.submissions, &ring_, &wanted);
            error < 0)
            return -error;
        opened_ = true;
        if (!has_what_is_needed()) return close_again(EINVAL);
        wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (wake_fd_ < 0) return close_again(errno);
        registered_ = ::io_uring_register_ring_fd(&ring_) == 1;
        messages_without_ring_ =
            made_of.messages_without_ring && send_message_without_ring(wake_tag);
        ring_of_this_thread = this;
        arm_wake_fd();
        return 0;
    }

    /// Makes the pool's buffers known to the ring.
    void attach(buffer_pool& pool) {
        io_uring_buf_reg what{};
        what.ring_addr = reinterpret_cast<std::uintptr_t>(pool.entries());
        what.ring_entries = pool.capacity();
        what.bgid = static_cast<std::uint16_t>(groups_);
        if (int const error = ::io_uring_register_buf_ring(&ring_, &what, 0); error < 0)
            refuse("a pool of receive buffers", refusal_of(-error));
        pool.group(groups_++);
    }

    /// The buffer's number, or minus the errno. What was locked by a ring that has just gone is
    /// given back late, so it asks a second time after 200 ms.
    std::int32_t register_buffer(char* data, std::size_t bytes) {
        int error = 0;
        if (!sparse_) error = ::io_uring_register_buffers_sparse(&ring_, fixed_max);
        sparse_ = error == 0;
        if (!sparse_) return error;
        if (fixed_ == fixed_max) return -ENOBUFS;
        iovec const memory{data, bytes};
        __u64 const tag = 0;
        for (int attempt = 0;; ++attempt) {
            int const done =
                ::io_uring_register_buffers_update_tag(&ring_, fixed_, &memory, &tag, 1);
            if (done >= 0) return static_cast<std::int32_t>(fixed_++);
            if (done != -ENOMEM || attempt == 1) return done;
            timespec const pause{0, 200'000'000};
            ::nanosleep(&pause, nullptr);
        }
    }

    void submit(operation& asked) {
        asked.engine.dropped = false;
        io_uring_sqe* const entry = backlog_.empty() ? ::io_uring_get_sqe(&ring_) : nullptr;
        if (entry == nullptr) {
            asked.engine.where = place::queued;
            backlog_.push(asked);
            return;
        }
        prepare(*entry, asked, report_usage_);
        asked.engine.where = place::kernel;
    }

    /// True if the operation is out of the tier, without a completion.
    bool cancel(operation& asked) {
        if (asked.engine.where == place::queued) return backlog_.remove(asked);
        if (asked.engine.where != place::kernel) return false;
        asked.engine.dropped = true;
        io_uring_sqe* const entry = ::io_uring_get_sqe(&ring_);
        if (entry == nullptr) {
            asked.engine.where = place::cancelling;
            backlog_.push(asked);
        } else {
            prepare_cancel(*entry, asked);
        }
        return false;
    }

    /// Handles 64 completions at most. `deliver(operation, completion)`.
    template <class Deliver>
    bool turn(Deliver&& deliver) {
        unsigned const flags = __atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED);
        bool const entering = ::io_uring_sq_ready(&ring_) != 0
                              || (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0
                              || !backlog_.empty();
        if (entering) enter(flags);
        return reap(deliver) || entering;
    }

    /// Until a completion is there, or `until`; returns at once if one is.
    void sleep(std::int64_t until) {
        if (!backlog_.empty()) return enter(0);
        std::int64_t const left = until - monotonic_ns();
        if (left <= 0) return;
        arm_wake_fd();
        __kernel_timespec time{left / 1'000'000'000, left % 1'000'000'000};
        io_uring_cqe* unused = nullptr;
        ++counts_.enters;
        ++counts_.sleeps;
        int const done = ::io_uring_submit_and_wait_timeout(
            &ring_, &unused, 1, until == INT64_MAX ? nullptr : &time, nullptr);
        if (done != -ETIME) check(done);
    }

    /// From any thread: puts a completion into the queue.
    void wake() noexcept {
        if (ring_of_this_thread != nullptr && ring_of_this_thread->send_message(*this)) return;
        if (messages_without_ring_ && send_message_without_ring(wake_tag)) return;
        wake_by(wake_fd_);
    }

    [[nodiscard]] bool messages_without_ring() const { return messages_without_ring_; }
    [[nodiscard]] bool registered() const { return registered_; }
    [[nodiscard]] unsigned submissions() const { return ring_.sq.ring_entries; }
    [[nodiscard]] unsigned completions() const { return ring_.cq.ring_entries; }

private:
    // User data that is no operation: their addresses are multiples of 8 above these.
    static constexpr std::uint64_t nothing_tag = 0;
    static constexpr std::uint64_t wake_tag = 1;
    static constexpr std::uint64_t wake_fd_tag = 2;
    static constexpr std::uint64_t failed_wake_tag = 3;  ///< above it, from bit 3 on: the eventfd
    static constexpr unsigned fixed_max = 64;
    static constexpr unsigned reap_max = 64;

    /// Multishot receive and SEND_ZC came together (6.0), messages and waits with a deadline
    /// before.
    bool has_what_is_needed() {
        io_uring_probe* const known = ::io_uring_get_probe_ring(&ring_);
        bool const enough = known != nullptr && (ring_.features & IORING_FEAT_EXT_ARG) != 0
                            && (ring_.features & IORING_FEAT_NODROP) != 0
                            && ::io_uring_opcode_supported(known, IORING_OP_SEND_ZC) != 0;
        if (known != nullptr) ::io_uring_free_probe(known);
        return enough;
    }
    int close_again(int error) {
        ::io_uring_queue_exit(&ring_);
        opened_ = false;
        return error;
    }

    /// Again behind whatever ended it: an overflown queue ends a multishot poll.
    void arm_wake_fd() {
        if (wake_fd_armed_) return;
        io_uring_sqe* const entry = ::io_uring_get_sqe(&ring_);
        if (entry == nullptr) return;
        ::io_uring_prep_poll_multishot(entry, wake_fd_, POLLIN);
        entry->user_data = wake_fd_tag;
        wake_fd_armed_ = true;
    }
    static void prepare_cancel(io_uring_sqe& entry, operation& asked) {
        ::io_uring_prep_cancel(&entry, &asked, 0);
        entry.user_data = nothing_tag;
        entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
    }

    void enter(unsigned flags) {
        counts_.overflows += (flags & IORING_SQ_CQ_OVERFLOW) != 0;
        submit_backlog();
        arm_wake_fd();
        ++counts_.enters;
        check(::io_uring_submit_and_get_events(&ring_));
    }
    /// What was more than the queue has entries, by as many system calls as that takes.
    void submit_backlog() {
        while (!backlog_.empty()) {
            io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
            if (entry == nullptr) {
                ++counts_.enters;
                check(::io_uring_submit(&ring_));
                entry = ::io_uring_get_sqe(&ring_);
            }
            if (entry == nullptr) return;  // overloaded: in the next turn
            operation& asked = backlog_.pop();
            if (asked.engine.where == place::cancelling)
                prepare_cancel(*entry, asked);
            else
                prepare(*entry, asked, report_usage_);
            asked.engine.where = place::kernel;
        }
    }

    template <class Deliver>
    bool reap(Deliver& deliver) {
        unsigned head = *ring_.cq.khead;
        unsigned const tail = __atomic_load_n(ring_.cq.ktail, __ATOMIC_ACQUIRE);
        if (head == tail) return false;
        for (unsigned left = std::min(tail - head, reap_max); left > 0; --left) {
            io_uring_cqe const got = ring_.cq.cqes[head & ring_.cq.ring_mask];
            // Before its handler, which may throw, or submit more than there is room for.
            __atomic_store_n(ring_.cq.khead, ++head, __ATOMIC_RELEASE);
            take(got, deliver);
        }
        return true;
    }

    template <class Deliver>
    void take(io_uring_cqe const& got, Deliver& deliver) {
        if ((got.user_data & 7) != 0 || got.user_data == nothing_tag) return take_own(got);
        operation& asked = *reinterpret_cast<operation*>(got.user_data);
        completion result{.result = got.res, .more = (got.flags & IORING_CQE_F_MORE) != 0};
        if (asked.verb == op_verb::send && asked.zero_copy && !take_send(asked, got, result))
            return;
        if ((got.flags & IORING_CQE_F_BUFFER) != 0) {
            std::uint32_t const id = got.flags >> IORING_CQE_BUFFER_SHIFT;
            asked.pool->taken(id);
            if (got.res > 0) {
                result.buffer = id;
                result.data = asked.pool->data(id);
            } else {
                asked.pool->recycle(id);
            }
        }
        // An empty datagram and a full completion queue end a multishot without a cause.
        if (!result.more && asked.multishot && !asked.engine.dropped
            && (got.res > 0 || (got.res == 0 && asked.verb == op_verb::accept))) {
            submit(asked);
            result.more = true;
        }
        if (!result.more) {
            if (asked.engine.where == place::cancelling) backlog_.remove(asked);
            asked.engine.where = place::nowhere;
        }
        deliver(asked, result);
    }

    /// A send without a copy has two completions: what was sent, then that its bytes are free.
    /// False if it isn't over, or begins again with less.
    bool take_send(operation& asked, io_uring_cqe const& got, completion& result) {
        if (result.more) {
            asked.engine.result = got.res;
            return false;
        }
        if ((got.flags & IORING_CQE_F_NOTIF) != 0) {
            result.result = asked.engine.result;
            if ((static_cast<std::uint32_t>(got.res) & uring_notification_copied) != 0) {
                ++counts_.copied;
                asked.zero_copy = false;  // here it only costs
            }
        }
        if (result.result != -EINVAL && result.result != -EOPNOTSUPP) return true;
        if (result.result == -EINVAL && report_usage_)
            report_usage_ = false;  // before 6.2
        else
            asked.zero_copy = false;  // not on this socket
        submit(asked);
        return false;
    }

    void take_own(io_uring_cqe const& got) {
        if (got.user_data == wake_fd_tag && (got.flags & IORING_CQE_F_MORE) == 0)
            wake_fd_armed_ = false;
        if ((got.user_data & 7) == failed_wake_tag && got.res < 0)
            wake_by(static_cast<int>(got.user_data >> 3));
    }

    /// Of the calling thread's ring to another; false if it could not.
    bool send_message(ring_tier& to) noexcept {
        io_uring_sqe* const entry = ::io_uring_get_sqe(&ring_);
        if (entry == nullptr) return false;
        ::io_uring_prep_msg_ring(entry, to.ring_.ring_fd, 0, wake_tag, 0);
        entry->user_data =
            static_cast<std::uint64_t>(static_cast<unsigned>(to.wake_fd_)) << 3 | failed_wake_tag;
        entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
        ++counts_.enters;
        return ::io_uring_submit(&ring_) > 0;
    }
    bool send_message_without_ring(std::uint64_t data) const noexcept {
        io_uring_sqe entry{};
        ::io_uring_prep_msg_ring(&entry, ring_.ring_fd, 0, data, 0);
        return ::io_uring_register(static_cast<unsigned>(-1), uring_register_send_message, &entry,
                                   1)
               >= 0;
    }
    static void wake_by(int fd) noexcept {
        std::uint64_t const one = 1;
        // A counter that is full is readable: whoever waits for it is awake.
        [[maybe_unused]] ssize_t const written = ::write(fd, &one, sizeof one);
    }

    void check(int done) {
        if (done >= 0) return;
        if (done == -EINTR || done == -EAGAIN || done == -EBUSY) {
            ++counts_.retries;  // the next turn asks again, behind what it reaps
            return;
        }
        if (::pthread_equal(owner_, ::pthread_self()) == 0)
            throw failure(exit_code::software,
                          "millrace: io: a core's ring is used by a thread that did not make it. "
                          "Only `wake` is for others.");
        throw failure(exit_code::io, std::string("millrace: io: the kernel refuses to go on: ")
                                         + std::strerror(-done)
                                         + ". Choose the tier `epoll` to do without io_uring.");
    }

    io_uring ring_{};
    pthread_t owner_ = ::pthread_self();
    operation_list backlog_;
    engine_counts& counts_;
    int wake_fd_ = -1;
    int groups_ = 0;
    unsigned fixed_ = 0;
    bool opened_ = false;
    bool registered_ = false;
    bool messages_without_ring_ = false;
    bool wake_fd_armed_ = false;
    bool report_usage_ = true;
    bool sparse_ = false;
};

}  // namespace millrace::detail
