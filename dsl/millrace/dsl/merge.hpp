// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `merge(p, q)`: of pipelines a source, of parts a stage that forks one stream and joins it again.

#include <cstddef>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/dsl/tee.hpp>

namespace millrace {

namespace detail {

/// The node where streams come together: hands on what comes.
struct join_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::merge;
    static constexpr std::string_view word = "merge";
    static constexpr auto name = fixed_string{""};
    struct join_operator {
        template <class R, class Ctx, class Emit>
        [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
            emit(static_cast<R&&>(record), ctx);
        }
    };
    template <class In, class Env>
    constexpr auto open(Env&) {
        return join_operator{};
    }
};

template <class First, class... Rest>
struct merged {
    using record = typename First::record;
    static constexpr bool same =
        (std::is_same_v<typename First::record, typename Rest::record> && ...);
    static constexpr bool timed = (First::traits.timed && ... && Rest::traits.timed);
    static constexpr stream_traits traits{
        timed, (First::traits.held || ... || Rest::traits.held),
        (First::traits.exchanged || ... || Rest::traits.exchanged), false,
        (First::traits.inputs + ... + Rest::traits.inputs)};
};
}  // namespace detail

/// A source made of several pipelines.
template <class... P>
struct merge_source : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "merge";
    static constexpr auto name = fixed_string{""};
    static constexpr bool is_merge = true;
    using inputs_type = flat_tuple<P...>;
    inputs_type inputs;

    constexpr explicit merge_source(inputs_type i) : inputs(std::move(i)) {}

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        if constexpr (!(is_pipeline<P> && ...)) {
            static_assert(
                !Aloud,
                "millrace: merge: pipelines and parts stand side by side. Merge pipelines into a source, "
                "or parts behind one.");
            return refused<merge_source, In>{};
        } else if constexpr ((stream_of<P>::traits.ended || ...)) {
            static_assert(
                !Aloud,
                "millrace: merge: one of its pipelines ends in a sink. Merge before | to(…).");
            return refused<merge_source, In>{};
        } else if constexpr ((detail::awaits_modifier<typename detail::last_of<P>::type> || ...)) {
            return refused<detail::window_without_aggregate, In>{};
        } else {
            using all = detail::merged<stream_of<P>...>;
            if constexpr (!all::same) {
                static_assert(
                    !Aloud,
                    "millrace: merge: the streams have different records. Map them to one record first.");
                return refused<merge_source, In>{};
            } else {
                return accepted<stream<typename all::record, no_key, all::traits>>{};
            }
        }
    }
};

/// A fork of one stream whose parts come together again.
template <class... Part>
struct merge_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::fork;
    static constexpr std::string_view word = "merge";
    static constexpr auto name = fixed_string{""};
    static constexpr bool joins = true;
    static constexpr std::size_t branch_count = sizeof...(Part);
    using branches_type = flat_tuple<Part...>;
    branches_type branches;

    template <std::size_t K, class In>
    using branch_stream = In;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        if constexpr (!(is_part<Part> && ...)) {
            static_assert(
                !Aloud,
                "millrace: merge: pipelines and parts stand side by side. Merge pipelines into a source, "
                "or parts behind one.");
            return refused<merge_stage, In>{};
        } else if constexpr (!detail::can_copy<In>) {
            static_assert(
                !Aloud,
                "millrace: merge: the record can only be moved, so it can't go to several parts. Map to a "
                "record that can be copied.");
            return refused<merge_stage, In>{};
        } else if constexpr ((is_rejected<detail::part_stream<Part, In>> || ...)) {
            return typename detail::first_refusal<detail::part_stream<Part, In>...>{};
        } else if constexpr ((detail::part_stream<Part, In>::traits.ended || ...)) {
            static_assert(
                !Aloud,
                "millrace: merge: one of its parts ends in a sink, so nothing of it can come back. Write "
                "tee(…) for it.");
            return refused<merge_stage, In>{};
        } else if constexpr ((detail::awaits_modifier<typename detail::last_of<Part>::type>
                              || ...)) {
            return refused<detail::window_without_aggregate, In>{};
        } else {
            using all = detail::merged<detail::part_stream<Part, In>...>;
            constexpr stream_traits t{all::timed, all::traits.held, all::traits.exchanged, false,
                                      In::traits.inputs};
            if constexpr (!all::same) {
                static_assert(
                    !Aloud,
                    "millrace: merge: the streams have different records. Map them to one record first.");
                return refused<merge_stage, In>{};
            } else {
                return accepted<stream<typename all::record, no_key, t>>{};
            }
        }
    }
    template <class In, bool GoesOn, class Env>
    constexpr auto open_fork(Env&) {
        return detail::fork_operator<sizeof...(Part), false>{};
    }
};

/// `merge(p, q, …)`. Of pipelines: a source of all their records. Of parts: a stage that sends each
/// record of one stream through every part and joins what they emit, so the source is read once.
/// Order: each input keeps its own; between pipelines a batch of each in turn, in the order of
/// writing; between parts record by record, in the order of writing. The watermark is the minimum
/// of the inputs'.
struct merge_word {
    template <class... P>
    [[nodiscard]] constexpr auto operator()(P... parts) const {
        if constexpr ((is_rejected<P> || ...)) {
            return rejected{};
        } else if constexpr ((is_pipeline<decltype(detail::lift(std::move(parts)))> || ...)) {
            using source = merge_source<decltype(detail::lift(std::move(parts)))...>;
            using out = stream_after<source, void>;
            if constexpr (is_rejected<out>) {
                (void)out::culprit::template accept<void, true>();
                return rejected{};
            } else {
                return detail::lift(source{{{{detail::lift(std::move(parts))}...}}});
            }
        } else {
            return merge_stage<decltype(detail::lift(std::move(parts)))...>{
                {}, {{{detail::lift(std::move(parts))}...}}};
        }
    }
};
inline constexpr merge_word merge{};

}  // namespace millrace
