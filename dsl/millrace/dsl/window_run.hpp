// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The window's part of a run (`loop_run.hpp`): the usual record, and what one without an entry
// needs.

#include <millrace/model/failure.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

/// A friend of the operator.
struct window_run {
    /// On time, of the pane of the last record, with an entry near its key's home; else undone.
    template <bool HasBounds, class Op, class R, class Ctx, class Emit>
    [[gnu::always_inline]] static inline void process(Op& op, R const& r, Ctx const& ctx,
                                                      Emit& emit) {
        auto& h = emit.hot();
        time_point t{};
        bool closed = false;
        if constexpr (HasBounds) {
            t = ctx.event_time;
            closed = h.end <= ctx.stamp;
        }
        if (closed || t < h.start || h.end <= t) [[unlikely]]
            return emit.frame->leave(r, ctx);
        auto key = op.key_of(r, emit);  // not const: g++ would keep it in memory
        auto input = op.body_.project(r);
        auto* const known = h.pane->entries.find_near(key, h.pane->entries.hash(key));
        if (known == nullptr) [[unlikely]]
            return emit.frame->leave_update(key, input);
        op.body_.add_in_place(known->value, input);
        op.reopen(*known);
        ++h.added;
    }
    /// What was left for want of an entry.
    template <class Op, class Pane, class Undone, class Emit>
    [[gnu::noinline]] static void complete_update(Op& op, Pane& p, Undone& rest, Emit emit) {
        using state_type = typename Pane::table::mapped_type;
        try {
            // A new value is stored together with its first input: read back at once, from a line
            // that is not in the cache, it would wait for that line.
            auto const found = p.entries.find_or_insert(rest.key, p.entries.hash(rest.key), [&] {
                state_type fresh{};
                op.body_.add(fresh, rest.input);
                return fresh;
            });
            if (found.inserted) return;
            op.body_.add_in_place(found.entry.value, rest.input);
            op.reopen(found.entry);
        } catch (failure const&) {  // the state may not grow: that ends the run
            emit.count_dead();
            throw;
        }
    }
};

}  // namespace millrace::detail
