// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `filter<"name">(predicate)`: keeps the records for which the predicate is true.

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/call.hpp>

namespace millrace {

namespace detail {
template <class F>
struct filter_operator {
    [[no_unique_address]] F predicate;
    struct hot {
        batch_count filtered;
    };

    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        using record_type = std::remove_cvref_t<R>;
        bool keep = false;
        if constexpr (never_throws<F, record_type const&>) {
            keep = static_cast<bool>(predicate(static_cast<record_type const&>(record)));
        } else {
            try {
                keep = static_cast<bool>(predicate(static_cast<record_type const&>(record)));
            } catch (...) {
                emit.fail(record, ctx);
                return;
            }
        }
        // Counted in a leaf of the branches, not before or inside them: only so does g++ turn a
        // chain of filters into masks.
        if (keep)
            emit(static_cast<R&&>(record), ctx);
        else
            emit.tally(emit.hot().filtered);
    }
    static void count(hot const& h, stage_counts& counts) { counts.filtered += h.filtered.total; }
};
template <class F, class T>
concept gives_bool = requires(F& f, T const& t) {
    { f(t) } -> std::convertible_to<bool>;
};
}  // namespace detail

template <fixed_string Name, class F>
struct filter_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::filter;
    static constexpr std::string_view word = "filter";
    static constexpr auto name = Name;
    F predicate;

    constexpr explicit filter_stage(F f) : predicate(std::move(f)) {}

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!detail::takes_const<F, record> && detail::takes_mutable<F, record>) {
            static_assert(
                !Aloud,
                "millrace: filter: the predicate wants to change the record, and records are const. "
                "Take it by const reference; to change records write map(…).");
            return refused<filter_stage, In>{};
        } else if constexpr (!detail::takes_const<F, record>) {
            static_assert(
                !Aloud,
                "millrace: filter: the predicate can't be called with the record of this stream. Let it "
                "take what the stage before emits by const reference.");
            return refused<filter_stage, In>{};
        } else if constexpr (!detail::gives_bool<F, record>) {
            static_assert(
                !Aloud,
                "millrace: filter: the predicate does not return bool. Return true for what is to pass.");
            return refused<filter_stage, In>{};
        } else {
            return accepted<In>{};
        }
    }

    template <class In, class Env>
    constexpr auto open(Env&) {
        return detail::filter_operator<F>{std::move(predicate)};
    }
};

/// Hands on the records for which `predicate(record)` is true and counts the others as filtered.
/// Shape 0-1; keeps order, key and time; holds nothing.
template <fixed_string Name = "", class F>
[[nodiscard]] constexpr auto filter(F predicate) {
    return filter_stage<Name, detail::function_of<F>>{detail::as_function(std::move(predicate))};
}

}  // namespace millrace
