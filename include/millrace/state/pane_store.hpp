// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `pane_store<Key, Value>`: the open panes of a tumbling window, found by their start, drained in
// order of time.

#include <cstddef>
#include <cstdint>

#include <millrace/model/hash.hpp>
#include <millrace/model/time.hpp>
#include <millrace/state/buffer.hpp>
#include <millrace/state/keyed_table.hpp>
#include <millrace/state/memory_budget.hpp>
#include <millrace/state/retired_memory.hpp>
#include <millrace/state/single_entry.hpp>
#include <millrace/state/time_order.hpp>

namespace millrace {

/// One pane [start, end) and the entries of its keys. Its address holds until it is released.
template <class Key, class Value, class Hash = key_hash, bool Flagged = true>
struct pane {
    using table = typename pane_entries<Key, Value, Hash, Flagged>::type;

    time_point start;
    time_point end;
    table entries;
    std::uint64_t records = 0;  ///< for the window's own use, like the next one
    std::size_t drain_cursor = 0;
    bool due = false;      ///< a watermark has passed its end
    bool drained = false;  ///< all that was in it when it became due has been emitted
    time_link<pane> order;
};

/// Panes of one length, aligned to the epoch. Each lives through: `at` opens it; `take_due` finds
/// that its end has passed; `undrained` and `finish_drain` lead through its emission; `release`
/// ends it and keeps it, with its room, for the next. A pane opened at or before the last
/// `take_due` (an allowed late record) is born due and drained: its records emit their rows on
/// their own.
template <class Key, class Value, class Hash = key_hash, bool Flagged = true>
class pane_store {
public:
    using pane = millrace::pane<Key, Value, Hash, Flagged>;
    using table = typename pane::table;
    using key_type = Key;

    /// From this many bytes on a table no longer lies in the L2 cache (1 to 2 MiB), and updates are
    /// worth deferring.
    static constexpr std::size_t defer_from_bytes = std::size_t{4} << 20;
    /// Unmapped with each `take_due`, of tables that are no longer needed.
    static constexpr std::size_t retired_a_turn = std::size_t{256} << 10;

    explicit pane_store(duration length) : length_(length.ns > 0 ? length : duration{1}) {}
    pane_store(pane_store const&) = delete;
    pane_store& operator=(pane_store const&) = delete;
    ~pane_store() {
        while (pane* const open = order_.first()) {
            order_.erase(*open);
            delete open;
        }
        trim();
    }

    [[nodiscard]] duration length() const noexcept { return length_; }
    [[nodiscard]] std::size_t size() const noexcept { return open_; }
    [[nodiscard]] bool empty() const noexcept { return open_ == 0; }

    /// The start of the pane that covers `t`, rounded towards the past; the first pane of all time
    /// starts at its minimum.
    [[nodiscard]] time_point start_of(time_point t) const noexcept {
        std::int64_t rest = t.ns % length_.ns;
        if (rest < 0) rest += length_.ns;
        return t - duration{rest};
    }
    /// The pane used last, if it covers `t`: two comparisons, no division.
    [[nodiscard]] pane* cached(time_point t) const noexcept {
        return last_ != nullptr && last_->start <= t && t < last_->end ? last_ : nullptr;
    }
    /// The pane that covers `t`, opened if need be.
    pane& covering(time_point t) {
        pane* const known = cached(t);
        return known != nullptr ? *known : at(start_of(t));
    }
    /// The pane that starts at `start`, a value of `start_of`; opened if need be.
    pane& at(time_point start) {
        if (last_ != nullptr && last_->start == start) return *last_;
        pane* const known = find(start);
        last_ = known != nullptr ? known : &open(start);
        return *last_;
    }
    [[nodiscard]] pane* find(time_point start) const noexcept {
        auto* const entry = index_.find(start.ns, index_.hash(start.ns));
        return entry == nullptr ? nullptr : entry->value;
    }

    /// The tables of all panes to come count there. To be called before the first is opened.
    void report_to(memory_budget& budget) noexcept { budget_ = &budget; }

    /// In order of start: `for (auto* p = oldest(); p && p->end <= t; p = next(*p))`.
    [[nodiscard]] pane* oldest() const noexcept { return order_.first(); }
    [[nodiscard]] pane* next(pane const& p) const noexcept { return order_.next(p); }

    /// The oldest pane that isn't due, whatever its end; null if there is none.
    [[nodiscard]] pane* pending() const noexcept { return pending_; }
    /// Marks the oldest pane that isn't due and ends at or before `watermark`; null when there is
    /// none left.
    pane* take_due(time_point watermark) noexcept {
        retired_.release(retired_a_turn);
        if (due_until_ < watermark) due_until_ = watermark;
        pane* const taken = pending_;
        if (taken == nullptr || watermark < taken->end) return nullptr;
        taken->due = true;
        if (undrained_ == nullptr) undrained_ = taken;
        pending_ = skip_due(order_.next(*taken));
        return taken;
    }
    /// The oldest pane that is due and not drained, or null.
    [[nodiscard]] pane* undrained() const noexcept { return undrained_; }
    void finish_drain(pane& p) noexcept {
        p.drained = true;
        if (undrained_ == &p) undrained_ = skip_drained(order_.next(p));
    }

    /// Ends a pane and all it holds.
    void release(pane& p) noexcept {
        if (last_ == &p) last_ = nullptr;
        if (undrained_ == &p) undrained_ = skip_drained(order_.next(p));
        if (pending_ == &p) pending_ = skip_due(order_.next(p));
        index_.erase(*index_.find(p.start.ns, index_.hash(p.start.ns)));
        order_.erase(p);
        --open_;
        recycle(p);
    }

    /// Should this batch's updates be deferred and prefetched (`pending_updates`)? Ask once a
    /// batch. Below 100 thousand keys deferring costs 3 to 15 %.
    [[nodiscard]] bool worth_deferring() const noexcept {
        return last_ != nullptr && last_->entries.bytes() >= defer_from_bytes;
    }

    /// Takes the entries out of open panes, the oldest first, until `last`, whose budget has no
    /// room, may grow; its own at the end. They stay open. Calls `gone(pane)` before each. Memory
    /// goes back piece by piece where turns are bounded, to the budget at once.
    template <class Gone>
    void make_room(pane& last, Gone&& gone) {
        drop_spares();
        auto const empty_out = [&](pane& p) {
            gone(p);
            retire(p);
        };
        for (pane* p = oldest(); p != nullptr && last.entries.refuses_new(); p = next(*p))
            if (p != &last) empty_out(*p);
        if (last.entries.refuses_new()) empty_out(last);
    }
    /// Gives back the room of panes that wait to be used again.
    void drop_spares() noexcept {
        while (!spare_.empty()) drop_spare();
    }
    void trim() noexcept {
        drop_spares();
        spare_.reset();
        while (retired_.release(~std::size_t{0} >> 1)) {
        }
    }
    /// What the panes and their index take. Walks over all panes.
    [[nodiscard]] std::size_t bytes() const noexcept {
        std::size_t sum = index_.bytes() + spare_.bytes() + retired_.bytes();
        for (pane* p = oldest(); p != nullptr; p = next(*p))
            sum += sizeof(pane) + p->entries.bytes();
        for (pane* p : spare_) sum += sizeof(pane) + p->entries.bytes();
        return sum;
    }

private:
    [[gnu::noinline]] pane& open(time_point start) {
        spare_.reserve(1);  // so that a new pane can't be lost on its way into the list
        if (spare_.empty()) {
            spare_.push_back(new pane);
            if constexpr (has_memory)
                if (budget_ != nullptr) spare_.back()->entries.report_to(*budget_);
        }
        pane& fresh = *spare_.back();
        index_.find_or_insert(start.ns, index_.hash(start.ns), [&fresh] { return &fresh; });
        spare_.pop_back();
        ++open_;
        fresh.start = start;
        fresh.end = end_of(start);
        fresh.records = 0;
        fresh.drain_cursor = 0;
        fresh.due = fresh.drained = fresh.end <= due_until_;
        order_.insert(fresh);
        if (!fresh.due && (pending_ == nullptr || start < pending_->start)) pending_ = &fresh;
        return fresh;
    }
    /// Saturates at the end of time. The first pane of all time may be shorter than the others.
    [[nodiscard]] time_point end_of(time_point start) const noexcept {
        std::int64_t const rest = start.ns % length_.ns;
        return rest == 0 ? start + length_ : start - duration{rest};
    }
    static pane* skip_due(pane* p) noexcept {
        while (p != nullptr && p->due) p = time_order<pane>::next(*p);
        return p;
    }
    static pane* skip_drained(pane* p) noexcept {
        while (p != nullptr && p->drained) p = time_order<pane>::next(*p);
        return p != nullptr && p->due ? p : nullptr;
    }

    /// Keeps a pane's room unless it is far more than the panes of late have needed: a single small
    /// pane between large ones gives nothing back. As many panes wait as were open of late.
    void recycle(pane& p) noexcept {
        fade(recent_entries_, p.entries.size());
        fade(recent_open_, open_ + 1);
        p.entries.clear();
        if (p.entries.capacity() / 8 > table::capacity_for(recent_entries_)) retire(p);
        while (spare_.size() >= recent_open_) drop_spare();
        try {
            spare_.push_back(&p);
        } catch (...) {  // no memory for the list: this pane goes at once
            delete &p;
        }
    }
    static void fade(std::size_t& peak, std::size_t now) noexcept {
        peak -= peak / 8;
        if (peak < now) peak = now;
    }
    static constexpr bool has_memory = requires(table t) { t.give_up(); };
    /// Where turns are bounded the memory goes back piece by piece.
    void retire(pane& p) noexcept {
        if constexpr (has_memory)
            if (detail::faults_of_thread == page_faults::small)
                return retired_.add(p.entries.give_up());
        p.entries.reset();
    }
    void drop_spare() noexcept {
        retire(*spare_.back());
        delete spare_.back();
        spare_.pop_back();
    }

    duration length_;
    pane* last_ = nullptr;
    pane* pending_ = nullptr;
    pane* undrained_ = nullptr;
    time_point due_until_ = time_point::min();
    std::size_t open_ = 0;
    std::size_t recent_entries_ = 0;  ///< of the largest pane released of late
    std::size_t recent_open_ = 0;     ///< the most panes open at a release of late
    time_order<pane> order_;
    keyed_table<std::int64_t, pane*, key_hash, false> index_;
    buffer<pane*> spare_;
    retired_memory retired_;
    memory_budget* budget_ = nullptr;
};

}  // namespace millrace
