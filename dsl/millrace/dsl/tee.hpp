// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `tee(a, b, …)`: every part gets every record; the stream goes on behind it, or ends there.

#include <cstddef>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/dsl/to.hpp>

namespace millrace {

namespace detail {
template <class In>
inline constexpr bool can_copy = std::is_copy_constructible_v<typename In::record>;

/// Hands one record to every branch: to all but the last as const, so that nobody sees another's
/// change. When a branch ends the run, the ones that did not get the record are counted.
template <std::size_t Count, bool GoesOn>
struct fork_operator {
    std::uint64_t missed[Count + 1]{};

    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        deliver<0>(static_cast<R&&>(record), ctx, emit);
    }
    template <std::size_t K, class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void deliver(R&& record, Ctx const& ctx, Emit& emit) {
        using record_type = std::remove_cvref_t<R>;
        if constexpr (K == Count) {
            if constexpr (GoesOn) emit(static_cast<R&&>(record), ctx);
        } else if constexpr (K + 1 == Count && !GoesOn) {
            emit.template to<K>(static_cast<R&&>(record), ctx);
        } else {
            try {
                emit.template to<K>(static_cast<record_type const&>(record), ctx);
            } catch (...) {
                for (std::size_t k = K + 1; k <= Count; ++k) ++missed[k];
                throw;
            }
            deliver<K + 1>(static_cast<R&&>(record), ctx, emit);
        }
    }
};
}  // namespace detail

template <class... Part>
struct tee_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::fork;
    static constexpr std::string_view word = "tee";
    static constexpr auto name = fixed_string{""};
    static constexpr std::size_t branch_count = sizeof...(Part);
    using branches_type = flat_tuple<Part...>;
    branches_type branches;

    template <std::size_t K, class In>
    using branch_stream = In;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        if constexpr (!detail::can_copy<In>) {
            static_assert(
                !Aloud,
                "millrace: tee: the record can only be moved, so it can't go to several parts. Use "
                "split(…), or map to a record that can be copied.");
            return refused<tee_stage, In>{};
        } else if constexpr ((is_rejected<detail::part_stream<Part, In>> || ...)) {
            return typename detail::first_refusal<detail::part_stream<Part, In>...>{};
        } else if constexpr (!(detail::part_ends<Part, In> && ...)) {
            static_assert(
                !Aloud,
                "millrace: tee: a part does not end in a sink. End it with | to(…); to join parts again "
                "write merge(part, part).");
            return refused<tee_stage, In>{};
        } else {
            return accepted<In>{};
        }
    }
    template <class In, bool GoesOn, class Env>
    constexpr auto open_fork(Env&) {
        return detail::fork_operator<sizeof...(Part), GoesOn>{};
    }
};

/// Sends every record into each part, and on to what follows, if anything does. Each part ends in a
/// sink. The source is read once. Parts run in the order of writing, record by record.
template <class... Part>
[[nodiscard]] constexpr auto tee(Part&&... parts) {
    return tee_stage<decltype(detail::as_sink_part(static_cast<Part&&>(parts)))...>{
        {}, {{{detail::as_sink_part(static_cast<Part&&>(parts))}...}}};
}

}  // namespace millrace
