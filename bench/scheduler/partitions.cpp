// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Partitions that share one core against one partition there: the same keyed window, over one input
// and over one input for each of four partitions.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
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

/// As a source of the network is: on every partition. Each reads its share, which is every n-th
/// batch.
struct shares_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr placement runs = placement::every_partition;
    [[maybe_unused]] static constexpr std::string_view word = "shares";
    [[maybe_unused]] static constexpr auto name = fixed_string{""};
    using record = event;
    static constexpr std::size_t stretch = 1024;
    std::vector<event> const* of;

    struct opened {
        std::vector<event> const& of;
        std::size_t at;
        std::size_t step;
        template <class Push>
        [[gnu::always_inline]] bool poll(std::size_t n, Push&& push) {
            while (n > 0 && at < of.size()) {
                std::size_t const end = std::min(of.size(), (at / stretch + 1) * stretch);
                std::size_t const take = std::min(n, end - at);
                for (std::size_t i = at; i < at + take; ++i) push(of[i]);
                n -= take;
                at += take;
                if (at == end) at += (step - 1) * stretch;
            }
            return at < of.size();
        }
    };
    template <class Env>
    opened open_source(Env& env) const {
        return {*of, env.partition() * stretch, env.partitions()};
    }
};

template <class Source>
std::uint64_t run_with(Source source, unsigned partitions) {
    std::uint64_t check = 0;
    auto const r = run(std::move(source)
                           | event_time([](event const& e) { return time_point{e.t}; },
                                        bounded_disorder{nanoseconds(100'000)})
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
    bench::goal const as_one{1.10, 1.0, false, "ns/record"};
    auto const one = [&](unsigned n) { return run_with(from(events), n); };
    auto const many = [&](unsigned n) { return run_with(shares_stage{{}, &events}, n); };
    double const work = count_of_events;
    pairs.run(
        "scheduler/two partitions on one core", as_one, work, [&] { return one(1); },
        [&] { return one(2); });
    pairs.run(
        "scheduler/four partitions on one core", as_one, work, [&] { return one(1); },
        [&] { return one(4); });
    pairs.run(
        "scheduler/two partitions on one core, an input each", as_one, work,
        [&] { return many(1); }, [&] { return many(2); });
    pairs.run(
        "scheduler/four partitions on one core, an input each", as_one, work,
        [&] { return many(1); }, [&] { return many(4); });
}
