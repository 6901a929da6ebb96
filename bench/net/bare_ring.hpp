// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The reference loop on io_uring: the flags that the engine uses, one multishot receive over a ring
// of buffers, and the kernel entered only where something is queued or a flag asks for it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <poll.h>
#include <sys/mman.h>

#include <liburing.h>

#include "loopback.hpp"

namespace bench_net {

class bare_ring {
public:
    bare_ring(unsigned buffers, unsigned bytes) : buffers_(buffers), bytes_(bytes) {
        io_uring_params p{};
        p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
                  | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE;
        p.cq_entries = 4096;
        if (::io_uring_queue_init_params(256, &ring_, &p) != 0) {
            std::fprintf(stderr, "bench: io_uring is refused here\n");
            std::exit(0);
        }
        ::io_uring_register_ring_fd(&ring_);
        memory_ = map(std::size_t{buffers} * bytes);
        entries_ = reinterpret_cast<io_uring_buf_ring*>(map(buffers * sizeof(io_uring_buf)));
        io_uring_buf_reg what{};
        what.ring_addr = reinterpret_cast<std::uintptr_t>(entries_);
        what.ring_entries = buffers;
        if (::io_uring_register_buf_ring(&ring_, &what, 0) != 0) die("register_buf_ring");
        for (unsigned id = 0; id < buffers; ++id) give_back(id);
    }
    bare_ring(bare_ring const&) = delete;
    bare_ring& operator=(bare_ring const&) = delete;
    ~bare_ring() {
        ::io_uring_queue_exit(&ring_);
        ::munmap(memory_, std::size_t{buffers_} * bytes_);
        ::munmap(entries_, buffers_ * sizeof(io_uring_buf));
    }

    io_uring_sqe* entry() { return ::io_uring_get_sqe(&ring_); }
    void submit() { ::io_uring_submit(&ring_); }
    void receive(int fd, std::uint64_t tag) {
        io_uring_sqe* const e = entry();
        ::io_uring_prep_recv_multishot(e, fd, nullptr, 0, 0);
        e->flags |= IOSQE_BUFFER_SELECT;
        e->user_data = tag;
    }
    char* data(unsigned id) { return memory_ + std::size_t{id} * bytes_; }
    void give_back(unsigned id) {
        ::io_uring_buf_ring_add(entries_, data(id), bytes_, static_cast<unsigned short>(id),
                                static_cast<int>(buffers_ - 1), 0);
        ::io_uring_buf_ring_advance(entries_, 1);
    }
    /// Enters where there is a reason, then hands every completion to `f`.
    template <class F>
    void spin(F&& f) {
        unsigned const flags = __atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED);
        if (::io_uring_sq_ready(&ring_) != 0
            || (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0)
            ::io_uring_submit_and_get_events(&ring_);
        if (!reap(f)) __builtin_ia32_pause();
    }
    /// The same, asleep until there is one.
    template <class F>
    void wait(F&& f) {
        ::io_uring_submit_and_wait(&ring_, 1);
        reap(f);
    }

private:
    template <class F>
    bool reap(F& f) {
        io_uring_cqe* got = nullptr;
        unsigned head = 0;
        unsigned n = 0;
        io_uring_for_each_cqe(&ring_, head, got) {
            f(*got);
            ++n;
        }
        if (n != 0) ::io_uring_cq_advance(&ring_, n);
        return n != 0;
    }
    static char* map(std::size_t bytes) {
        void* const p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (p == MAP_FAILED) die("mmap");
        return static_cast<char*>(p);
    }

    io_uring ring_{};
    unsigned buffers_;
    unsigned bytes_;
    char* memory_ = nullptr;
    io_uring_buf_ring* entries_ = nullptr;
};

}  // namespace bench_net
