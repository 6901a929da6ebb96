// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What the network alone costs: a loop on io_uring, by hand, that sends back what it gets. It spins
// on its processor; `latency.sh` asks it at the rates of the service.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <liburing.h>

namespace {

[[noreturn]] void die(char const* what) {
    std::perror(what);
    std::exit(2);
}
void check(bool good, char const* what) {
    if (!good) die(what);
}

struct connection {
    int fd = -1;
    bool over = false;
    std::vector<char> waiting;  ///< to be sent behind `sending`
    std::vector<char> sending;
    std::size_t sent = 0;
};

/// One buffer ring for all that arrives, one send under way for each connection.
class echo {
public:
    explicit echo(int listener) : listener_(listener) {
        io_uring_params p{};
        p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
                  | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE;
        p.cq_entries = 4096;
        check(::io_uring_queue_init_params(256, &ring_, &p) == 0, "io_uring");
        check(::posix_memalign(&entries_, 4096, count * sizeof(io_uring_buf)) == 0, "memory");
        io_uring_buf_reg what{};
        what.ring_addr = reinterpret_cast<std::uintptr_t>(entries_);
        what.ring_entries = count;
        check(::io_uring_register_buf_ring(&ring_, &what, 0) == 0, "buffers");
        ::io_uring_buf_ring_init(entries());
        for (unsigned id = 0; id < count; ++id) give_back(id);
    }
    [[noreturn]] void run() {
        accept();
        for (;;) {
            unsigned const flags = __atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED);
            if (::io_uring_sq_ready(&ring_) != 0
                || (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0)
                ::io_uring_submit_and_get_events(&ring_);
            io_uring_cqe* got = nullptr;
            while (::io_uring_peek_cqe(&ring_, &got) == 0 && got != nullptr) {
                io_uring_cqe const one = *got;
                ::io_uring_cqe_seen(&ring_, got);
                take(one);
            }
        }
    }

private:
    static constexpr unsigned count = 64;
    static constexpr std::size_t bytes = 8192;
    enum verb : std::uint64_t { accepting, receiving, sending };

    io_uring_buf_ring* entries() { return static_cast<io_uring_buf_ring*>(entries_); }
    io_uring_sqe* entry(std::uint64_t tag) {
        io_uring_sqe* one = ::io_uring_get_sqe(&ring_);
        while (one == nullptr) {
            ::io_uring_submit(&ring_);
            one = ::io_uring_get_sqe(&ring_);
        }
        one->user_data = tag;
        return one;
    }
    void give_back(unsigned id) {
        ::io_uring_buf_ring_add(entries(), memory_[id].data(), bytes,
                                static_cast<unsigned short>(id), count - 1, 0);
        ::io_uring_buf_ring_advance(entries(), 1);
    }
    void accept() { ::io_uring_prep_multishot_accept(entry(0), listener_, nullptr, nullptr, 0); }
    void receive(int fd) {
        std::uint64_t const tag = static_cast<std::uint64_t>(fd) << 2 | receiving;
        io_uring_sqe* const one = entry(tag);
        ::io_uring_prep_recv_multishot(one, fd, nullptr, 0, 0);
        one->flags |= IOSQE_BUFFER_SELECT;
        one->user_data = tag;
    }
    void send(connection& c) {
        std::uint64_t const tag = static_cast<std::uint64_t>(c.fd) << 2 | sending;
        io_uring_sqe* const one = entry(tag);
        ::io_uring_prep_send(one, c.fd, c.sending.data() + c.sent, c.sending.size() - c.sent,
                             MSG_NOSIGNAL);
        one->user_data = tag;
    }
    void take(io_uring_cqe const& got) {
        if ((got.user_data & 3) == accepting) {
            if ((got.flags & IORING_CQE_F_MORE) == 0) accept();
            if (got.res < 0) return;
            int const one = 1;
            ::setsockopt(got.res, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            all_[got.res].fd = got.res;
            return receive(got.res);
        }
        connection& c = all_[static_cast<int>(got.user_data >> 2)];
        (got.user_data & 3) == receiving ? received(c, got) : sent(c, got.res);
        if (c.over && c.sending.empty()) {
            ::close(c.fd);
            all_.erase(c.fd);
        }
    }
    void received(connection& c, io_uring_cqe const& got) {
        if (got.res > 0) {
            unsigned const id = got.flags >> IORING_CQE_BUFFER_SHIFT;
            c.waiting.insert(c.waiting.end(), memory_[id].data(), memory_[id].data() + got.res);
            give_back(id);
            if (c.sending.empty()) send_what_waits(c);
        }
        if ((got.flags & IORING_CQE_F_MORE) != 0) return;
        if (got.res > 0 || got.res == -ENOBUFS)
            receive(c.fd);
        else
            c.over = true;
    }
    void sent(connection& c, int done) {
        c.over = c.over || done <= 0;
        c.sent += done > 0 ? static_cast<std::size_t>(done) : 0;
        if (!c.over && c.sent < c.sending.size()) return send(c);
        c.sending.clear();
        if (!c.over && !c.waiting.empty()) send_what_waits(c);
    }
    void send_what_waits(connection& c) {
        c.sending.swap(c.waiting);
        c.sent = 0;
        send(c);
    }

    int listener_;
    io_uring ring_{};
    void* entries_ = nullptr;
    std::array<std::array<char, bytes>, count> memory_{};
    std::map<int, connection> all_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: fraud_echo PORT PROCESSOR\n", stderr);
        return 2;
    }
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(std::stoul(argv[2]), &set);
    check(::sched_setaffinity(0, sizeof set, &set) == 0, "the processor");
    int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int const one = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(std::stoul(argv[1])));
    check(::bind(listener, reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0, "bind");
    check(::listen(listener, 64) == 0, "listen");
    static echo all(listener);
    all.run();
}
