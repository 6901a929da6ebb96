// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What `reduce` and `aggregate` are behind `key_by` without a window: a result per record, from
// state per key.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/row.hpp>
#include <millrace/state/keyed_table.hpp>
#include <millrace/state/memory_budget.hpp>

namespace millrace::detail {

/// The traits of a stream behind a stage with state.
template <class In>
inline constexpr stream_traits behind_state = {In::traits.timed, true, In::traits.exchanged, false,
                                               In::traits.inputs};

/// State is committed by a move that can't fail (LANGUAGE, 6).
template <class S>
inline constexpr bool moves_safely =
    std::is_nothrow_move_constructible_v<S> && std::is_nothrow_move_assignable_v<S>;

/// Applies one update so that an exception leaves the state as it was.
template <class Body, class S, class Input>
[[gnu::always_inline]] inline void add_strongly(Body& body, S& state, Input const& input) {
    if constexpr (Body::may_throw && std::is_copy_constructible_v<S>) {
        S next = state;
        body.add(next, input);
        state = std::move(next);
    } else {
        body.add(state, input);
    }
}

template <class Body, class In>
struct rolling_operator {
    using record_type = typename In::record;
    using key_row = typename In::key::type;
    using state_type = typename Body::template state<record_type>;

    [[no_unique_address]] Body body;
    keyed_table<key_row, state_type> entries{};

    state_policy when_full = state_policy::stop;
    std::uint64_t searches = 0;  // for an entry to evict
    std::uint64_t evicted = 0;

    template <class Budget>
    void report_to(Budget& budget) {
        entries.report_to(budget);
        when_full = budget.policy();
    }
    template <class Hot>
    void count(Hot const&, stage_counts& c) const {
        c.evicted += evicted;
    }

    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        state_type* state = nullptr;
        key_row const* key = nullptr;
        bool reads_key = true;
        try {
            key_row k = emit.key()(static_cast<record_type const&>(record));
            reads_key = false;
            auto const& input = body.project(static_cast<record_type const&>(record));
            std::uint64_t const hash = entries.hash(k);
            if (when_full != state_policy::stop && entries.refuses_new()
                && entries.find(k, hash) == nullptr) [[unlikely]] {
                if (when_full == state_policy::shed_new_keys) {
                    emit.shed(record, ctx);
                    return;
                }
                evicted += entries.evict(searches);
            }
            if constexpr (Body::may_throw) {
                // The user's function runs into a temporary: a new key is inserted only once it has
                // its first value.
                auto* const known = entries.find(k, hash);
                state_type next = known != nullptr ? known->value : state_type{};
                body.add(next, input);
                auto const found = entries.find_or_insert(std::move(k), hash);
                found.entry.value = std::move(next);
                state = &found.entry.value;
                key = &found.entry.key;
                if (when_full == state_policy::evict_oldest) found.entry.set_flag(true);
            } else {
                auto const found = entries.find_or_insert(std::move(k), hash);
                body.add_in_place(found.entry.value, input);
                state = &found.entry.value;
                key = &found.entry.key;
                if (when_full == state_policy::evict_oldest) found.entry.set_flag(true);
            }
        } catch (failure const&) {
            emit.count_dead();  // the table may not grow: that ends the run, whatever on_error says
            throw;
        } catch (...) {
            if (reads_key)
                emit.fail_key(record, ctx);
            else
                emit.fail(record, ctx);
            return;
        }
        emit(body.template make<record_type>(*key, *state), ctx);
    }
};

}  // namespace millrace::detail
