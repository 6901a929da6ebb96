// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `late_to(sink)`: where records go that come behind the end of their pane.

#include <utility>

#include <millrace/dsl/to.hpp>
#include <millrace/dsl/window.hpp>

namespace millrace {

/// Behind `window(…) | aggregate(…)`: sends late records, as they came, into a sink or a part that
/// ends in one. Without it they are counted, and nothing else.
template <class Sink>
[[nodiscard]] constexpr auto late_to(Sink&& sink) {
    auto part = detail::as_sink_part(static_cast<Sink&&>(sink));
    return late_to_modifier<decltype(part)>{{}, std::move(part)};
}

}  // namespace millrace
