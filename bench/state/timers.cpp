// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// A million timers under way: each step sets one, cancels half of those set, and fires what is due,
// as deadlines of requests and gaps of sessions do. Against std::priority_queue, which forgets a
// cancelled timer when it comes up.

#include <cstdint>
#include <queue>
#include <support/pair.hpp>
#include <vector>

#include <millrace/state/timer_wheel.hpp>

namespace {
using namespace millrace;

constexpr std::int64_t span = 1'000'000;  // ns until a timer is due, at most
constexpr std::uint64_t steps = 3'000'000;

/// xorshift64 (Marsaglia 2003).
struct random_numbers {
    std::uint64_t state = 88'172'645'463'325'252;
    std::uint64_t operator()() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
};

/// One timer a nanosecond, due within `span`; every other one is cancelled soon after.
template <class Set, class Cancel, class Advance>
std::uint64_t drive(Set&& set, Cancel&& cancel, Advance&& advance) {
    using handle = decltype(set(std::int64_t{}, std::uint64_t{}));
    random_numbers random;
    std::vector<handle> lately(1024);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < steps; ++i) {
        auto const now = static_cast<std::int64_t>(i);
        std::uint64_t const r = random();
        handle const made = set(now + 2048 + static_cast<std::int64_t>(r % span), i);
        handle& place = lately[i % lately.size()];
        if (i % 2 == 0) {
            if (i >= lately.size()) cancel(place);
            place = made;
        }
        if (i % 64 == 0) advance(now, [&](std::uint64_t payload) { sum += payload; });
    }
    advance(std::int64_t{1} << 40, [&](std::uint64_t payload) { sum += payload; });
    return sum;
}

std::uint64_t by_wheel() {
    timer_wheel<std::uint64_t> wheel;
    return drive(
        [&](std::int64_t due, std::uint64_t payload) { return wheel.insert(due, payload); },
        [&](timer_handle h) { wheel.cancel(h); },
        [&](std::int64_t now, auto&& fired) {
            while (wheel.advance(now, 1024,
                                 [&](std::uint64_t payload, std::int64_t) { fired(payload); })) {
            }
        });
}

std::uint64_t by_heap() {
    struct timer {
        std::int64_t due;
        std::uint64_t payload;
        bool operator<(timer const& other) const { return due > other.due; }
    };
    std::priority_queue<timer> heap;
    std::vector<bool> cancelled(steps);
    return drive(
        [&](std::int64_t due, std::uint64_t payload) {
            heap.push({due, payload});
            return payload;
        },
        [&](std::uint64_t payload) { cancelled[payload] = true; },
        [&](std::int64_t now, auto&& fired) {
            while (!heap.empty() && heap.top().due <= now) {
                if (!cancelled[heap.top().payload]) fired(heap.top().payload);
                heap.pop();
            }
        });
}
}  // namespace

int main(int argc, char** argv) {
    bench::pair pair(argc, argv);
    pair.run("timers/million", {.must = 1.0, .aim = 0.5, .unit = "ns/timer"}, double(steps),
             by_heap, by_wheel);
}
