// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// All partitions of a pipeline turned on one thread in an order that a seed chooses, with the wakes
// of the cores played by hand: so a lost wake or a missing slot is a finding, not a test that
// hangs.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/loop_report.hpp>
#include <millrace/scheduler/partition.hpp>
#include <millrace/scheduler/port.hpp>
#include <millrace/scheduler/report.hpp>
#include <millrace/scheduler/run.hpp>

namespace by_hand {
using namespace millrace;

inline std::uint64_t first_seed() {
    char const* const text = std::getenv("MILLRACE_SEED");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

/// Who sleeps, and why; and which wakes are lost on purpose.
struct beds {
    enum class state : unsigned char { awake, idle, starved };
    std::vector<state> of;
    std::uint64_t wakes_for_room = 0;
    std::uint64_t wakes_for_input = 0;
    std::uint64_t loses_room_after = ~std::uint64_t{0};
    std::uint64_t loses_input_after = ~std::uint64_t{0};
};

/// Of loops side by side, each on a core of its own that is turned by hand.
class environment : public detail::partition_environment {
public:
    template <class Item>
    using port = detail::port<Item, environment>;
    static inline beds* room = nullptr;  // set while partitions are opened
    environment(detail::core& c, run_settings const& settings, detail::core_map const& map,
                unsigned partition)
        : partition_environment(c, settings, map, partition), beds_(room) {}
    void published_to(unsigned p) {
        if (beds_->of[p] == beds::state::awake) return;
        if (++beds_->wakes_for_input <= beds_->loses_input_after) beds_->of[p] = beds::state::awake;
    }
    void took_from(unsigned p) {
        if (beds_->of[p] != beds::state::starved) return;
        if (++beds_->wakes_for_room <= beds_->loses_room_after) beds_->of[p] = beds::state::awake;
    }

private:
    beds* beds_;
};

struct outcome {
    bool ended = false;        ///< or all slept before the end
    std::uint64_t spills = 0;  ///< records for which no room had been reckoned with
    std::uint64_t turns = 0;
    std::uint64_t starved = 0;  ///< turns that lacked room: was credit needed at all?
    beds slept{};
    report counts;
};

/// Turns `partitions` copies until all are finished, or all sleep. They share so many cores, 0: one
/// each; that decides which of them take what an exchange spreads.
template <class P>
outcome turn(P pipeline, unsigned partitions, run_settings const& settings, std::uint64_t seed,
             beds sleepers = {}, unsigned shared_cores = 0) {
    using partition = detail::partition<P, environment>;
    outcome out;
    sleepers.of.assign(partitions, beds::state::awake);
    environment::room = &sleepers;
    detail::core_map map;
    map.cpus.assign(shared_cores == 0 ? partitions : shared_cores, -1);
    map.partitions = partitions;
    detail::run_state state;
    std::vector<std::unique_ptr<detail::core>> cores;
    std::vector<std::unique_ptr<partition>> all;
    for (unsigned p = 0; p < partitions; ++p)
        cores.push_back(std::make_unique<detail::core>(
            state, cores, service_options{settings.io, p, partitions, -1}, settings.wait));
    for (unsigned p = 0; p < partitions; ++p)
        all.push_back(std::make_unique<partition>(pipeline, *cores[p], settings, map, p));
    for (auto& a : all)
        for (auto& b : all)
            if (a != b) a->connect(*b);
    all[0]->loop().begin();

    std::mt19937_64 random(seed);
    std::vector<unsigned> awake;
    for (;;) {
        awake.clear();
        bool finished = true;
        for (unsigned p = 0; p < partitions; ++p) {
            if (all[p]->finished()) continue;
            finished = false;
            if (sleepers.of[p] == beds::state::awake) awake.push_back(p);
        }
        out.ended = finished;
        if (finished || awake.empty()) break;
        unsigned const p = awake[random() % awake.size()];
        ++out.turns;
        bool const worked = all[p]->turn();
        out.starved += all[p]->starved() ? 1 : 0;
        // On one thread the look behind the announcement sees nothing new.
        if (!worked) sleepers.of[p] = all[p]->starved() ? beds::state::starved : beds::state::idle;
    }
    stage_counts sum[partition::loop_type::size];
    for (auto& a : all) {
        if constexpr (partition::cuts::count > 0)
            partition::loop_type::exchange_type::each([&]<std::size_t E>() {
                out.spills += a->loop().exchanges().template at<E>().spills();
            });
        a->loop().close(out.ended);
        detail::add_counts(a->loop(), sum);
    }
    detail::report_counts<P, typename partition::loop_type>(sum, out.counts);
    out.slept = sleepers;
    return out;
}

}  // namespace by_hand
