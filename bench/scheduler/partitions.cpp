// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Two partitions that share one core against one partition: the price of lanes where they gain
// nothing. The same keyed window.

#include <cstdint>
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/core_map.hpp>
#include <millrace/scheduler/run.hpp>

#include "../support/pair.hpp"

namespace {
using namespace millrace;

struct event {
    std::int64_t t;
    std::uint32_t key;
    std::uint32_t value;
};
MILLRACE_RECORD(event, t, key, value);
constexpr std::size_t count_of_events = 2'000'000;

std::uint64_t run_with(std::vector<event> const& events, unsigned partitions) {
    std::uint64_t check = 0;
    auto const r = run(from(events) | event_time([](event const& e) { return time_point{e.t}; })
                           | key_by(field<&event::key>) | window(tumbling(nanoseconds(100'000)))
                           | aggregate(count<"n">(), sum<"total">(field<&event::value>))
                           | to([&](auto const& row) {
                                 check += static_cast<std::uint64_t>(get<"total">(row)) * 31
                                          + static_cast<std::uint64_t>(get<"n">(row));
                             }),
                       {.cores = {detail::allowed_cpus().at(0)}, .partitions = partitions});
    return r.ok() ? check : 0;
}
}  // namespace

int main(int argc, char** argv) {
    std::vector<event> events;
    events.reserve(count_of_events);
    std::uint64_t x = 88172645463325252ULL;  // xorshift64
    for (std::size_t i = 0; i < count_of_events; ++i) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        events.push_back({static_cast<std::int64_t>(i), static_cast<std::uint32_t>(x % 10'000),
                          static_cast<std::uint32_t>(x >> 40)});
    }
    bench::pair pairs(argc, argv);
    pairs.run(
        "scheduler/two partitions on one core", {1.10, 1.0, false, "ns/record"},
        double(count_of_events), [&] { return run_with(events, 1); },
        [&] { return run_with(events, 2); });
}
