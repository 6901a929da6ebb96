// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Frames: the hot state of one inlined stretch of a fused loop, in locals for the time of a batch,
// so that counters and sums live in registers.

#include <cstddef>
#include <utility>

namespace millrace::detail {

template <bool Reached, std::size_t I, class Hots>
[[gnu::always_inline]] inline void move_hot(Hots& from, Hots& to) {
    if constexpr (Reached) to.template at<I>() = std::move(from.template at<I>());
}
/// What the nodes inlined behind Head have. Inlined for sure: a frame whose address goes into a
/// call lies in memory.
template <class Loop, std::size_t Head, std::size_t... I>
[[gnu::always_inline]] inline void move_hots(typename Loop::hots& from, typename Loop::hots& to,
                                             std::index_sequence<I...>) {
    constexpr auto reached = Loop::graph::template reached<Head>;
    (move_hot<reached.value[I], I>(from, to), ...);
}
template <class Loop, std::size_t Head>
[[gnu::always_inline]] inline void move_hots(typename Loop::hots& from, typename Loop::hots& to) {
    move_hots<Loop, Head>(from, to, std::make_index_sequence<Loop::size>{});
}

template <class Loop, std::size_t Head, class Frame = typename Loop::hots>
struct frame_of {
    Loop& loop;
    Frame local;
    [[gnu::always_inline]] inline ~frame_of() { move_hots<Loop, Head>(local, loop.all_hot()); }
};

}  // namespace millrace::detail
