// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Records of 100 bytes over one connection, as fast as they come: parsed and counted, and through a
// filter and a keyed window, against a bare ring and Asio that only count.

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

/// What is read of each record.
struct reading {
    std::uint64_t key;
    time_point time;
    std::int64_t value;
};

struct sums {
    std::uint64_t records = 0;
    std::uint64_t sum = 0;
};
// Of the round: its server writes them, the client reads them when that has ended.
sums seen;
std::uint64_t rows = 0;

std::uint64_t first_8(char const* p) {
    std::uint64_t value = 0;
    std::memcpy(&value, p, sizeof value);
    return value;
}

// --- ours ---

template <class Make>
side ours(char const* name, Make make) {
    return service(name, {.wait = wait_policy::spin}, [make](std::uint16_t port) {
        return make(tcp::listen({.host = "127.0.0.1", .port = port}, length_prefix<4>{}));
    });
}
auto counted = [](auto source) {
    return source | to([](frame const& f) {
               ++seen.records;
               seen.sum += first_8(f.data.data());
           });
};
auto windowed = [](auto source) {
    return source | map([](frame const& f) {
               ++seen.records;
               seen.sum += first_8(f.data.data());
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
            one(cut_ + 4);
            held_ = 0;
        }
        while (bytes >= 4) {
            std::uint32_t raw = 0;
            std::memcpy(&raw, p, sizeof raw);
            std::size_t const size = __builtin_bswap32(raw) + std::size_t{4};
            if (size > wire) die("a frame too long");
            if (bytes < size) break;
            one(p + 4);
            p += size;
            bytes -= size;
        }
        std::memcpy(cut_, p, bytes);
        held_ = bytes;
    }

private:
    static void one(char const* payload) {
        ++seen.records;
        seen.sum += first_8(payload);
    }
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

/// Million records a second, from the first byte to the end that the server closes with.
double measure(side const& server, std::size_t blocks, bool timed) {
    seen = {};
    rows = 0;
    std::vector<char> data(block * wire);
    for (std::size_t i = 0; i < block; ++i) {
        char* const p = data.data() + i * wire;
        p[3] = wire - 4;
        reading const r{i * 7 % 997, {}, static_cast<std::int64_t>(i)};
        std::memcpy(p + 4, &r, sizeof r);
    }
    std::uint16_t const port = free_port();
    auto const end = server.start(port);
    int const fd = connect_to(port);
    ::usleep(20'000);  // until it has accepted and armed
    std::int64_t const begun = now_ns();
    for (std::size_t b = 0; b < blocks; ++b) {
        std::int64_t const time = static_cast<std::int64_t>(b) * second / 100;
        for (std::size_t i = 0; timed && i < block; ++i)
            std::memcpy(data.data() + i * wire + 4 + offsetof(reading, time), &time, sizeof time);
        send_all(fd, data.data(), data.size());
    }
    ::shutdown(fd, SHUT_WR);
    char byte = 0;
    if (::recv(fd, &byte, 1, 0) != 0) die(server.name);
    double const ns = static_cast<double>(now_ns() - begun);
    ::close(fd);
    end();
    if (seen.records != blocks * block) {
        std::fprintf(stderr, "%s: %llu records of %zu\n", server.name,
                     static_cast<unsigned long long>(seen.records), blocks * block);
        std::exit(70);
    }
    return static_cast<double>(blocks * block) / ns * 1000;
}
void compare(arguments const& args, char const* name, side const& mine, side const& reference,
             wanted const& goal, bool timed = false) {
    if (!args.wants(name)) return;
    std::vector<double> us;
    std::vector<double> them;
    std::size_t const blocks = args.quick ? 3000 : 6000;
    for (int round = 0; round < (args.quick ? 9 : 31); ++round)
        for (int turn = 0; turn < 2; ++turn) {
            bool const is_ours = (turn + round) % 2 == 0;
            (is_ours ? us : them).push_back(measure(is_ours ? mine : reference, blocks, timed));
        }
    print_ratio(name, goal, us, them);
}

}  // namespace

int main(int argc, char** argv) {
    arguments const args(argc, argv);
    pin(client_cpu);
    side const counting = ours("ours, counts", counted);
    side const window = ours("ours, windows", windowed);
    side const ring = plain("ring", ring_loop);
    char const* const unit = "M records/s";
    compare(args, "net/ingest_ring", counting, ring, {0.85, 0.97, true, unit});
    compare(args, "net/ingest_asio", counting, plain("asio", asio_polled), {0.75, 1.0, true, unit});
    compare(args, "net/ingest_recv", counting, plain("recv", receive_loop),
            {0.75, 1.0, true, unit});
    compare(args, "net/ingest_window", window, ring, {0.5, 0.7, true, unit}, true);
}
