// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The two ends of a cut edge on one partition: lanes out to the others, lanes in from them. Their
// watermarks and ends travel in band. docs/internals/exchange.md tells the protocol.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <millrace/model/time.hpp>

namespace millrace::detail {

/// `Env` gives the lane, tells which partition this is, and is told who has got something.
template <class Item, class Env>
class port {
public:
    using lane_type = typename Env::template lane<Item>;

    /// Opens the lanes into this partition from each of the others; `slots` each.
    void open_inlet(Env& env, std::size_t slots) {
        in_ = std::vector<inlet>(env.partitions());
        for (unsigned p = 0; p < env.partitions(); ++p)
            if (p != env.partition()) {
                in_[p].lane = std::make_unique<lane_type>(slots);
                from_.push_back(p);
                lanes_in_.push_back(in_[p].lane.get());
            }
    }
    /// The lane in from partition `p`, for its outlet.
    lane_type& inlet_lane(unsigned p) { return *in_[p].lane; }
    [[nodiscard]] bool has_inlet() const { return !in_.empty(); }
    [[nodiscard]] std::size_t lanes_in() const { return from_.size(); }

    void connect(Env& env, unsigned target, lane_type& lane) {
        if (out_.empty()) out_ = std::vector<outlet>(env.partitions());
        out_[target].lane = &lane;
        to_.push_back(target);
    }

    // --- sending ---

    template <class R, class Ctx>
    [[gnu::always_inline]] inline void send(unsigned target, R&& record, Ctx const& ctx) {
        outlet& o = out_[target];
        if (o.room == 0) [[unlikely]] {
            if (!o.spilled.empty() || !refill(o)) return spill(o, {static_cast<R&&>(record), ctx});
        }
        --o.room;
        ++sent_;
        o.lane->emplace(static_cast<R&&>(record), ctx);
    }
    /// How many records of at most `worst` items each have room on every lane; 0 as long as
    /// something waits for room.
    [[nodiscard]] std::size_t room_for(std::size_t records, std::size_t worst) {
        for (unsigned const q : to_) {
            outlet& o = out_[q];
            if (!o.spilled.empty()) return 0;
            std::size_t const wanted = records * worst;
            if (o.room < wanted) o.room = o.lane->room(wanted);
            if (o.room < wanted) records = o.room / worst;
        }
        return records;
    }
    /// Makes what was sent visible, with the watermark behind it. False while something waits for
    /// room; of marks only the last does.
    bool publish(Env& env, time_point mark, bool idle, bool ended) {
        bool all = true;
        for (unsigned const q : to_) {
            outlet& o = out_[q];
            while (!o.spilled.empty() && (o.room > 0 || refill(o))) {
                --o.room;
                o.lane->emplace(std::move(o.spilled.front()));
                o.spilled.pop_front();
            }
            if (o.spilled.empty()) {
                if (mark > o.marked && o.lane->control({Env::mark_kind, mark.ns, 0}))
                    o.marked = mark;
                if (idle != o.idle
                    && o.lane->control({idle ? Env::idle_kind : Env::active_kind, 0, 0}))
                    o.idle = idle;
                if (ended && !o.ended && o.marked >= mark)
                    o.ended = o.lane->control({Env::end_kind, 0, 0});
            }
            all =
                all && o.spilled.empty() && o.marked >= mark && o.idle == idle && o.ended == ended;
            if (o.lane->publish()) env.published_to(q);
        }
        return all;
    }
    /// Has everything gone out that this end will ever send?
    [[nodiscard]] bool sent_end() const {
        for (unsigned const q : to_)
            if (!out_[q].ended) return false;
        return true;
    }

    // --- receiving ---

    [[nodiscard]] bool has_input() const {
        for (lane_type const* const lane : lanes_in_)  // in each turn, also where there is none
            if (!lane->empty()) return true;
        return false;
    }
    /// Up to `n` records of all lanes, each in its order, beginning with another lane each time.
    template <class F>
    std::size_t take(Env& env, std::size_t n, F&& f) {
        std::size_t taken = 0;
        auto const lanes = static_cast<unsigned>(from_.size());
        if (lanes == 0) return 0;
        first_ = first_ + 1 < lanes ? first_ + 1 : 0;
        for (unsigned k = 0; k < lanes && taken < n; ++k) {
            unsigned const p = from_[first_ + k < lanes ? first_ + k : first_ + k - lanes];
            inlet& from = in_[p];
            if (from.lane->empty()) continue;
            counts_taken const counted{taken_, *from.lane, from.lane->consumed()};
            taken += from.lane->take(
                n - taken,
                [&](Item&& item) __attribute__((always_inline)) {
                    item.lift(from.floor);
                    f(static_cast<Item&&>(item));
                },
                [&from](auto const& control) {
                    from.hear(control);
                    return true;
                });
            env.took_from(p);
        }
        return taken;
    }
    /// What stands in front of the first record of each lane: watermarks and ends, also where a
    /// record would find no room. True if there was any.
    bool take_controls(Env& env) {
        std::uint64_t const before = heard_;
        for (unsigned const p : from_) {
            inlet& from = in_[p];
            if (from.lane->empty()) continue;
            std::uint64_t const so_far = heard_;
            (void)from.lane->take(
                0, [](Item&&) {},
                [&](auto const& control) {
                    from.hear(control);
                    ++heard_;
                    return true;
                });
            if (heard_ != so_far) env.took_from(p);
        }
        return heard_ != before;
    }
    /// The least that the lanes into this partition have promised, and what its own copy of the
    /// stage before promises. An idle one holds nothing back, and what it brings on its return is
    /// judged by what the others have promised meanwhile. Where all are idle the greatest counts.
    [[nodiscard]] time_point mark(time_point own, bool own_idle, bool all_idle) {
        bool const own_ended = own == time_point::max();
        time_point low = all_idle && own_ended ? time_point::min() : own;
        for (unsigned const p : from_) {
            inlet const& i = in_[p];
            if (!all_idle && i.idle) continue;
            if (all_idle && i.mark == time_point::max()) continue;  // ended
            if (all_idle ? i.mark > low : i.mark < low) low = i.mark;
        }
        if (low == time_point::max()) return low;
        for (inlet& i : in_)
            if (i.idle && i.floor < low) i.floor = low;
        if (own_idle && floor_ < low) floor_ = low;
        return low;
    }
    /// Adds what the lanes know to whether one input is idle, and whether one goes on.
    void look(bool& quiet, bool& active) const {
        for (unsigned const p : from_) {
            quiet = quiet || in_[p].idle;
            active = active || (!in_[p].idle && in_[p].mark != time_point::max());
        }
    }
    /// The context of a record that stays on its partition.
    template <class Ctx>
    [[nodiscard]] [[gnu::always_inline]] inline Ctx lifted(Ctx ctx) const {
        if constexpr (Ctx::is_timed)
            if (ctx.stamp < floor_) ctx.stamp = floor_;
        return ctx;
    }
    [[nodiscard]] bool ended(bool own) const {
        for (unsigned const p : from_)
            if (!in_[p].ended || !in_[p].lane->empty()) return false;
        return own;
    }

    // --- accounts ---

    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] std::uint64_t taken() const { return taken_; }
    /// Records that a run which ended early left on their way: in the lanes into this partition,
    /// and what of its own waits for room. Once all partitions are done.
    [[nodiscard]] std::uint64_t left() const {
        std::uint64_t n = 0;
        for (inlet const& i : in_)
            if (i.lane) n += i.lane->left();
        for (outlet const& o : out_) n += o.spilled.size();
        return n;
    }
    /// Records for which no room had been reckoned with; 0 unless the plan is wrong.
    [[nodiscard]] std::uint64_t spills() const { return spills_; }

private:
    struct outlet {
        lane_type* lane = nullptr;
        std::size_t room = 0;  // known to be free
        time_point marked = time_point::min();
        bool idle = false;
        bool ended = false;
        std::deque<Item> spilled{};  // beyond the worst case that was reckoned with: never lost
    };
    struct inlet {
        std::unique_ptr<lane_type> lane{};
        time_point mark = time_point::min();
        time_point floor = time_point::min();  // what the others promised while it was idle
        bool idle = false;
        bool ended = false;

        template <class Control>
        void hear(Control const& control) {
            if (control.kind == Env::mark_kind) mark = time_point{control.value};
            if (control.kind == Env::idle_kind) idle = true;
            if (control.kind == Env::active_kind) idle = false;
            if (control.kind == Env::end_kind) ended = true;
        }
    };
    /// As a value, so that neither the record nor its context needs an address in the loop.
    [[gnu::noinline, gnu::cold]] void spill(outlet& o, Item item) {
        ++spills_;
        ++sent_;
        o.spilled.push_back(std::move(item));
    }
    /// Also where a stage behind has thrown: what it threw at was taken.
    struct counts_taken {
        std::uint64_t& taken;
        lane_type const& lane;
        std::size_t before;
        ~counts_taken() { taken += lane.consumed() - before; }
    };
    static bool refill(outlet& o) {
        o.room = o.lane->room(1);
        return o.room > 0;
    }

    std::vector<outlet> out_;  // by partition, like in_
    std::vector<inlet> in_;
    std::vector<unsigned> to_;    // the partitions that a lane leads to
    std::vector<unsigned> from_;  // those that one comes from
    std::vector<lane_type*> lanes_in_;
    time_point floor_ = time_point::min();  // of its own copy of the stage before
    unsigned first_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t taken_ = 0;
    std::uint64_t heard_ = 0;
    std::uint64_t spills_ = 0;
};

}  // namespace millrace::detail
