// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// From ticks to bars: what a symbol opened, closed and ranged at in each second, and which of its
// sequence numbers never came.

#include <cstdint>

#include <millrace/millrace.hpp>

namespace bars {

using namespace millrace;

// [records]
struct tick {
    text<8> symbol = {};
    std::uint64_t sequence = 0;  // of the symbol, from 1
    std::int64_t price = 0;      // in ten-thousandths
    std::uint32_t size = 0;
    time_point time;
};
MILLRACE_RECORD(tick, symbol, sequence, price, size, time);

struct bar {
    text<8> symbol = {};
    time_point start;
    std::int64_t open = 0, high = 0, low = 0, close = 0;
    std::uint64_t volume = 0;
    std::uint64_t ticks = 0;
};
MILLRACE_RECORD(bar, symbol, start, open, high, low, close, volume, ticks);

struct gap {
    text<8> symbol = {};
    std::uint64_t first = 0;  // missing, and all up to
    std::uint64_t last = 0;
    time_point noticed;  // the time of the tick behind it
};
MILLRACE_RECORD(gap, symbol, first, last, noticed);
// [records]

/// The ticks of one symbol in one second. Open and close go by the ticks' time, and by their
/// sequence where that is equal, not by the order of arrival: datagrams overtake each other.
// [range]
struct range {
    tick first = {}, last = {};
    std::int64_t high = INT64_MIN, low = INT64_MAX;
    std::uint64_t volume = 0;
    std::uint64_t ticks = 0;

    [[nodiscard]] range with(tick const& t) const {
        range r = *this;
        if (ticks == 0 || before(t, first)) r.first = t;
        if (ticks == 0 || before(last, t)) r.last = t;
        r.high = t.price > high ? t.price : high;
        r.low = t.price < low ? t.price : low;
        r.volume += t.size;
        ++r.ticks;
        return r;
    }
    static bool before(tick const& a, tick const& b) {
        return a.time < b.time || (a.time == b.time && a.sequence < b.sequence);
    }
};
// [range]

/// What of a symbol has been seen, and what is missing in front of the last tick. A tick that comes
/// behind its gap was noticed as missing: no list is kept to take that back.
// [seen]
struct seen {
    std::uint64_t expected = 0;  // 0: nothing has come yet
    gap missing = {};            // in front of the last tick; none where `first` is 0

    [[nodiscard]] seen with(tick const& t) const {
        bool const behind = expected != 0 && t.sequence > expected;
        gap const g = behind ? gap{t.symbol, expected, t.sequence - 1, t.time} : gap{};
        return {t.sequence >= expected ? t.sequence + 1 : expected, g};
    }
};
// [seen]

/// Keyed ticks in, gaps out.
inline auto gaps() {
    return aggregate(fold<"seen">(seen{}, [](seen const& s, tick const& t) { return s.with(t); }))
           | filter<"gap">([](auto const& row) { return get<"seen">(row).missing.first != 0; })
           | map<"missing">([](auto const& row) { return get<"seen">(row).missing; });
}

/// Ticks in, bars out; gaps go to `gap_sink`.
// [bars]
template <class GapSink>
auto per_second(duration disorder, GapSink gap_sink) {
    return event_time(field<&tick::time>, bounded_disorder{disorder}) | key_by(field<&tick::symbol>)
           | tee(gaps() | std::move(gap_sink)) | window(tumbling{seconds(1)})
           | aggregate(
               fold<"range">(range{}, [](range const& r, tick const& t) { return r.with(t); }))
           | map<"bar">([](auto const& row) {
                 range const& r = get<"range">(row);
                 return bar{get<"symbol">(row),
                            get<"window_start">(row),
                            r.first.price,
                            r.high,
                            r.low,
                            r.last.price,
                            r.volume,
                            r.ticks};
             });
}
// [bars]

}  // namespace bars
