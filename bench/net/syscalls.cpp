// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// System calls and allocations of an endpoint's turns, busy and idle: the engine's own count of the
// times it entered the kernel, and `operator new` counted. Requests over one connection are
// answered as `tcp::serve(…) | reply()` answers them, turned by hand as a core turns them.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <millrace/io/core_engine.hpp>
#include <millrace/io/tcp.hpp>

#include "loopback.hpp"

namespace {
std::size_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) {
    ++allocations;
    void* const p = std::malloc(bytes == 0 ? 1 : bytes);
    if (p == nullptr) throw std::bad_alloc();
    return p;
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {
using namespace millrace;
using namespace bench_net;

struct environment {
    core_engine& engine;
    template <class Service>
    Service& service() const {
        return engine;
    }
};

void print(char const* name, double ratio, double must, char const* unit, std::uint64_t turns) {
    std::printf(
        "{\"bench\":\"%s\",\"ratio\":%.4f,\"must\":%.2f,\"aim\":%.2f,\"better\":\"lower\",\"unit\":"
        "\"%s\",\"turns\":%llu}\n",
        name, ratio, must, must, unit, static_cast<unsigned long long>(turns));
}

}  // namespace

int main(int argc, char** argv) {
    arguments const args(argc, argv);
    core_engine engine({.tier = io_tier::deferred});
    environment world{engine};
    auto source = tcp::serve({.host = "127.0.0.1"}, fixed_size{.bytes = 64}).open_source(world);
    std::uint64_t answered = 0;
    auto const turn = [&] {
        bool const did = engine.turn();
        std::uint64_t const before = answered;
        source.poll(1024, [&](frame const& f, reply_token const& to) {
            source.reply(to, f.data);
            ++answered;
        });
        source.flush();
        return did || answered != before;
    };
    int const fd = connect_to(source.port());
    char data[64]{};
    auto const trip = [&](auto&& counted) {
        send_all(fd, data, sizeof data);
        for (ssize_t got = 0; got < 64;) {
            counted();
            ssize_t const n = ::recv(fd, data, sizeof data, MSG_DONTWAIT);
            if (n > 0) got += n;
        }
    };
    for (int i = 0; i < 1000; ++i) trip(turn);
    std::uint64_t busy = 0;
    std::uint64_t most = 0;
    std::uint64_t const enters = engine.counts().enters;
    std::size_t const allocated = allocations;
    int const trips = args.quick ? 20'000 : 100'000;
    for (int i = 0; i < trips; ++i)
        trip([&] {
            std::uint64_t const before = engine.counts().enters;
            busy += turn() ? 1 : 0;
            most = std::max<std::uint64_t>(most, engine.counts().enters - before);
        });
    double const turns = static_cast<double>(busy);
    print("net/system_calls_busy_turn",
          static_cast<double>(engine.counts().enters - enters) / turns, 1,
          "system calls per busy turn", busy);
    print("net/system_calls_busiest_turn", static_cast<double>(most), 1,
          "system calls of the busiest turn", busy);
    print("net/allocations_busy", static_cast<double>(allocations - allocated) / turns, 0,
          "allocations per busy turn", busy);
    for (int i = 0; i < 1000; ++i) turn();
    std::uint64_t const idle_enters = engine.counts().enters;
    std::size_t const idle_allocated = allocations;
    constexpr std::uint64_t idle = 1'000'000;
    for (std::uint64_t i = 0; i < idle; ++i) turn();
    print("net/system_calls_idle_turn",
          static_cast<double>(engine.counts().enters - idle_enters) / idle, 0,
          "system calls per idle turn", idle);
    print("net/allocations_idle", static_cast<double>(allocations - idle_allocated) / idle, 0,
          "allocations per idle turn", idle);
    ::close(fd);
}
