// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What an idle turn of the run loop costs: a core with a ring and a partition with four lanes in
// and four out, nothing in any of them. Nanoseconds, against a limit of 20 that stands as «1 ns»
// times the ratio.

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/io/core_engine.hpp>
#include <millrace/scheduler/core.hpp>
#include <millrace/scheduler/inject.hpp>
#include <millrace/scheduler/parker.hpp>
#include <millrace/scheduler/partition.hpp>
#include <millrace/scheduler/run.hpp>

#include "../support/pair.hpp"

namespace {
using namespace millrace;
constexpr std::int64_t turns = 1 << 21;
constexpr unsigned partitions = 5;

/// Ends the loop behind so many turns; itself never has work.
struct counter final : detail::turned {
    bool turn() override {
        --left;
        return false;
    }
    void stop() override {}
    bool finished() override { return left <= 0; }
    [[nodiscard]] bool starved() const override { return false; }
    [[nodiscard]] std::int64_t next_deadline() override { return INT64_MAX; }
    std::int64_t left = 0;
};
/// A partition as it is, that lets its core go on behind it. One virtual call more than it takes.
struct as_finished final : detail::turned {
    explicit as_finished(detail::turned& of) : of_(of) {}
    bool turn() override { return of_.turn(); }
    void stop() override { of_.stop(); }
    bool finished() override {
        bench::keep(of_.finished());
        return true;
    }
    [[nodiscard]] bool starved() const override { return of_.starved(); }
    [[nodiscard]] std::int64_t next_deadline() override { return of_.next_deadline(); }

private:
    detail::turned& of_;
};
/// Partition 1 of five, each on a core of its own. It only receives: its one source, the injected
/// numbers, is on partition 0.
template <class Service>
class bed {
    static auto pipeline_of(inject<int>& numbers) {
        return numbers.source() | key_by([](int x) { return x; }) | map([](int x) { return x; })
               | discard();
    }
    using pipeline_type = decltype(pipeline_of(std::declval<inject<int>&>()));
    using partition_type = detail::partition<pipeline_type, detail::partition_environment>;

public:
    bed() {
        map_.cpus.assign(partitions, -1);
        map_.partitions = partitions;
        for (unsigned c = 0; c < partitions; ++c)
            cores_.push_back(std::make_unique<detail::core>(
                state_, cores_, service_options{io_tier::automatic, c, partitions, -1},
                settings_.wait));
        (void)core().template service<Service>();
        auto pipeline = pipeline_of(numbers_);
        for (unsigned p = 0; p < partitions; ++p)
            all_.push_back(
                std::make_unique<partition_type>(pipeline, *cores_[p], settings_, map_, p));
        for (auto& a : all_)
            for (auto& b : all_)
                if (a != b) a->connect(*b);
    }
    std::uint64_t run(bool with_partition) {
        count_.left = turns;
        as_finished only(*all_[1]);
        if (with_partition)
            core().run({&only, &count_});
        else
            core().run({&count_});
        return 0;
    }

private:
    detail::core& core() { return *cores_[1]; }

    run_settings const settings_{.wait = wait_policy::spin};
    detail::core_map map_;
    detail::run_state state_;
    inject<int> numbers_;
    std::vector<std::unique_ptr<detail::core>> cores_;
    std::vector<std::unique_ptr<partition_type>> all_;
    counter count_;
};

/// Passes a nanosecond a turn: so the ratio reads as nanoseconds.
std::uint64_t nanosecond_a_turn() {
    auto const end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(turns);
    while (std::chrono::steady_clock::now() < end) {
    }
    return 0;
}
}  // namespace

int main(int argc, char** argv) {
    bench::pair pairs(argc, argv);
    bench::goal const turn{20.0, 8.0, false, "ns/turn"};
    bed<core_engine> ring;
    bed<detail::parker> bare;
    pairs.run("scheduler/idle turn, ring and 4 lanes", turn, double(turns), nanosecond_a_turn,
              [&] { return ring.run(true); });
    pairs.run("scheduler/idle turn, 4 lanes", turn, double(turns), nanosecond_a_turn,
              [&] { return bare.run(true); });
    pairs.run("scheduler/idle turn, nothing", turn, double(turns), nanosecond_a_turn,
              [&] { return bare.run(false); });
}
