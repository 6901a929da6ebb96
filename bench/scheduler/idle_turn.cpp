// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What an idle turn of the run loop costs: a core with a service and a partition with four lanes
// in, nothing in any of them. Against an empty turn, which is the call and the pause alone.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/core.hpp>
#include <millrace/scheduler/inject.hpp>
#include <millrace/scheduler/parker.hpp>
#include <millrace/scheduler/partition.hpp>
#include <millrace/scheduler/run.hpp>

#include "../support/pair.hpp"

namespace {
using namespace millrace;
constexpr std::uint64_t turns = 1 << 21;

/// Ends the loop behind so many turns; itself never has work.
struct counter final : detail::turned {
    explicit counter(std::uint64_t& left) : left_(left) {}
    bool turn() override { return false; }
    void stop() override {}
    bool finished() override { return --left_ == 0; }
    [[nodiscard]] bool starved() const override { return false; }
    [[nodiscard]] std::int64_t next_deadline() override { return INT64_MAX; }
    std::uint64_t& left_;
};
/// A partition as it is, that lets its core go on behind it.
struct as_finished final : detail::turned {
    explicit as_finished(detail::turned& of) : of_(of) {}
    bool turn() override { return of_.turn(); }
    void stop() override { of_.stop(); }
    bool finished() override {
        (void)of_.finished();
        return true;
    }
    [[nodiscard]] bool starved() const override { return of_.starved(); }
    [[nodiscard]] std::int64_t next_deadline() override { return of_.next_deadline(); }
    detail::turned& of_;
};

std::uint64_t idle(unsigned partitions) {
    inject<int> numbers;
    auto pipeline = numbers.source() | key_by([](int x) { return x; })
                    | map([](int x) { return x; }) | discard();
    using P = decltype(pipeline);
    using partition = detail::partition<P, detail::partition_environment>;
    run_settings const settings{.wait = wait_policy::spin};
    detail::core_map map;
    map.cpus.assign(1, -1);
    map.partitions = partitions;
    detail::run_state state;
    std::vector<std::unique_ptr<detail::core>> cores;
    cores.push_back(std::make_unique<detail::core>(state, cores, service_options{}, settings.wait));
    (void)cores[0]->service<detail::parker>();
    std::vector<std::unique_ptr<partition>> all;
    for (unsigned p = 0; p < partitions; ++p)
        all.push_back(std::make_unique<partition>(pipeline, *cores[0], settings, map, p));
    for (auto& a : all)
        for (auto& b : all)
            if (a != b) a->connect(*b);
    std::uint64_t left = turns;
    counter count(left);
    as_finished only(*all[1]);  // the others are never turned: nothing comes
    cores[0]->run({&only, &count});
    return left;
}
std::uint64_t empty() {
    run_settings const settings{.wait = wait_policy::spin};
    detail::run_state state;
    std::vector<std::unique_ptr<detail::core>> cores;
    cores.push_back(std::make_unique<detail::core>(state, cores, service_options{}, settings.wait));
    (void)cores[0]->service<detail::parker>();
    std::uint64_t left = turns;
    counter count(left);
    cores[0]->run({&count});
    return left;
}
}  // namespace

int main(int argc, char** argv) {
    bench::pair pairs(argc, argv);
    // Absolute: `ours` must be 20 ns a turn at most and should be 8, of which `reference` is the
    // pause and the call.
    bench::goal const turn{20.0, 8.0, false, "ns/turn"};
    pairs.run(
        "scheduler/idle turn, 4 lanes", turn, double(turns), [] { return empty(); },
        [&] { return idle(5); });
}
