// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `operator|`: checks that the stage takes what comes, and stores what the user gave it.

#include <utility>

#include <millrace/dsl/pipeline.hpp>

namespace millrace {

namespace detail {

// A modifier changes the stage before it instead of standing behind it: `window(…) | aggregate(…)`
// is one stage.
template <class L, class M>
concept modifiable_by = requires(L l, M m) { std::move(l).modified_by(std::move(m)); };
template <class M>
concept only_modifies = requires { requires M::only_modifies; };
// `on_error(…)` wraps whatever stands before it.
template <class L, class M>
concept wrapped_by = requires(L l, M m) { std::move(m).wrap(std::move(l)); };
template <class L, class M>
concept changed_by = modifiable_by<L, M> || wrapped_by<L, M>;
template <class L, class M>
constexpr auto change(L&& stage, M&& modifier) {
    if constexpr (wrapped_by<L, M>)
        return std::move(modifier).wrap(std::move(stage));
    else
        return std::move(stage).modified_by(std::move(modifier));
}

template <class L>
inline constexpr bool awaits_modifier = requires { requires L::is_open; };

// What no single stage can refuse, as if it were one.
struct window_without_aggregate {
    template <class In, bool Aloud>
    static consteval void accept() {
        static_assert(
            !Aloud,
            "millrace: window: it has no aggregate. Write | aggregate(…) or | reduce(…) right behind it.");
    }
};
struct stage_behind_sink {
    template <class In, bool Aloud>
    static consteval void accept() {
        static_assert(
            !Aloud,
            "millrace: to: a sink has taken the stream already, so nothing can stand behind it. Write "
            "tee(…) before the sink to send records to several.");
    }
};
struct source_behind_stage {
    template <class In, bool Aloud>
    static consteval void accept() {
        static_assert(
            !Aloud,
            "millrace: from: a source stands behind a stage. Write it first; merge(…) joins several "
            "pipelines into one source.");
    }
};

template <class S>
concept ends = requires { S::kind; } && (S::kind == stage_kind::sink);

template <class... S, class R>
constexpr auto attach_stage(pipeline<S...>&& left, R&& right) {
    using last = typename last_of<pipeline<S...>>::type;
    using in = stream_of<pipeline<S...>>;
    if constexpr (changed_by<last, R>) {
        auto changed =
            change(std::move(left.stages.template at<sizeof...(S) - 1>()), std::move(right));
        auto whole = as_pipeline(replace_last(std::move(left.stages), std::move(changed),
                                              std::make_index_sequence<sizeof...(S) - 1>{}));
        using out = stream_of<decltype(whole)>;
        if constexpr (is_rejected<out>)
            return out{};
        else
            return whole;
    } else if constexpr (in::traits.ended && !only_modifies<R>) {
        return refused_by<stage_behind_sink, in>{};
    } else if constexpr (awaits_modifier<last> && !only_modifies<R>) {
        return refused_by<window_without_aggregate, in>{};
    } else {
        using out = stream_after<R, in>;
        if constexpr (is_rejected<out>)
            return out{};
        else
            return as_pipeline(
                append(std::move(left.stages), std::move(right), std::index_sequence_for<S...>{}));
    }
}

template <class... S, class R>
constexpr auto attach_stage(part<S...>&& left, R&& right) {
    using last = typename last_of<part<S...>>::type;
    if constexpr (changed_by<last, R> && !only_modifies<last>) {
        auto changed =
            change(std::move(left.stages.template at<sizeof...(S) - 1>()), std::move(right));
        return as_part(replace_last(std::move(left.stages), std::move(changed),
                                    std::make_index_sequence<sizeof...(S) - 1>{}));
    } else if constexpr (ends<last> && !only_modifies<R>) {
        return refused_by<stage_behind_sink, void>{};
    } else if constexpr (awaits_modifier<last> && !only_modifies<R>) {
        return refused_by<window_without_aggregate, void>{};
    } else {
        // A part may begin with modifiers: they are resolved where it is attached.
        return as_part(
            append(std::move(left.stages), std::move(right), std::index_sequence_for<S...>{}));
    }
}

template <class L, class R>
constexpr auto attach(L&& left, R&& right);

template <class L, std::size_t I, class... S>
constexpr auto attach_each(L&& left, part<S...>&& right) {
    if constexpr (I == sizeof...(S))
        return std::move(left);
    else
        return attach_each<decltype(attach(std::move(left), right.stages.template take<I>())),
                           I + 1>(attach(std::move(left), right.stages.template take<I>()),
                                  std::move(right));
}

template <class L, class R>
constexpr auto attach(L&& left, R&& right) {
    if constexpr (is_rejected<L>)
        return std::move(left);
    else if constexpr (is_rejected<R>)
        return std::move(right);
    else if constexpr (is_pipeline<R>)
        return refused_by<source_behind_stage, void>{};
    else if constexpr (is_part<R>)
        return attach_each<L, 0>(std::move(left), std::move(right));
    else if constexpr (stands_for<R> && !modifiable_by<typename last_of<L>::type, R>)
        return attach(std::move(left), std::move(right).as_stage());
    else
        return attach_stage(std::move(left), std::move(right));
}

}  // namespace detail

/// `left | right`: a pipeline where `left` begins with a source, else a part. A stage that can't
/// take what comes is refused here, with one sentence.
template <stage L, stage R>
[[nodiscard]] constexpr auto operator|(L left, R right) {
    using out = decltype(detail::attach(detail::lift(std::move(left)), std::move(right)));
    if constexpr (requires { typename out::culprit; }) {
        // Two levels from the user's line to the sentence: what a message of 12 lines has room for.
        (void)out::culprit::template accept<typename out::stream, true>();
        return rejected{};
    } else {
        return detail::attach(detail::lift(std::move(left)), std::move(right));
    }
}

}  // namespace millrace
