// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `operator|`: checks that the stage takes what comes, and stores what the user gave it.

#include <utility>

#include <millrace/dsl/pipeline.hpp>

namespace millrace {

namespace detail {

// A modifier changes the stage before it instead of standing behind it: `window(…) | aggregate(…)` is one stage.
template <class L, class M>
concept modifiable_by = requires(L l, M m) { std::move(l).modified_by(std::move(m)); };
template <class M>
concept only_modifies = requires { requires M::only_modifies; };
// A word that may be written bare, like `count<"n">()`, says what stage it stands for.
template <class S>
concept stands_for = requires(S s) { std::move(s).as_stage(); };

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

template <class P, class R>
consteval bool refuse_misplaced() {
    static_assert(!only_modifies<R>, "millrace: a modifier stands behind the wrong stage. Write "
                                     "allowed_lateness(…) and late_to(…) behind window(…) | aggregate(…).");
    return false;
}

template <class L>
consteval bool refuse_open() {
    static_assert(!awaits_modifier<L>,
                  "millrace: window: it has no aggregate. Write | aggregate(…) or | reduce(…) right behind it.");
    return false;
}

template <class... S, class R>
constexpr auto attach_stage(pipeline<S...>&& left, R&& right) {
    using last = typename last_of<pipeline<S...>>::type;
    if constexpr (changed_by<last, R>) {
        auto changed = change(std::move(left.stages.template at<sizeof...(S) - 1>()), std::move(right));
        auto whole = as_pipeline(replace_last(std::move(left.stages), std::move(changed),
                                              std::make_index_sequence<sizeof...(S) - 1>{}));
        if constexpr (is_rejected<stream_of<decltype(whole)>>)
            return rejected{};
        else
            return whole;
    } else if constexpr (only_modifies<R>) {
        (void)refuse_misplaced<last, R>();
        return rejected{};
    } else if constexpr (awaits_modifier<last>) {
        (void)refuse_open<last>();
        return rejected{};
    } else if constexpr (is_rejected<stream_after<R, stream_of<pipeline<S...>>>>) {
        return rejected{};
    } else {
        return as_pipeline(append(std::move(left.stages), std::move(right), std::index_sequence_for<S...>{}));
    }
}

template <class... S, class R>
constexpr auto attach_stage(part<S...>&& left, R&& right) {
    using last = typename last_of<part<S...>>::type;
    if constexpr (changed_by<last, R>) {
        auto changed = change(std::move(left.stages.template at<sizeof...(S) - 1>()), std::move(right));
        return as_part(replace_last(std::move(left.stages), std::move(changed),
                                    std::make_index_sequence<sizeof...(S) - 1>{}));
    } else {
        // A part may begin with modifiers: they are resolved where it is attached.
        return as_part(append(std::move(left.stages), std::move(right), std::index_sequence_for<S...>{}));
    }
}

template <class L, class R>
constexpr auto attach(L&& left, R&& right);

template <class L, std::size_t I, class... S>
constexpr auto attach_each(L&& left, part<S...>&& right) {
    if constexpr (I == sizeof...(S))
        return std::move(left);
    else
        return attach_each<decltype(attach(std::move(left), right.stages.template take<I>())), I + 1>(
            attach(std::move(left), right.stages.template take<I>()), std::move(right));
}

template <class L, class R>
constexpr auto attach(L&& left, R&& right) {
    if constexpr (is_rejected<L> || is_rejected<R>)
        return rejected{};
    else if constexpr (is_part<R>)
        return attach_each<L, 0>(std::move(left), std::move(right));
    else if constexpr (stands_for<R> && !modifiable_by<typename last_of<L>::type, R>)
        return attach(std::move(left), std::move(right).as_stage());
    else
        return attach_stage(std::move(left), std::move(right));
}

}  // namespace detail

/// `left | right`: a pipeline where `left` begins with a source, else a part. A stage that can't take what comes is
/// refused here, with one sentence.
template <stage L, stage R>
[[nodiscard]] constexpr auto operator|(L left, R right) {
    return detail::attach(detail::lift(std::move(left)), std::move(right));
}

}  // namespace millrace
