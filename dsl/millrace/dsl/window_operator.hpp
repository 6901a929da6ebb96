// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator behind `window`: finds the pane, decides what is late, folds, and drains what is due
// in pieces.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <millrace/dsl/rolling.hpp>
#include <millrace/dsl/undone_record.hpp>
#include <millrace/dsl/waiting_updates.hpp>
#include <millrace/dsl/window_run.hpp>
#include <millrace/dsl/window_types.hpp>
#include <millrace/model/context.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/row.hpp>
#include <millrace/state/memory.hpp>
#include <millrace/state/memory_budget.hpp>
#include <millrace/state/pane_store.hpp>

namespace millrace::detail {

/// Decided per record, so the same for any batch (SEMANTICS 1, LANGUAGE 7): a record is late when
/// its stamp has passed the end of its pane and the lateness; a pane is due for a record when its
/// stamp has passed the end.
template <class Body, class In, class Prefix, bool HasBounds, bool HasLateness, bool HasLatePart>
class window_operator {
    friend window_run;
    using record_type = typename In::record;
    using key_row = typename key_or_none<In>::type;
    using state_type = typename Body::template state<record_type>;
    using input_type = typename Body::template input<record_type>;
    // A flag an entry («emitted») only where updates may follow a row.
    using store_type = pane_store<key_row, state_type, key_hash, HasLateness>;
    using pane_type = typename store_type::pane;
    // Only what can't fail any more may wait, and only what owns its bytes.
    static constexpr bool may_defer = In::keyed && !Body::may_throw
                                      && std::is_nothrow_move_constructible_v<input_type>
                                      && std::is_nothrow_move_constructible_v<key_row>;
    using waiting = waiting_updates<may_defer, store_type, input_type>;
    static consteval bool key_never_throws() {
        if constexpr (In::keyed)
            return In::key::functions::template never_throws_for<record_type>;
        else
            return true;
    }
    struct applies {
        window_operator* self;
        template <class Pane, class Slot>
        [[gnu::always_inline]] inline void operator()(Pane&, Slot& entry, bool,
                                                      input_type const& input) const {
            self->body_.add_in_place(entry.value, input);
            reopen(entry);
        }
    };

public:
    window_operator(Body body, duration length, duration lateness)
        : body_(std::move(body)), lateness_(lateness), panes_(length) {}
    /// The state's share of memory: it is asked before a table grows.
    template <class Budget>
    void report_to(Budget& budget) {
        panes_.report_to(budget);
        when_full_ = budget.policy();
    }

    /// The pane of the last record, with its bounds and what a batch has added to it, in registers.
    struct hot {
        std::uint64_t late = 0;
        pane_type* pane = nullptr;
        time_point start = time_point::max();
        time_point end = time_point::min();
        std::uint64_t added = 0;
    };

    /// May it end runs (`loop_run.hpp`)? What they leave undone is kept as bytes.
    static constexpr bool takes_runs =
        Body::template projection_never_throws<record_type> && key_never_throws()
        && !Body::may_throw && std::is_trivially_copyable_v<record_type>
        && std::is_trivially_copyable_v<key_row> && std::is_trivially_copyable_v<input_type>;
    template <class Ctx>
    using undone = undone_record<record_type, Ctx, key_row, input_type>;

    [[nodiscard]] bool runs() {  // each new key of a state that sheds or evicts needs a look first
        return !deferring_ && when_full_ == state_policy::stop && pacing_.runs();
    }
    run_pacing& pacing() { return pacing_; }

    template <class R, class Ctx, class Emit>
        requires requires(Emit& e) { e.frame->undone; }
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit& emit) {
        window_run::process<HasBounds>(*this, record, ctx, emit);
    }
    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        record_type const& r = record;
        time_point t{};
        if constexpr (HasBounds) {
            t = ctx.event_time;
            time_point closed = ctx.stamp;
            if constexpr (HasLateness) closed = before(ctx.stamp);
            // Most records are younger than what is closed; for the others the end of their pane
            // decides.
            if (t < closed && ends_by(end_of(panes_.start_of(t)), closed)) [[unlikely]] {
                ++emit.hot().late;
                if constexpr (HasLatePart) emit.template to<0>(static_cast<R&&>(record), ctx);
                return;
            }
        }
        if constexpr (Body::template projection_never_throws<record_type> && key_never_throws()
                      && !Body::may_throw) {
            try {
                add(key_of(r, emit), r, t, ctx, emit);
            } catch (failure const&) {  // the state may not grow: that ends the run
                emit.count_dead();
                throw;
            }
        } else {
            bool reads_key = In::keyed;
            try {
                key_row key = key_of(r, emit);
                reads_key = false;
                add(std::move(key), r, t, ctx, emit);
            } catch (failure const&) {
                emit.count_dead();
                throw;
            } catch (...) {
                if (reads_key)
                    fail_key(r, ctx, emit);
                else
                    emit.fail(r, ctx);
            }
        }
    }

    template <class Emit>
    void flush(Emit&& emit) {
        leave_pane(emit.hot());
        if constexpr (may_defer) {
            apply_pending();
            // What waits could not be refused any more.
            deferring_ = when_full_ == state_policy::stop && panes_.worth_deferring();
        }
    }
    void advance(time_point low) {
        low_ = low;
        while (pane_type* const due = panes_.take_due(low)) settle(*due);
    }
    /// Emits at most `n` rows of what is due; true while there is more.
    template <class Emit>
    bool drain(std::size_t n, Emit&& emit) {
        while (pane_type* const p = panes_.undrained()) {
            if (n == 0) return true;
            if (draining_ != p || growths_ != p->entries.growths()) {
                draining_ = p;
                growths_ = p->entries.growths();
                p->drain_cursor = 0;
            }
            std::size_t emitted = 0;
            p->drain_cursor = p->entries.scan(
                p->drain_cursor, n, [&](key_row const& key, state_type& state, bool& flag) {
                    if (flag) return;
                    flag = true;
                    ++emitted;
                    emit_row(key, state, *p, emit);
                });
            n -= emitted < n ? emitted : n;
            if (p->drain_cursor != p->entries.capacity()) return true;  // no long turn
            finish(*p);
        }
        release_closed();
        return false;
    }
    /// What this stage promises downstream: rows of a pane and its updates come until its end and
    /// the lateness have passed, so its watermark stays that far behind.
    [[nodiscard]] time_point mark() const {
        return low_ == time_point::max() ? low_ : before(low_);
    }

    void count(hot const& h, stage_counts& c) const {
        c.late += h.late;
        c.passed += folded_;
        c.out += rows_;
        c.dropped += dropped_;
        c.evicted += evicted_;
        c.held += h.added;
        for (pane_type* p = panes_.oldest(); p != nullptr; p = panes_.next(*p))
            c.held += p->records;
    }
    [[nodiscard]] std::size_t state_bytes() const { return panes_.bytes(); }
    [[nodiscard]] std::size_t open_panes() const { return panes_.size(); }

private:
    /// No watermark but the end of the input reaches the end of time: what ends there stays open.
    [[nodiscard]] static bool ends_by(time_point end, time_point mark) {
        return end <= mark && end != time_point::max();
    }
    [[nodiscard]] time_point before(time_point t) const {
        return t == time_point::min() ? t : t - lateness_;
    }
    [[nodiscard]] time_point end_of(time_point start) const {
        std::int64_t const rest = start.ns % panes_.length().ns;
        return rest == 0 ? start + panes_.length() : start - duration{rest};
    }
    template <class Emit>
    [[gnu::always_inline]] inline key_row key_of(record_type const& r, Emit& emit) {
        if constexpr (In::keyed)
            return emit.key()(r);
        else
            return {};
    }

    template <class Ctx, class Emit>
    static void fail_key(record_type const& r, Ctx const& ctx, Emit& emit) {
        if constexpr (In::keyed) emit.fail_key(r, ctx);
    }
    template <class Ctx, class Emit>
    [[gnu::always_inline]] inline void add(key_row key, record_type const& r, time_point t,
                                           Ctx const& ctx, Emit& emit) {
        input_type input = body_.project(r);
        auto& h = emit.hot();
        if (t < h.start || h.end <= t) [[unlikely]]
            change_pane(h, t);
        pane_type& p = *h.pane;
        std::uint64_t const hash = p.entries.hash(key);
        if constexpr (requires { p.entries.refuses_new(); }) {
            if (when_full_ != state_policy::stop && p.entries.refuses_new()) [[unlikely]] {
                hot now = h;  // a copy: what goes into a call by address lies in memory
                bool const room = make_room(p, key, hash, now);
                h = now;
                if (!room) return emit.shed(r, ctx);
            }
        }
        if constexpr (HasLateness) {
            if (ends_by(p.end, ctx.stamp)) [[unlikely]] {
                add_to_due(p, std::move(key), hash, input, ctx, emit);
                return;
            }
        }
        if constexpr (may_defer) {
            if (deferring_) {
                if constexpr (waiting::logs) {
                    if (!bounded_ && many_.push(p, hash, key, input, applies{this})) {
                        ++h.added;
                        return;
                    }
                }
                wait(p, hash, std::move(key), std::move(input));
                ++h.added;
                return;
            }
        }
        if constexpr (Body::may_throw) {
            // The user's function runs into a temporary, so a new key is inserted only with its
            // first value.
            auto* const known = p.entries.find(key, hash);
            state_type next = known != nullptr ? known->value : state_type{};
            body_.add(next, input);
            auto const found = p.entries.find_or_insert(std::move(key), hash);
            found.entry.value = std::move(next);
            reopen(found.entry);
        } else {
            auto const found = p.entries.find_or_insert(std::move(key), hash);
            body_.add_in_place(found.entry.value, input);
            reopen(found.entry);
        }
        ++h.added;
    }
    /// A function of its own: in the loop it would take registers from updates at once.
    [[gnu::noinline]] void wait(pane_type& p, std::uint64_t hash, key_row key, input_type input) {
        if (pending_.full()) [[unlikely]]
            apply_pending();
        pending_.push(p, hash, std::move(key), std::move(input));
    }
    void leave_pane(hot& h) {
        if (h.pane != nullptr) h.pane->records += h.added;
        h.pane = nullptr;
        h.start = time_point::max();
        h.end = time_point::min();
        h.added = 0;
    }
    [[gnu::always_inline]] inline void change_pane(hot& h, time_point t) {
        leave_pane(h);
        pane_type& p = panes_.covering(t);
        h.pane = &p;
        h.start = p.start;
        h.end = p.end;
    }
    /// With several inputs, or rows of a stage above that lag behind its records, an on-time record
    /// may meet an entry whose row a late one has drawn out: it is due again.
    template <class Slot>
    [[gnu::always_inline]] inline static void reopen(Slot& entry) {
        if constexpr (HasLateness && (In::traits.inputs > 1 || In::traits.held))
            entry.set_flag(false);
    }

    /// An allowed late record: first the rows of this key that are due, as they stood, in order of
    /// their panes (also of later ones: with a smaller batch they were out before), then the
    /// updated one.
    template <class Ctx, class Emit>
    [[gnu::noinline]] void add_to_due(pane_type& p, key_row key, std::uint64_t hash,
                                      input_type const& input, Ctx const& ctx, Emit& emit) {
        if constexpr (may_defer) apply_pending();
        settle(p);
        auto* const known = p.entries.find(key, hash);
        state_type next = known != nullptr ? copy(known->value) : state_type{};
        body_.add(next, input);
        auto const found = p.entries.find_or_insert(std::move(key), hash);
        if (found.inserted) found.entry.set_flag(true);
        // Nothing of ours can fail from here on, so the record counts as taken.
        if (p.drained)
            ++folded_;
        else
            ++p.records;
        pane_type* first = panes_.undrained();
        if (first == nullptr) first = panes_.pending();
        for (pane_type* q = first; q != nullptr && ends_by(q->end, ctx.stamp);
             q = panes_.next(*q)) {
            settle(*q);
            auto* const entry = q->entries.find(found.entry.key, hash);
            if (entry != nullptr && !entry->flag()) {
                entry->set_flag(true);
                emit_row(entry->key, entry->value, *q, emit);
            }
        }
        found.entry.value = std::move(next);
        found.entry.set_flag(true);
        emit_row(found.entry.key, found.entry.value, p, emit);
    }
    static state_type copy(state_type const& s) { return s; }

    /// For a key of pane `p`, whose table may not grow: false where its record is to be shed.
    [[gnu::noinline, gnu::cold]] bool make_room(pane_type& p, key_row const& key,
                                                std::uint64_t hash, hot& h) {
        bool const known = p.entries.find(key, hash) != nullptr;
        if (known || when_full_ == state_policy::shed_new_keys) return known;
        p.records += std::exchange(h.added, 0);
        panes_.make_room(p, [this](pane_type& q) {
            evicted_ += q.entries.size();
            dropped_ += std::exchange(q.records, 0);
        });
        return true;
    }

    template <class Emit>
    [[gnu::always_inline]] inline void emit_row(key_row const& key, state_type const& state,
                                                pane_type const& p, Emit& emit) {
        ++rows_;
        typename std::remove_cvref_t<Emit>::template row_context<HasBounds> ctx{};
        if constexpr (HasBounds) {
            ctx.event_time = p.end - duration{1};
            ctx.stamp = emit.mark();
        }
        emit(body_.template make<record_type>(Prefix::make(key, p.start, p.end), state), ctx);
    }
    void finish(pane_type& p) {
        folded_ += p.records;
        p.records = 0;
        panes_.finish_drain(p);
        draining_ = nullptr;
    }
    void release_closed() {
        while (pane_type* const p = panes_.oldest()) {
            if (!p->drained || (low_ != time_point::max() && p->end + lateness_ > low_)) return;
            panes_.release(*p);
        }
    }
    void apply_pending() { pending_.flush(applies{this}); }
    /// Brings a pane up to date, so that its entries may be looked at.
    void settle([[maybe_unused]] pane_type& p) {
        if constexpr (waiting::logs) many_.settle(p, applies{this});
    }

    [[no_unique_address]] Body body_;
    duration lateness_;
    time_point low_ = time_point::min();
    bool deferring_ = false;
    // Logs are applied in one go: too long for a turn.
    bool const bounded_ = faults_of_thread == page_faults::small;
    run_pacing pacing_;
    std::uint64_t folded_ = 0;
    std::uint64_t rows_ = 0;
    state_policy when_full_ = state_policy::stop;
    std::uint64_t dropped_ = 0;  // records in entries that gave way
    std::uint64_t evicted_ = 0;
    pane_type* draining_ = nullptr;
    std::size_t growths_ = 0;
    store_type panes_;
    [[no_unique_address]] typename waiting::few pending_;  // prefetched a batch at a time
    [[no_unique_address]]
    typename waiting::many many_;  // sorted by where they go, for panes beyond the cache
};

}  // namespace millrace::detail
