// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `event_time(field<&flight::scheduled>, bounded_disorder{minutes(30)})`: when a record happened,
// and how far the stream may be out of order.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/call.hpp>
#include <millrace/model/time.hpp>

namespace millrace {

/// Records come in order of their event time; an older one is late.
struct monotonic {
    time_point newest = time_point::min();

    void observe(time_point t) { newest = t > newest ? t : newest; }
    [[nodiscard]] time_point watermark() const { return newest; }
    void raise(time_point mark) { observe(mark); }
};

/// A record may be up to `disorder` older than the newest before it: watermark = newest - disorder.
struct bounded_disorder {
    duration disorder{};
    time_point mark = time_point::min();

    constexpr bounded_disorder() = default;
    constexpr explicit bounded_disorder(duration d) : disorder(d) {}
    void observe(time_point t) {
        time_point const m = t - disorder;
        mark = m > mark ? m : mark;
    }
    [[nodiscard]] time_point watermark() const { return mark; }
    void raise(time_point m) { mark = m > mark ? m : mark; }
};

/// What a strategy of one's own has: `observe` each event time, then say what is complete. One with
/// `raise(mark)` may be idle beside others: its watermark follows theirs meanwhile.
template <class S>
concept time_strategy = std::copy_constructible<S> && requires(S s, S const c, time_point t) {
    s.observe(t);
    { c.watermark() } -> std::convertible_to<time_point>;
};

namespace detail {
template <class F, class T>
concept gives_time = requires(F& f, T const& t) {
    { f(t) } -> std::convertible_to<time_point>;
};

template <class F, class Strategy, unsigned Inputs>
struct event_time_operator {
    [[no_unique_address]] F function;
    struct hot {
        Strategy input[Inputs];  // one watermark generator per input that reaches the stage
    };
    Strategy fresh;

    void start(hot& h) const {
        for (auto& s : h.input) s = fresh;
    }
    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        using record_type = std::remove_cvref_t<R>;
        time_point t;
        if constexpr (never_throws<F, record_type const&>) {
            t = function(static_cast<record_type const&>(record));
        } else {
            try {
                t = function(static_cast<record_type const&>(record));
            } catch (...) {
                emit.fail(record, ctx);
                return;
            }
        }
        Strategy& strategy = emit.hot().input[Inputs == 1 ? 0 : ctx.input - emit.first_input()];
        time_point const stamp = strategy.watermark();
        strategy.observe(t);
        emit(static_cast<R&&>(record), emit.at_time(ctx, t, stamp));
    }
    /// The minimum over the inputs that have not ended. Below the end of time as long as one has
    /// not: a record there ends nothing.
    template <class Ended>
    [[nodiscard]] time_point mark(hot const& h, Ended ended) const {
        time_point low = time_point::max();
        for (unsigned i = 0; i < Inputs; ++i) {
            if (ended(i)) continue;
            time_point const mark = h.input[i].watermark();
            if (mark < low) low = mark;
            if (low == time_point::max()) low = low - duration{1};
        }
        return low;
    }
};
}  // namespace detail

template <class F, class Strategy>
struct event_time_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::time;
    static constexpr std::string_view word = "event_time";
    static constexpr auto name = fixed_string{""};
    F function;
    Strategy strategy;

    constexpr event_time_stage(F f, Strategy s) : function(std::move(f)), strategy(std::move(s)) {}

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        constexpr stream_traits before = In::traits;
        constexpr stream_traits after{true, before.held, before.exchanged, before.ended,
                                      before.inputs};
        if constexpr (before.exchanged || before.held) {
            static_assert(
                !Aloud,
                "millrace: event_time: it stands behind key_by or a stage that holds records, where the "
                "order of arrival is gone. Write it before them.");
            return refused<event_time_stage, In>{};
        } else if constexpr (!detail::gives_time<F, typename In::record>) {
            static_assert(
                !Aloud,
                "millrace: event_time: the field or function does not give a time_point of this record. "
                "Name a field of type time_point, or return one.");
            return refused<event_time_stage, In>{};
        } else {
            return accepted<stream<typename In::record, typename In::key, after>>{};
        }
    }

    template <class In, class Env>
    constexpr auto open(Env&) {
        return detail::event_time_operator<F, Strategy, In::traits.inputs>{std::move(function),
                                                                           strategy};
    }
};

/// Gives the stream its event time. Each input keeps a watermark generator of its own; the stage
/// hands on their minimum. Shape 1-1; may stand behind maps, filters, formats and `merge`, not
/// behind `key_by` or what holds records.
template <class F, time_strategy Strategy = monotonic>
[[nodiscard]] constexpr auto event_time(F f, Strategy strategy = {}) {
    return event_time_stage<detail::function_of<F>, Strategy>{detail::as_function(std::move(f)),
                                                              std::move(strategy)};
}

}  // namespace millrace
