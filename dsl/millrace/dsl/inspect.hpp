// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `inspect<"name">(f)`: looks at every record and hands it on as it is.

#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/call.hpp>

namespace millrace {

namespace detail {
template <class F>
struct inspect_operator {
    [[no_unique_address]] F function;

    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        using record_type = std::remove_cvref_t<R>;
        if constexpr (never_throws<F, record_type const&>) {
            function(static_cast<record_type const&>(record));
        } else {
            try {
                function(static_cast<record_type const&>(record));
            } catch (...) {
                emit.fail(record, ctx);
                return;
            }
        }
        emit(static_cast<R&&>(record), ctx);
    }
};
}  // namespace detail

template <fixed_string Name, class F>
struct inspect_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::one_to_one;
    static constexpr std::string_view word = "inspect";
    static constexpr auto name = Name;
    F function;

    constexpr explicit inspect_stage(F f) : function(std::move(f)) {}

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!detail::takes_const<F, record> && detail::takes_mutable<F, record>) {
            static_assert(
                !Aloud,
                "millrace: inspect: the function wants to change the record, and records are const. "
                "Take it by const reference; to change records write map(…).");
            return refused<inspect_stage, In>{};
        } else if constexpr (!detail::takes_const<F, record>) {
            static_assert(
                !Aloud,
                "millrace: inspect: the function can't be called with the record of this stream. Let it "
                "take what the stage before emits by const reference.");
            return refused<inspect_stage, In>{};
        } else {
            return accepted<In>{};
        }
    }

    template <class In, class Env>
    constexpr auto open(Env&) {
        return detail::inspect_operator<F>{std::move(function)};
    }
};

/// Calls `f(record)` for each record and hands the record on. Shape 1-1; holds nothing.
template <fixed_string Name = "", class F>
[[nodiscard]] constexpr auto inspect(F f) {
    return inspect_stage<Name, detail::function_of<F>>{detail::as_function(std::move(f))};
}

}  // namespace millrace
