// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Records of 100 bytes over one connection: parsed and counted, and through a filter and a keyed
// window, against a bare ring and Asio that only count. As fast as they come (`ingest`), which the
// sender limits, and as fast as a full socket is emptied (`drain`), which the receiver does.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <millrace/dsl.hpp>
#include <millrace/net.hpp>

#include "bare_ring.hpp"
#include "loopback.hpp"

namespace {
using namespace millrace;
using namespace bench_net;
namespace asio = boost::asio;

constexpr std::size_t wire = 100;  // a prefix of 4 and a payload of 96
constexpr std::size_t block = 1000;
constexpr std::int64_t second = 1'000'000'000;
constexpr int socket_bytes = 4 << 20;

/// What is read of each record.
struct reading {
    std::uint64_t key;
    time_point time;
    std::int64_t value;
};

struct sums {
    std::uint64_t records = 0;
    std::uint64_t sum = 0;
    std::uint64_t halt_at = UINT64_MAX;  ///< records
};
// Of the round: its server writes them, the client reads them when that has ended or halts.
sums seen;
std::uint64_t rows = 0;

/// Where a server waits until its socket is full again, and how long it took to empty it.
struct halting {
    std::atomic<unsigned> halted{0};  ///< times; the server's
    std::atomic<unsigned> go{0};      ///< the client's: up to this one
    std::uint64_t next = 0;           ///< the records to halt behind; the client's
    std::int64_t begun = 0;
    std::int64_t ended = 0;
} halts;
[[gnu::noinline, gnu::cold]] void halt() {
    halts.ended = now_ns();
    unsigned const n = halts.halted.load(std::memory_order_relaxed) + 1;
    halts.halted.store(n, std::memory_order_release);
    while (halts.go.load(std::memory_order_acquire) != n) __builtin_ia32_pause();
    seen.halt_at = halts.next;
    halts.begun = now_ns();
}

/// What is done with each record, on all sides.
[[gnu::always_inline]] inline void count_one(char const* payload) {
    std::uint64_t first_8 = 0;
    std::memcpy(&first_8, payload, sizeof first_8);
    ++seen.records;
    seen.sum += first_8;
    if (seen.records == seen.halt_at) [[unlikely]]
        halt();
}

// --- ours ---

template <class Make>
side ours(char const* name, Make make) {
    return service(name, {.wait = wait_policy::spin}, [make](std::uint16_t port) {
        return make(tcp::listen({.host = "127.0.0.1", .port = port, .socket_bytes = socket_bytes},
                                length_prefix<4>{}));
    });
}
auto counted = [](auto source) {
    return source | to([](frame const& f) { count_one(f.data.data()); });
};
auto windowed = [](auto source) {
    return source | map([](frame const& f) {
               count_one(f.data.data());
               reading r{};
               std::memcpy(&r, f.data.data(), sizeof r);
               return r;
           })
           | filter([](reading const& r) { return r.value % 4 != 0; })
           | event_time(field<&reading::time>, bounded_disorder{milliseconds(10)})
           | key_by(field<&reading::key>) | window(tumbling{seconds(1)})
           | aggregate(count<"count">(), sum<"sum">(field<&reading::value>))
           | to([](auto const& row) { rows += static_cast<std::uint64_t>(get<"count">(row)); });
};

// --- the references ---

/// Walks the prefixes, also across pieces.
class walker {
public:
    void take(char const* p, std::size_t bytes) {
        if (held_ != 0) {
            std::size_t const missing = std::min(wire - held_, bytes);
            std::memcpy(cut_ + held_, p, missing);
            held_ += missing;
            p += missing;
            bytes -= missing;
            if (held_ < wire) return;
            count_one(cut_ + 4);
            held_ = 0;
        }
        while (bytes >= 4) {
            std::uint32_t raw = 0;
            std::memcpy(&raw, p, sizeof raw);
            std::size_t const size = __builtin_bswap32(raw) + std::size_t{4};
            if (size > wire) die("a frame too long");
            if (bytes < size) break;
            count_one(p + 4);
            p += size;
            bytes -= size;
        }
        std::memcpy(cut_, p, bytes);
        held_ = bytes;
    }

private:
    char cut_[wire];
    std::size_t held_ = 0;
};

void ring_loop(int listener) {
    bare_ring ring(64, 64 * 1024);
    int const fd = accept_one(listener);
    walker walk;
    bool over = false;
    ring.receive(fd, 1);
    while (!over)
        ring.spin([&](io_uring_cqe const& got) {
            if (got.res > 0) {
                unsigned const id = got.flags >> IORING_CQE_BUFFER_SHIFT;
                walk.take(ring.data(id), static_cast<std::size_t>(got.res));
                ring.give_back(id);
            }
            over = got.res == 0;
            if (!over && (got.flags & IORING_CQE_F_MORE) == 0) ring.receive(fd, 1);
        });
    ::close(fd);
}
void receive_loop(int listener) {
    int const fd = accept_one(listener);
    walker walk;
    std::vector<char> buffer(64 * 1024);
    for (;;) {
        ssize_t const n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) continue;
        if (n <= 0) break;
        walk.take(buffer.data(), static_cast<std::size_t>(n));
    }
    ::close(fd);
}
struct asio_session {
    asio::ip::tcp::socket socket;
    std::vector<char> buffer;
    walker walk;
    void read() {
        socket.async_read_some(asio::buffer(buffer), [this](auto error, std::size_t n) {
            if (error) return;
            walk.take(buffer.data(), n);
            read();
        });
    }
};
void asio_polled(int listener) {
    asio::io_context context(1);
    asio_session session{
        {context, asio::ip::tcp::v4(), accept_one(listener)}, std::vector<char>(64 * 1024), {}};
    session.read();
    while (!context.stopped()) context.poll();
}

// --- the client ---

/// Blocks of records without end, whose times go on.
class sender {
public:
    explicit sender(std::uint16_t port, bool timed)
        : timed_(timed), data_(block * wire), fd_(connect_to(port)) {
        for (std::size_t i = 0; i < block; ++i) {
            char* const p = data_.data() + i * wire;
            p[3] = wire - 4;
            reading const r{i * 7 % 997, {}, static_cast<std::int64_t>(i)};
            std::memcpy(p + 4, &r, sizeof r);
        }
        ::usleep(20'000);  // until it has accepted and armed
    }
    sender(sender const&) = delete;
    sender& operator=(sender const&) = delete;
    ~sender() { ::close(fd_); }

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] std::uint64_t bytes() const { return sent_; }
    /// What is left of the present block, at most `most` bytes; false if the socket takes nothing.
    bool send(std::size_t most, int flags) {
        std::size_t const at = sent_ % data_.size();
        if (at == 0 && timed_) set_times();
        ssize_t const n =
            ::send(fd_, data_.data() + at, std::min(most, data_.size() - at), MSG_NOSIGNAL | flags);
        if (n < 0 && errno != EAGAIN) die("send");
        if (n > 0) sent_ += static_cast<std::uint64_t>(n);
        return n > 0;
    }
    void send_all_of(std::size_t bytes) {
        for (std::uint64_t const until = sent_ + bytes; sent_ < until;) send(until - sent_, 0);
    }
    void end(char const* name) {
        ::shutdown(fd_, SHUT_WR);
        char byte = 0;
        if (::recv(fd_, &byte, 1, 0) != 0) die(name);
    }

private:
    void set_times() {
        std::int64_t const time = static_cast<std::int64_t>(sent_ / data_.size()) * second / 100;
        for (std::size_t i = 0; i < block; ++i)
            std::memcpy(data_.data() + i * wire + 4 + offsetof(reading, time), &time, sizeof time);
    }
    bool timed_;
    std::vector<char> data_;
    std::uint64_t sent_ = 0;
    int fd_;
};

void expect(char const* name, std::uint64_t records) {
    if (seen.records == records) return;
    std::fprintf(stderr, "%s: %llu records of %llu\n", name,
                 static_cast<unsigned long long>(seen.records),
                 static_cast<unsigned long long>(records));
    std::exit(70);
}

/// Million records a second, from the first byte to the end that the server closes with.
double stream_rate(side const& server, std::size_t blocks, bool timed) {
    seen = {};
    rows = 0;
    std::uint16_t const port = free_port();
    auto const end = server.start(port);
    double ns = 0;
    {
        sender from(port, timed);
        std::int64_t const begun = now_ns();
        from.send_all_of(blocks * block * wire);
        from.end(server.name);
        ns = static_cast<double>(now_ns() - begun);
    }
    end();
    expect(server.name, blocks * block);
    return static_cast<double>(blocks * block) / ns * 1000;
}

/// Million records a second of a server that halts until its socket is full and then empties it:
/// the sender takes no part in it.
double drain_rate(side const& server, unsigned times, bool timed) {
    seen = {.halt_at = 1};
    rows = 0;
    halts.halted = halts.go = 0;
    std::uint16_t const port = free_port();
    auto const end = server.start(port);
    std::int64_t ns = 0;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    {
        sender from(port, timed);
        int const small = 128 * 1024;  // what waits here would be sent on the receiver's time
        ::setsockopt(from.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        from.send_all_of(wire);
        constexpr unsigned warm_up = 4;
        for (unsigned n = 1; n <= times + warm_up; ++n) {
            std::uint64_t const before = from.bytes() / wire;
            while (halts.halted.load(std::memory_order_acquire) != n) __builtin_ia32_pause();
            for (std::int64_t quiet = now_ns(); now_ns() - quiet < 50'000;)
                if (from.send(64 * 1024, MSG_DONTWAIT)) quiet = now_ns();
            halts.next = from.bytes() / wire;
            halts.go.store(n, std::memory_order_release);
            while (halts.halted.load(std::memory_order_acquire) != n + 1) __builtin_ia32_pause();
            if (n <= warm_up) continue;
            ns += halts.ended - halts.begun;
            records += halts.next - before;
        }
        from.send_all_of((wire - from.bytes() % wire) % wire);
        halts.next = UINT64_MAX;
        halts.go.store(times + warm_up + 1, std::memory_order_release);
        from.end(server.name);
        bytes = from.bytes();
    }
    end();
    expect(server.name, bytes / wire);
    return static_cast<double>(records) / static_cast<double>(ns) * 1000;
}

void compare(arguments const& args, std::string const& what, side const& mine,
             side const& reference, wanted const& goal, bool timed = false) {
    for (bool const drains : {false, true}) {
        std::string const name = (drains ? "net/drain_" : "net/ingest_") + what;
        if (!args.wants(name)) continue;
        auto const measure = [&](side const& one) {
            return drains ? drain_rate(one, args.quick ? 20 : 40, timed)
                          : stream_rate(one, args.quick ? 3000 : 6000, timed);
        };
        std::vector<double> us;
        std::vector<double> them;
        for (int round = 0; round < (args.quick ? 9 : 31); ++round)
            for (int turn = 0; turn < 2; ++turn) {
                bool const is_ours = (turn + round) % 2 == 0;
                (is_ours ? us : them).push_back(measure(is_ours ? mine : reference));
            }
        print_ratio(name, goal, us, them);
    }
}

}  // namespace

int main(int argc, char** argv) {
    arguments const args(argc, argv);
    pin(client_cpu);
    side const counting = ours("ours, counts", counted);
    side const window = ours("ours, windows", windowed);
    side const ring = plain("ring", ring_loop, socket_bytes);
    side const asio = plain("asio", asio_polled, socket_bytes);
    side const recv = plain("recv", receive_loop, socket_bytes);
    char const* const unit = "M records/s";
    compare(args, "ring", counting, ring, {0.85, 0.97, true, unit});
    compare(args, "asio", counting, asio, {0.75, 1.0, true, unit});
    compare(args, "recv", counting, recv, {0.75, 1.0, true, unit});
    compare(args, "window", window, ring, {0.5, 0.7, true, unit}, true);
}
