// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What a turn of the engine costs when nothing happened, with a receive armed: nanoseconds, against
// a limit of 20 that stands as «1 ns» times the ratio. Beside it the two loads of a bare ring.

#include <cstdint>
#include <sys/socket.h>
#include <unistd.h>

#include <liburing.h>

#include <millrace/io/core_engine.hpp>

#include "support/pair.hpp"

namespace {

using namespace millrace;

constexpr std::uint64_t turns = 2'000'000;

/// Passes a nanosecond a turn: so the ratio reads as nanoseconds.
std::uint64_t nanosecond_a_turn() {
    auto const end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(turns);
    while (std::chrono::steady_clock::now() < end) {
    }
    return 0;
}

void measure(bench::pair& pairs, char const* name, io_tier tier) {
    core_engine engine({.tier = tier});
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) std::exit(70);
    operation reading{.fd = ends[0], .verb = op_verb::receive, .multishot = true};
    reading.done = [](operation&, completion const&) {};
    reading.pool = &engine.pool();
    engine.submit(reading);
    for (int i = 0; i < 10; ++i) engine.turn();
    core_service& service = engine;
    pairs.run(name, {.must = 20, .aim = 8, .unit = "ns/turn"}, turns, nanosecond_a_turn, [&] {
        std::uint64_t did = 0;
        for (std::uint64_t i = 0; i < turns; ++i) {
            core_service* through = &service;
            asm volatile("" : "+r"(through));  // a virtual call, as the scheduler makes it
            did += through->turn() ? 1U : 0U;
        }
        return did;
    });
    engine.cancel(reading);
    while (reading.pending) engine.turn();
    ::close(ends[0]);
    ::close(ends[1]);
}

}  // namespace

int main(int argc, char** argv) {
    bench::pair pairs(argc, argv);
    measure(pairs, "io/idle_turn_deferred", io_tier::deferred);
    measure(pairs, "io/idle_turn_cooperative", io_tier::cooperative);
    io_uring bare{};
    if (::io_uring_queue_init(
            256, &bare,
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG)
        != 0)
        return 70;
    pairs.run("io/idle_turn_bare", {.must = 20, .aim = 8, .unit = "ns/turn"}, turns,
              nanosecond_a_turn, [&] {
                  std::uint64_t did = 0;
                  for (std::uint64_t i = 0; i < turns; ++i) {
                      did += __atomic_load_n(bare.sq.kflags, __ATOMIC_RELAXED)
                             & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
                      did += __atomic_load_n(bare.cq.ktail, __ATOMIC_ACQUIRE) - *bare.cq.khead;
                  }
                  return did;
              });
    ::io_uring_queue_exit(&bare);
}
