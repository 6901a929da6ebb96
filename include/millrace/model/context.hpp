// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What travels beside a record: its time, its origin, the input it came in by. What no stage reads
// is never computed.

#include <cstdint>
#include <string_view>

#include <millrace/model/live.hpp>
#include <millrace/model/time.hpp>

namespace millrace {

struct untimed {};
/// Event time, and the stamp: the watermark of the record's own input just before it, which alone
/// decides lateness.
struct timed {
    time_point event_time;
    time_point stamp;
};

struct untraced {};
/// Where the record stood in its source: its bytes without the line end, and its position (the
/// line, from 1; for formats without lines the record's ordinal). Views the input buffer: dies with
/// the batch.
struct traced {
    std::string_view original;
    std::uint64_t position = 0;
};

/// Beside a record that came in by `serve`: where its answer goes.
template <class Origin>
struct answered : Origin {
    reply_token reply{};
};

template <class Time, class Origin>
struct context : Time, Origin {
    std::uint32_t input = 0;  ///< which source of the pipeline, in the order of their writing

    static constexpr bool is_timed = requires(context c) { c.stamp; };
    static constexpr bool is_traced = requires(context c) { c.original; };
    static constexpr bool is_answered = requires(context c) { c.reply; };
};

}  // namespace millrace
