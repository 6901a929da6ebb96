// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `split(when<"cancelled">(predicate, part), …, otherwise(part))`: every record goes one way.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/dsl/filter.hpp>
#include <millrace/dsl/tee.hpp>

namespace millrace {

template <fixed_string Name, class F, class Part>
struct when_case {
    static constexpr auto name = Name;
    using part_type = Part;
    using function_type = F;
    F predicate;
    Part part;
};

namespace detail {
struct always {
    template <class T>
    constexpr bool operator()(T const&) const noexcept {
        return true;
    }
};
template <class C>
inline constexpr bool is_otherwise = std::is_same_v<typename C::function_type, always>;

template <bool GoesOn, class... F>
struct split_operator {
    static constexpr std::size_t size = sizeof...(F);
    flat_tuple<F...> predicates;
    std::uint64_t taken[size]{};
    std::uint64_t unmatched = 0;

    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        std::size_t way = size;
        try {
            way = first_match(static_cast<std::remove_cvref_t<R> const&>(record),
                              std::index_sequence_for<F...>{});
        } catch (...) {
            emit.fail(record, ctx);
            return;
        }
        hand_on<0>(way, static_cast<R&&>(record), ctx, emit);
    }
    template <class R, std::size_t... I>
    [[gnu::always_inline]] inline std::size_t first_match(R const& record,
                                                          std::index_sequence<I...>) {
        std::size_t way = size;
        (void)((predicates.template at<I>()(record) && ((way = I), true)) || ...);
        return way;
    }
    template <std::size_t K, class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void hand_on(std::size_t way, R&& record, Ctx const& ctx,
                                               Emit& emit) {
        if constexpr (K == size) {
            ++unmatched;
            if constexpr (GoesOn) emit(static_cast<R&&>(record), ctx);
        } else {
            if (way == K) {
                ++taken[K];
                emit.template to<K>(static_cast<R&&>(record), ctx);
            } else {
                hand_on<K + 1>(way, static_cast<R&&>(record), ctx, emit);
            }
        }
    }
};
}  // namespace detail

template <class... Case>
struct split_stage : stage_base {
    static constexpr std::string_view word = "split";
    static constexpr auto name = fixed_string{""};
    static constexpr stage_kind kind = stage_kind::fork;
    static constexpr std::size_t branch_count = sizeof...(Case);
    static constexpr bool takes_all = (detail::is_otherwise<Case> || ...);
    using branches_type = flat_tuple<typename Case::part_type...>;
    flat_tuple<typename Case::function_type...> predicates;
    branches_type branches;

    template <std::size_t K, class In>
    using branch_stream = In;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        if constexpr (!(detail::gives_bool<typename Case::function_type, typename In::record>
                        && ...)) {
            static_assert(
                !Aloud,
                "millrace: split: a predicate can't be called with the record of this stream, or does not "
                "return bool. Take the record by const reference and return bool.");
            return refused<split_stage, In>{};
        } else if constexpr ((is_rejected<detail::part_stream<typename Case::part_type, In>>
                              || ...)) {
            return typename detail::first_refusal<
                detail::part_stream<typename Case::part_type, In>...>{};
        } else if constexpr (!(detail::part_ends<typename Case::part_type, In> && ...)) {
            static_assert(
                !Aloud,
                "millrace: split: a part does not end in a sink. End it with | to(…); to join parts again "
                "write merge(filter(…) | …, filter(…) | …).");
            return refused<split_stage, In>{};
        } else {
            return accepted<In>{};
        }
    }
    template <class In, bool GoesOn, class Env>
    constexpr auto open_fork(Env&) {
        using split_type = detail::split_operator<GoesOn, typename Case::function_type...>;
        if constexpr (requires { requires Env::parallel; })
            return split_type{predicates};  // each of the loops side by side has its own
        else
            return split_type{std::move(predicates)};
    }
};

/// One way of a `split`: records for which `predicate` is true, and no case before it took, go into
/// `part`.
template <fixed_string Name = "", class F, class Part>
[[nodiscard]] constexpr auto when(F predicate, Part&& part) {
    auto sink = detail::as_sink_part(static_cast<Part&&>(part));
    return when_case<Name, detail::function_of<F>, decltype(sink)>{
        detail::as_function(std::move(predicate)), std::move(sink)};
}
/// The last way: takes all that is left.
template <class Part>
[[nodiscard]] constexpr auto otherwise(Part&& part) {
    return when<"">(detail::always{}, static_cast<Part&&>(part));
}

/// Sends each record one way: into the first case whose predicate is true. What no case takes goes
/// on behind the split; where nothing follows it is counted as filtered. Move-only records work.
/// Each part ends in a sink.
template <class... Case>
[[nodiscard]] constexpr auto split(Case... cases) {
    return split_stage<Case...>{
        {}, {{{std::move(cases.predicate)}...}}, {{{std::move(cases.part)}...}}};
}

}  // namespace millrace
