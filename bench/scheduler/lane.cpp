// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// A lane against the ring that an expert writes by hand and against boost::lockfree::spsc_queue:
// one way in batches of 64, and there and back. Producer and consumer run on two processors.

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <pthread.h>
#include <sched.h>
#include <thread>

#include <boost/lockfree/spsc_queue.hpp>

#include <millrace/scheduler/lane.hpp>

#include "../support/pair.hpp"

namespace {
using namespace millrace;

struct item {
    std::uint64_t number;
    std::uint64_t value;
};
constexpr std::size_t batch = 64;
constexpr std::size_t slots = 4096;
constexpr std::uint64_t items = 1 << 22;
constexpr std::uint64_t trips = 100'000;

/// The reference: indices that run on, each side with the other's as last seen, room and records
/// handed over per batch. No controls, no types, no destructors.
class bare_ring {
public:
    template <class Fill>
    void push(std::size_t n, Fill&& fill) {
        while (slots - (tail_ - seen_head_) < n) {
            seen_head_ = head_.load(std::memory_order_acquire);
            if (slots - (tail_ - seen_head_) < n) __builtin_ia32_pause();
        }
        for (std::size_t i = 0; i < n; ++i) items_[(tail_ + i) & (slots - 1)] = fill();
        tail_ += n;
        shared_tail_.store(tail_, std::memory_order_release);
    }
    template <class Take>
    std::size_t pop(std::size_t n, Take&& take) {
        std::size_t known = seen_tail_ - own_head_;
        if (known < n) {
            seen_tail_ = shared_tail_.load(std::memory_order_acquire);
            known = seen_tail_ - own_head_;
        }
        if (known < n) n = known;
        if (n == 0) return 0;
        for (std::size_t i = 0; i < n; ++i) take(items_[(own_head_ + i) & (slots - 1)]);
        own_head_ += n;
        head_.store(own_head_, std::memory_order_release);
        return n;
    }

private:
    alignas(128) std::size_t tail_ = 0;
    std::size_t seen_head_ = 0;
    alignas(128) std::atomic<std::size_t> shared_tail_{0};
    alignas(128) std::atomic<std::size_t> head_{0};
    alignas(128) std::size_t own_head_ = 0;
    std::size_t seen_tail_ = 0;
    alignas(128) item items_[slots]{};
};

class boost_ring {
public:
    template <class Fill>
    void push(std::size_t n, Fill&& fill) {
        item filled[batch];
        for (std::size_t i = 0; i < n; ++i) filled[i] = fill();
        for (std::size_t sent = 0; sent < n;) {
            std::size_t const now = queue_.push(filled + sent, n - sent);
            sent += now;
            if (now == 0) __builtin_ia32_pause();
        }
    }
    template <class Take>
    std::size_t pop(std::size_t n, Take&& take) {
        item taken[batch];
        std::size_t const got = queue_.pop(taken, n);
        for (std::size_t i = 0; i < got; ++i) take(taken[i]);
        return got;
    }

private:
    boost::lockfree::spsc_queue<item, boost::lockfree::capacity<slots>> queue_;
};

class our_lane {
public:
    template <class Fill>
    void push(std::size_t n, Fill&& fill) {
        while (lane_.room(n) < n) __builtin_ia32_pause();
        for (std::size_t i = 0; i < n; ++i) lane_.emplace(fill());
        lane_.publish();
    }
    template <class Take>
    std::size_t pop(std::size_t n, Take&& take) {
        return lane_.take(n, take, [](lane_control const&) {});
    }

private:
    lane<item> lane_{slots};
};

void pin(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) {
        std::fprintf(stderr, "bench: can't pin a thread to CPU %u\n", cpu);
        std::exit(78);
    }
}
/// The first two processors that this process may use.
void find_cpus(unsigned (&cpus)[2]) {
    cpu_set_t set;
    unsigned found = 0;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (unsigned i = 0; i < CPU_SETSIZE && found < 2; ++i)
            if (CPU_ISSET(i, &set)) cpus[found++] = i;
    if (found < 2) {
        std::fprintf(stderr, "bench: lane needs two processors\n");
        std::exit(0);
    }
}

/// A second thread that runs one job at a time: threads are made once, not per round.
class helper {
public:
    explicit helper(unsigned cpu) : thread_([this, cpu] { serve(cpu); }) {}
    ~helper() {
        stop_.store(true);
        thread_.join();
    }
    void start(void (*job)(void*), void* with) {
        job_ = job;
        with_ = with;
        go_.store(true, std::memory_order_release);
    }
    void wait() const {
        while (go_.load(std::memory_order_acquire)) __builtin_ia32_pause();
    }

private:
    void serve(unsigned cpu) {
        pin(cpu);
        while (!stop_.load(std::memory_order_relaxed)) {
            if (go_.load(std::memory_order_acquire)) {
                job_(with_);
                go_.store(false, std::memory_order_release);
            }
            __builtin_ia32_pause();
        }
    }
    std::atomic<bool> go_{false}, stop_{false};
    void (*job_)(void*) = nullptr;
    void* with_ = nullptr;
    std::thread thread_;
};

template <class Ring>
std::uint64_t one_way(helper& other) {
    struct work {
        Ring ring;
    };
    static auto const shared = std::make_unique<work>();
    other.start(
        [](void* p) {
            Ring& ring = static_cast<work*>(p)->ring;
            std::uint64_t number = 0;
            while (number < items)
                ring.push(batch, [&number] {
                    ++number;
                    return item{number, number ^ 0x5555};
                });
        },
        shared.get());
    std::uint64_t sum = 0;
    for (std::uint64_t got = 0; got < items;) {
        std::size_t const now =
            shared->ring.pop(batch, [&sum](item const& i) { sum += i.number ^ (i.value << 1); });
        got += now;
        if (now == 0) __builtin_ia32_pause();
    }
    other.wait();
    return sum;
}

template <class Ring>
std::uint64_t there_and_back(helper& other) {
    struct work {
        Ring there, back;
    };
    static auto const shared = std::make_unique<work>();
    other.start(
        [](void* p) {
            auto& w = *static_cast<work*>(p);
            for (std::uint64_t done = 0; done < trips;) {
                item got{};
                if (w.there.pop(1, [&got](item const& i) { got = i; }) == 0) continue;
                w.back.push(1, [&got] { return got; });
                ++done;
            }
        },
        shared.get());
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < trips; ++i) {
        shared->there.push(1, [i] { return item{i, i}; });
        while (shared->back.pop(1, [&sum](item const& got) { sum += got.number; }) == 0) {
        }
    }
    other.wait();
    return sum;
}
}  // namespace

int main(int argc, char** argv) {
    unsigned cpus[2]{};
    find_cpus(cpus);
    pin(cpus[0]);
    helper other(cpus[1]);
    bench::pair pairs(argc, argv);
    bench::goal const rate{0.85, 0.95, true, "G items/s"};
    bench::goal const trip{1.25, 1.1, false, "ns/trip"};
    pairs.run(
        "lane/one-way against bare", rate, double(items), [&] { return one_way<bare_ring>(other); },
        [&] { return one_way<our_lane>(other); });
    pairs.run(
        "lane/one-way against boost", rate, double(items),
        [&] { return one_way<boost_ring>(other); }, [&] { return one_way<our_lane>(other); });
    pairs.run(
        "lane/round-trip against bare", trip, double(trips),
        [&] { return there_and_back<bare_ring>(other); },
        [&] { return there_and_back<our_lane>(other); });
    pairs.run(
        "lane/round-trip against boost", trip, double(trips),
        [&] { return there_and_back<boost_ring>(other); },
        [&] { return there_and_back<our_lane>(other); });
}
