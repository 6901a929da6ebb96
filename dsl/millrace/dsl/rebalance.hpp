// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `rebalance()`, `broadcast()`: exchanges without a key.

#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/dsl/cuts.hpp>
#include <millrace/model/owning.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {

namespace detail {

struct exchange_operator {
    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        emit(static_cast<R&&>(record), ctx);
    }
};

}  // namespace detail

template <detail::cut_kind Kind>
struct exchange_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::one_to_one;
    static constexpr detail::cut_kind exchange = Kind;
    static constexpr std::string_view word =
        Kind == detail::cut_kind::in_turn ? "rebalance" : "broadcast";
    static constexpr auto name = fixed_string{""};

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!owning<record>) {
            static_assert(
                !Aloud || detail::owned<typename detail::view_in<record>::type>,
                "millrace: rebalance, broadcast: a record that views its input buffer would cross an exchange "
                "and outlive it. Describe the field as text<16> or std::string, or map to a record that owns.");
            return refused<exchange_stage, In>{};
        } else if constexpr (Kind == detail::cut_kind::to_all
                             && !std::is_copy_constructible_v<record>) {
            static_assert(
                !Aloud,
                "millrace: broadcast: the record can only be moved, so it can't go to several partitions. Map to "
                "a record that can be copied.");
            return refused<exchange_stage, In>{};
        } else {
            constexpr stream_traits b = In::traits;
            constexpr stream_traits after{b.timed, b.held, true, b.ended, b.inputs};
            return accepted<stream<record, no_key, after>>{};
        }
    }
    template <class In, class Env>
    constexpr auto open(Env&) const {
        return detail::exchange_operator{};
    }
};

/// Spreads records over the partitions in turn: for work that needs no key behind a source that is
/// read by one of them. An exchange; order is lost. Nothing where there is one partition.
[[nodiscard]] constexpr exchange_stage<detail::cut_kind::in_turn> rebalance() { return {}; }

/// Sends a copy of each record to every partition that runs what follows: for what each of them has
/// to know. An exchange. Counts behind it depend on how many partitions there are.
[[nodiscard]] constexpr exchange_stage<detail::cut_kind::to_all> broadcast() { return {}; }

}  // namespace millrace
