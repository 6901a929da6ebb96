// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `on_error(drop)`, `on_error(stop)`, `on_error(original() | to<"dead">(file(p)))`: what becomes of
// a record that a stage can't digest.

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/dsl/to.hpp>
#include <millrace/model/describe.hpp>

namespace millrace {

/// What a dead-letter sink gets: the input of the failing stage, and where it came from. It refers
/// to the record: it dies with the call.
template <class In>
struct dead_letter {
    In const* record = nullptr;  ///< null where the source's own bytes could not be read
    std::string_view reason;
    std::string_view stage;      ///< the stage's name, or its kind
    std::string_view original;   ///< the source's bytes, where the pipeline begins with a format
    std::uint64_t position = 0;  ///< the line in the source, from 1; 0 where there is none

    [[nodiscard]] In const& input() const { return *record; }
};
template <class In>
inline constexpr bool owns<dead_letter<In>> = false;
template <class In>
struct describe_other<dead_letter<In>> {
    using letter = dead_letter<In>;
    using type = description<"dead_letter", member<"reason", &letter::reason>,
                             member<"stage", &letter::stage>, member<"original", &letter::original>,
                             member<"position", &letter::position>>;
};

struct drop_policy {};
struct stop_policy {};
/// Count the record as dropped and go on.
inline constexpr drop_policy drop{};
/// End the run with exit code 65. The default.
inline constexpr stop_policy stop{};

template <class Part>
struct sink_policy {
    Part part;
};

namespace detail {
/// What a dead-letter part gets: of a parser (and of a source) the bytes of the row, of any other
/// stage its input.
template <class In, class S>
struct letter_stream {
    using record = std::conditional_t<S::kind == stage_kind::parser, bytes, typename In::record>;
    using type = stream<dead_letter<record>, no_key,
                        stream_traits{.timed = false, .inputs = In::traits.inputs}>;
};
template <class S>
struct letter_stream<void, S> {
    using type = stream<dead_letter<bytes>>;
};
template <class In, class S, class Policy>
struct letters_end {
    using type = stream<void, no_key, stream_traits{.ended = true}>;
    static constexpr bool value = true;
};
template <class In, class S, class Part>
struct letters_end<In, S, sink_policy<Part>>
    : stream_of_part<typename letter_stream<In, S>::type, Part> {
    static constexpr bool value = part_ends<Part, typename letter_stream<In, S>::type>;
};

template <class S, class In>
struct guarded_stream : std::type_identity<stream_after<S, In>> {};
template <class S>
struct guarded_stream<S, void> : source_stream<S> {};
}  // namespace detail

/// A stage with a policy of its own.
template <class S, class Policy>
struct guarded : stage_base {
    static constexpr stage_kind kind = S::kind;
    static constexpr std::string_view word = S::word;
    static constexpr auto name = S::name;
    using inner_type = S;
    using policy_type = Policy;
    S inner;
    Policy policy;

    constexpr guarded(S s, Policy p) : inner(std::move(s)), policy(std::move(p)) {}

    template <class M>
        requires detail::modifiable_by<S, M>
    constexpr auto modified_by(M modifier) && {
        auto changed = std::move(inner).modified_by(std::move(modifier));
        return guarded<decltype(changed), Policy>{std::move(changed), std::move(policy)};
    }
    static constexpr bool is_open = detail::awaits_modifier<S>;
    static constexpr bool joins = requires { requires S::joins; };

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using out = typename detail::guarded_stream<S, In>::type;
        using letters = typename detail::letters_end<In, S, Policy>::type;
        if constexpr (is_rejected<out>) {
            return std::type_identity<out>{};
        } else if constexpr (std::is_void_v<In> && requires { S::is_merge; }) {
            static_assert(
                !Aloud,
                "millrace: on_error: merge(…) of pipelines has no errors of its own. Write it behind "
                "each source, or behind the stages that follow.");
            return refused<guarded, In>{};
        } else if constexpr (is_rejected<letters>) {
            return std::type_identity<letters>{};
        } else if constexpr (!detail::letters_end<In, S, Policy>::value) {
            static_assert(
                !Aloud,
                "millrace: on_error: its part does not end in a sink. End it with | to(…).");
            return refused<guarded, In>{};
        } else {
            return accepted<out>{};
        }
    }
};

template <class T>
inline constexpr bool is_guarded = false;
template <class S, class P>
inline constexpr bool is_guarded<guarded<S, P>> = true;

template <class Policy>
struct on_error_modifier : stage_base {
    static constexpr bool only_modifies = true;
    Policy policy;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        static_assert(
            !Aloud,
            "millrace: on_error: no unguarded stage stands right before it. Write it once, behind the "
            "stage or the source that it guards.");
        return refused<on_error_modifier, In>{};
    }

    template <class S>
        requires(!detail::only_modifies<S> && !is_guarded<S>)
    constexpr auto wrap(S stage) && {
        return guarded<S, Policy>{std::move(stage), std::move(policy)};
    }
};

/// Stands behind the stage it guards (a parser: its bad rows; any other: the exceptions of its
/// functions), or behind a source, for all stages up to a merge that have no policy of their own. A
/// sink gets a `dead_letter`.
template <class Policy>
[[nodiscard]] constexpr auto on_error(Policy&& policy) {
    using plain = std::remove_cvref_t<Policy>;
    if constexpr (is_rejected<plain>) {
        return rejected{};
    } else if constexpr (std::is_same_v<plain, drop_policy> || std::is_same_v<plain, stop_policy>) {
        return on_error_modifier<plain>{{}, policy};
    } else {
        auto part = detail::as_sink_part(static_cast<Policy&&>(policy));
        return on_error_modifier<sink_policy<decltype(part)>>{{}, {std::move(part)}};
    }
}

}  // namespace millrace
