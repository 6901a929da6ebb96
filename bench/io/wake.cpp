// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// From `wake` on one core to the return of `sleep` on another, which slept; against a bare ring
// message between two rings with the same flags. Both have two threads on two processors.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <sched.h>
#include <string_view>
#include <thread>
#include <vector>

#include <liburing.h>

#include <millrace/io/core_engine.hpp>
#include <millrace/io/detail/monotonic.hpp>

namespace {

using millrace::detail::monotonic_ns;
using times = std::vector<std::int64_t>;

constexpr int wakes = 1000;
constexpr std::int64_t until_it_sleeps = 60'000;  // ns; a core that was just awake wakes faster

void pin(int cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ::sched_setaffinity(0, sizeof one, &one);
}
void spin_until(std::int64_t end) {
    while (monotonic_ns() < end) {
    }
}

/// Latencies of `Side`: made in each thread, `sleep` in the target, `wake(target)` in the sender.
template <class Side>
times measure() {
    times all;
    std::atomic<Side*> target{nullptr};
    std::atomic<std::int64_t> sent{0};
    std::atomic<int> seen{0};
    std::thread sleeper([&] {
        pin(1);
        Side own;
        target = &own;
        for (int i = 0; i < wakes; ++i) {
            do own.sleep();
            while (sent.load(std::memory_order_acquire) == 0);
            all.push_back(monotonic_ns() - sent.load());
            sent = 0;
            seen = i + 1;
        }
        target = nullptr;
        while (seen.load() >= 0) std::this_thread::yield();  // until the sender is done with it
    });
    pin(0);
    {
        Side own;
        while (target.load() == nullptr) std::this_thread::yield();
        Side& to = *target.load();
        for (int i = 0; i < wakes; ++i) {
            spin_until(monotonic_ns() + until_it_sleeps);
            sent = monotonic_ns();
            own.wake(to);
            while (seen.load() != i + 1) own.turn();
        }
        seen = -1;
    }
    sleeper.join();
    return all;
}

struct engine_side {
    millrace::core_engine engine{millrace::service_options{.tier = millrace::io_tier::deferred}};
    void sleep() {
        engine.turn();
        engine.sleep(INT64_MAX);
    }
    void turn() { engine.turn(); }
    void wake(engine_side& to) { to.engine.wake(); }
};

struct bare_side {
    io_uring ring{};
    bare_side() {
        if (::io_uring_queue_init(
                256, &ring,
                IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG)
            != 0)
            std::exit(70);
        ::io_uring_register_ring_fd(&ring);
    }
    ~bare_side() { ::io_uring_queue_exit(&ring); }
    void sleep() {
        io_uring_cqe* got = nullptr;
        ::io_uring_submit_and_wait_timeout(&ring, &got, 1, nullptr, nullptr);
        turn();
    }
    void turn() {
        io_uring_cqe* got = nullptr;
        while (::io_uring_peek_cqe(&ring, &got) == 0) ::io_uring_cqe_seen(&ring, got);
    }
    void wake(bare_side& to) {
        io_uring_sqe* const entry = ::io_uring_get_sqe(&ring);
        ::io_uring_prep_msg_ring(entry, to.ring.ring_fd, 0, 1, 0);
        entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
        ::io_uring_submit(&ring);
    }
};

double at(times& all, double part) {
    auto const nth = static_cast<std::ptrdiff_t>(part * static_cast<double>(all.size() - 1));
    std::nth_element(all.begin(), all.begin() + nth, all.end());
    return static_cast<double>(all[static_cast<std::size_t>(nth)]);
}

}  // namespace

int main(int argc, char** argv) {
    int rounds = 15;
    std::string_view filter;
    for (int i = 1; i < argc; ++i)
        if (std::strcmp(argv[i], "--quick") == 0)
            rounds = 5;
        else
            filter = argv[i];
    if (std::string_view("io/wake").find(filter) == std::string_view::npos) return 0;
    times ratios;  // in millionths
    times ours_p50;
    times bare_p50;
    times ours_p99;
    times bare_p99;
    for (int round = 0; round < rounds; ++round) {
        times ours;
        times bare;
        if (round % 2 == 0) ours = measure<engine_side>();
        bare = measure<bare_side>();
        if (round % 2 != 0) ours = measure<engine_side>();
        ours_p50.push_back(static_cast<std::int64_t>(at(ours, 0.5)));
        bare_p50.push_back(static_cast<std::int64_t>(at(bare, 0.5)));
        ours_p99.push_back(static_cast<std::int64_t>(at(ours, 0.99)));
        bare_p99.push_back(static_cast<std::int64_t>(at(bare, 0.99)));
        ratios.push_back(1'000'000 * ours_p50.back() / bare_p50.back());
    }
    std::printf(
        "{\"bench\":\"io/wake_p50\",\"ratio\":%.3f,\"must\":1.25,\"aim\":1.10,\"better\":\"lower\","
        "\"ours\":%.0f,\"reference\":%.0f,\"ours_p99\":%.0f,\"reference_p99\":%.0f,"
        "\"unit\":\"ns\"}\n",
        at(ratios, 0.5) / 1e6, at(ours_p50, 0.5), at(bare_p50, 0.5), at(ours_p99, 0.5),
        at(bare_p99, 0.5));
}
