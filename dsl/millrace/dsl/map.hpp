// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `map<"name">(f)`: one record in, one record out.

#include <new>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/call.hpp>

namespace millrace {

namespace detail {
template <class F, class Out>
struct map_operator {
    [[no_unique_address]] F function;

    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        if constexpr (never_throws<F, R>) {
            emit(call(function, static_cast<R&&>(record)), ctx);
        } else {
            later<Out> made;
            try {
                ::new (static_cast<void*>(&made.value))
                    Out(call_for<Emit>(function, static_cast<R&&>(record)));
            } catch (...) {
                emit.fail(record, ctx);
                return;
            }
            ends_life<Out> const end{made.value};
            emit(std::move(made.value), ctx);
        }
    }
};
}  // namespace detail

template <fixed_string Name, class F>
struct map_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::one_to_one;
    static constexpr std::string_view word = "map";
    static constexpr auto name = Name;
    F function;

    constexpr explicit map_stage(F f) : function(std::move(f)) {}

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!detail::takes_record<F, record> && detail::takes_mutable<F, record>) {
            static_assert(
                !Aloud,
                "millrace: map: the function wants to change the record in place, and records are const. "
                "Take the record by value, change that, and return it.");
            return refused<map_stage, In>{};
        } else if constexpr (!detail::takes_record<F, record>) {
            static_assert(
                !Aloud,
                "millrace: map: the function can't be called with the record of this stream. Let it take "
                "what the stage before emits, by value or by const reference.");
            return refused<map_stage, In>{};
        } else if constexpr (std::is_void_v<detail::raw_result<F, record>>) {
            static_assert(
                !Aloud,
                "millrace: map: the function returns nothing. Return the new record, or write inspect(…).");
            return refused<map_stage, In>{};
        } else if constexpr (!std::is_move_constructible_v<detail::result_record<F, record>>) {
            static_assert(
                !Aloud,
                "millrace: map: the record it returns can't be moved. Give it a move constructor.");
            return refused<map_stage, In>{};
        } else {
            return accepted<stream<detail::result_record<F, record>, no_key, In::traits>>{};
        }
    }

    template <class In, class Env>
    constexpr auto open(Env&) {
        return detail::map_operator<F, detail::result_record<F, typename In::record>>{
            std::move(function)};
    }
};

/// Emits `f(record)` for each record. Shape 1-1; keeps order and time, drops the key; holds
/// nothing. An exception of `f` goes by `on_error`. `f` may be a lambda, a function object, a
/// `field<…>` or a member pointer.
template <fixed_string Name = "", class F>
[[nodiscard]] constexpr auto map(F f) {
    return map_stage<Name, detail::function_of<F>>{detail::as_function(std::move(f))};
}

}  // namespace millrace
