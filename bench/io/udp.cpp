// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
//
// Datagrams of 100 bytes that wait in a socket, taken and counted: the source against a bare ring
// with one multishot recvmsg. The kernel's buffer is filled before the clock runs, so no sender
// shares the processor, and none is lost.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <liburing.h>

#include <millrace/io/core_engine.hpp>
#include <millrace/io/udp.hpp>

namespace {

using namespace millrace;

constexpr std::size_t datagram_bytes = 100;
constexpr std::size_t run_datagrams = 64;

void check(bool good, char const* what) {
    if (good) return;
    std::perror(what);
    std::exit(70);
}

struct tally {
    std::uint64_t datagrams = 0;
    std::uint64_t sum = 0;
    void add(std::string_view data) {
        ++datagrams;
        sum += static_cast<unsigned char>(data[0]) + data.size();
    }
};

udp::listen_options options_of(bool merged) {
    return {
        .host = "127.0.0.1", .receive_buffer = std::size_t{256} << 20, .receive_offload = merged};
}

/// As the manual has it: a ring of buffers, one request, its completions walked.
class bare_ring {
public:
    static constexpr unsigned buffers = 64;
    static constexpr std::size_t bytes = std::size_t{65'536} + 128;

    explicit bare_ring(bool merged) : socket_(detail::listen_udp(options_of(merged), {})) {
        unsigned const flags =
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
        check(::io_uring_queue_init(256, &ring_, flags) == 0, "io_uring_queue_init");
        void* memory = nullptr;
        check(::posix_memalign(&memory, 4096, buffers * sizeof(io_uring_buf)) == 0, "memory");
        provided_ = static_cast<io_uring_buf_ring*>(memory);
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uintptr_t>(provided_);
        registration.ring_entries = buffers;
        check(::io_uring_register_buf_ring(&ring_, &registration, 0) == 0, "register_buf_ring");
        ::io_uring_buf_ring_init(provided_);
        memory_.resize(buffers * bytes);
        for (unsigned short i = 0; i < buffers; ++i) give(i);
        message_.msg_controllen = detail::udp_control_bytes;
        ask();
        ::io_uring_submit(&ring_);
    }
    bare_ring(bare_ring const&) = delete;
    bare_ring& operator=(bare_ring const&) = delete;
    ~bare_ring() {
        ::io_uring_queue_exit(&ring_);
        std::free(provided_);
    }
    [[nodiscard]] std::uint16_t port() const { return detail::local_address(socket_.fd()).port(); }

    tally take(std::uint64_t wanted) {
        tally out;
        while (out.datagrams < wanted) {
            io_uring_cqe* done[64];
            unsigned const count = ::io_uring_peek_batch_cqe(&ring_, done, 64);
            bool finished = false;
            for (unsigned i = 0; i < count; ++i) {
                finished = finished || (done[i]->flags & IORING_CQE_F_MORE) == 0;
                if (done[i]->res < 0) continue;
                auto const id =
                    static_cast<unsigned short>(done[i]->flags >> IORING_CQE_BUFFER_SHIFT);
                count_in(memory_.data() + id * bytes, done[i]->res, out);
                give(id);
            }
            ::io_uring_cq_advance(&ring_, count);
            if (!finished) continue;
            ask();
            ::io_uring_submit_and_get_events(&ring_);
        }
        return out;
    }

private:
    void give(unsigned short id) {
        ::io_uring_buf_ring_add(provided_, memory_.data() + id * bytes, bytes, id, buffers - 1, 0);
        ::io_uring_buf_ring_advance(provided_, 1);
    }
    void ask() {
        io_uring_sqe* const sqe = ::io_uring_get_sqe(&ring_);
        ::io_uring_prep_recvmsg_multishot(sqe, socket_.fd(), &message_, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = 0;
    }
    void count_in(char* buffer, int result, tally& out) {
        io_uring_recvmsg_out* const got = ::io_uring_recvmsg_validate(buffer, result, &message_);
        std::size_t step = 0;
        for (cmsghdr* c = ::io_uring_recvmsg_cmsg_firsthdr(got, &message_); c != nullptr;
             c = ::io_uring_recvmsg_cmsg_nexthdr(got, &message_, c))
            if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
                int size = 0;
                std::memcpy(&size, CMSG_DATA(c), sizeof size);
                step = static_cast<std::size_t>(size);
            }
        std::string_view rest(static_cast<char const*>(::io_uring_recvmsg_payload(got, &message_)),
                              ::io_uring_recvmsg_payload_length(got, result, &message_));
        if (step == 0) step = rest.size();
        for (; !rest.empty(); rest.remove_prefix(std::min(step, rest.size())))
            out.add(rest.substr(0, step));
    }

    detail::descriptor socket_;
    io_uring ring_{};
    io_uring_buf_ring* provided_ = nullptr;
    std::vector<char> memory_;
    msghdr message_{};
};

struct environment {
    core_engine engine;
    explicit environment(io_tier tier) : engine(service_options{.tier = tier}) {}
    template <class T>
    T& service() {
        return engine;
    }
};

/// Fills a socket's buffer by runs.
void fill(std::uint16_t port, std::uint64_t datagrams) {
    static std::string const run(datagram_bytes * run_datagrams, 'x');
    auto const fd = detail::connect_udp({.host = "127.0.0.1", .port = port});
    int const size = datagram_bytes;
    check(::setsockopt(fd.fd(), IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) == 0, "UDP_SEGMENT");
    for (std::uint64_t i = 0; i < datagrams; i += run_datagrams)
        check(::send(fd.fd(), run.data(), run.size(), 0) == static_cast<ssize_t>(run.size()),
              "send");
}

template <class Take>
double time_of(Take&& take, tally& out) {
    auto const begin = std::chrono::steady_clock::now();
    out = take();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin)
        .count();
}
double median(std::vector<double>& v) {
    auto const middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
    std::nth_element(v.begin(), middle, v.end());
    return *middle;
}

void run(char const* name, io_tier tier, bool merged, std::uint64_t datagrams, int rounds) {
    bare_ring reference(merged);
    environment env(tier);
    auto source = udp::listen(options_of(merged)).open_source(env);
    env.engine.turn();
    std::vector<double> times[2];
    for (int round = 0; round <= rounds; ++round) {
        tally got[2];
        double ns[2] = {};
        for (int turn = 0; turn < 2; ++turn) {
            bool const is_ours = (turn + round) % 2 == 0;
            fill(is_ours ? source.port() : reference.port(), datagrams);
            ns[is_ours] = is_ours ? time_of(
                                        [&] {
                                            tally out;
                                            while (out.datagrams < datagrams) {
                                                env.engine.turn();
                                                (void)source.poll(4096, [&](frame const& one) {
                                                    out.add(one.data);
                                                });
                                            }
                                            return out;
                                        },
                                        got[1])
                                  : time_of([&] { return reference.take(datagrams); }, got[0]);
        }
        if (got[0].sum != got[1].sum || source.counts().drops != 0) {
            std::fprintf(stderr, "%s: checksums differ, or datagrams were dropped\n", name);
            std::exit(70);
        }
        if (round == 0) continue;  // warm-up
        times[0].push_back(ns[0]);
        times[1].push_back(ns[1]);
    }
    double const ours = static_cast<double>(datagrams) * 1e3 / median(times[1]);
    double const theirs = static_cast<double>(datagrams) * 1e3 / median(times[0]);
    std::printf(
        "{\"bench\":\"%s\",\"ratio\":%.3f,\"must\":0.85,\"aim\":0.95,\"better\":\"higher\","
        "\"ours\":%.3f,\"reference\":%.3f,\"unit\":\"million datagrams/s\"}\n",
        name, ours / theirs, ours, theirs);
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    int const rounds = argc > 1 && std::strcmp(argv[1], "--quick") == 0 ? 11 : 51;
    run("udp_merged", io_tier::automatic, true, 64 * 1000, rounds);
    run("udp_plain", io_tier::automatic, false, 64 * 200, rounds);
    run("udp_merged_epoll", io_tier::epoll, true, 64 * 1000, rounds);
    return 0;
}
