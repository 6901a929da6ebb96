// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What operators are opened with: their partition, its core, and for loops side by side the lanes
// between them.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <sched.h>

#include <millrace/io/core_service.hpp>
#include <millrace/model/route.hpp>
#include <millrace/model/time.hpp>
#include <millrace/scheduler/clock.hpp>
#include <millrace/scheduler/core.hpp>
#include <millrace/scheduler/core_map.hpp>
#include <millrace/scheduler/crossing.hpp>
#include <millrace/scheduler/lane.hpp>
#include <millrace/scheduler/port.hpp>
#include <millrace/scheduler/settings.hpp>
#include <millrace/scheduler/state_memory.hpp>
#include <millrace/state/memory_budget.hpp>

namespace millrace::detail {

/// Wakes a core from any thread; cheap where it doesn't sleep. Lives as long as the run.
class core_waker {
public:
    explicit core_waker(core& c) : core_(&c) {}
    void wake() const noexcept { core_->wake(); }

private:
    core* core_;
};

/// Of the only partition.
class alone_environment {
public:
    alone_environment(core& c, run_settings const& settings, core_map const&, unsigned)
        : core_(c), budget_(state_share(settings.state_memory, 1), settings.when_full) {}

    template <class Service>
    Service& service() {
        return core_.template service<Service>();
    }
    [[nodiscard]] core_waker waker() { return core_waker(core_); }
    void fire(unsigned stage) { core_.fire(stage); }
    [[nodiscard]] time_point wall_time() const { return time_point{read_clock(CLOCK_REALTIME)}; }
    [[nodiscard]] unsigned partition() const { return 0; }
    [[nodiscard]] unsigned partitions() const { return 1; }
    memory_budget& state_budget() { return budget_; }

private:
    core& core_;
    memory_budget budget_;
};

/// Of one of several.
class partition_environment {
public:
    static constexpr bool parallel = true;
    static constexpr lane_control_kind mark_kind = lane_control_kind::mark;
    static constexpr lane_control_kind idle_kind = lane_control_kind::idle;
    static constexpr lane_control_kind active_kind = lane_control_kind::active;
    static constexpr lane_control_kind end_kind = lane_control_kind::end;
    template <class Item>
    using lane = millrace::lane<Item>;
    template <class Item>
    using port = detail::port<Item, partition_environment>;
    template <class Record, class Context, bool WithOrigin>
    using crossing = detail::crossing<Record, Context, WithOrigin>;

    partition_environment(core& c, run_settings const& settings, core_map const& map,
                          unsigned partition)
        : core_(c),
          map_(map),
          partition_(partition),
          slots_(settings.lane_slots),
          budget_(state_share(settings.state_memory, map.cores()), settings.when_full),
          yields_(settings.yield_seed == 0 ? 0 : settings.yield_seed + partition) {}

    template <class Service>
    Service& service() {
        return core_.template service<Service>();
    }
    [[nodiscard]] core_waker waker() { return core_waker(core_); }
    void fire(unsigned stage) { core_.fire(stage); }
    [[nodiscard]] time_point wall_time() const { return time_point{read_clock(CLOCK_REALTIME)}; }
    [[nodiscard]] unsigned partition() const { return partition_; }
    [[nodiscard]] unsigned partitions() const { return map_.partitions; }
    memory_budget& state_budget() { return budget_; }

    /// Slots of a lane over which one record can become `worst`.
    [[nodiscard]] std::size_t lane_slots(std::size_t worst) const {
        return std::bit_ceil(worst > slots_ ? worst : slots_);
    }
    /// What an exchange spreads over cores is taken by the first partition of each: partitions 0 to
    /// `receivers() - 1`. The others would only share its thread.
    [[nodiscard]] unsigned receivers() const { return map_.cores(); }
    template <class Key>
    [[nodiscard]] [[gnu::always_inline]] inline unsigned receiver_of(Key const& key) const {
        return millrace::partition_of(group_of(key), key_groups, receivers());
    }
    void published_to(unsigned partition) {
        core_.touch(map_.core_of(partition), false);
        maybe_yield();
    }
    void took_from(unsigned partition) {
        core_.touch(map_.core_of(partition), true);
        maybe_yield();
    }

private:
    /// xorshift64 (Marsaglia 2003); one time in eight.
    void maybe_yield() {
        if (yields_ == 0) return;
        yields_ ^= yields_ << 13;
        yields_ ^= yields_ >> 7;
        yields_ ^= yields_ << 17;
        if (yields_ % 8 == 0) ::sched_yield();
    }

    core& core_;
    core_map const& map_;
    unsigned partition_;
    std::size_t slots_;
    memory_budget budget_;
    std::uint64_t yields_;
};

}  // namespace millrace::detail
