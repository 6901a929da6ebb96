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
#include <millrace/model/wall_clock.hpp>

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

/// How far ahead of the wall clock an event time may be: one beyond that makes its record a bad
/// one, so that a single wrong clock can't make all others late (SEMANTICS 6). `duration::max()`:
/// any time is taken.
struct max_ahead {
    duration most = minutes(1);
};

namespace detail {
/// Nothing said: records of the network may be a minute ahead, and by the strategy's disorder;
/// other records are believed.
struct usual_ahead {};

template <class Strategy>
[[nodiscard]] constexpr duration ahead_of(max_ahead const& a, Strategy const&) {
    return a.most;
}
template <class Strategy>
[[nodiscard]] constexpr duration ahead_of(usual_ahead, [[maybe_unused]] Strategy const& s) {
    if constexpr (requires {
                      { s.disorder } -> std::convertible_to<duration>;
                  })
        return minutes(1) + s.disorder;
    else
        return minutes(1);
}

template <class F, class T>
concept gives_time = requires(F& f, T const& t) {
    { f(t) } -> std::convertible_to<time_point>;
};

template <class F, class Strategy, unsigned Inputs, class Ahead>
struct event_time_operator {
    [[no_unique_address]] F function;
    struct hot {
        Strategy input[Inputs];  // one watermark generator per input that reaches the stage
    };
    Strategy fresh;
    duration ahead;
    wall_clock clock;
    time_point believed = time_point::min();  // the clock is read for what is later

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
        if constexpr (std::is_same_v<Ahead, max_ahead>
                      || std::remove_cvref_t<Emit>::from_network()) {
            if (t > believed && !believes(t)) [[unlikely]] {
                emit.fail_with(record, ctx,
                               "its event time is ahead of the clock by more than max_ahead");
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

private:
    [[gnu::noinline]] bool believes(time_point t) {
        believed = clock.now() + ahead;
        return t <= believed;
    }
};

template <class Ahead, class Strategy, unsigned Inputs, class F, class Env>
constexpr auto open_event_time(F function, Strategy fresh, duration ahead, Env& env) {
    return event_time_operator<F, Strategy, Inputs, Ahead>{std::move(function), std::move(fresh),
                                                           ahead, wall_clock_of(env)};
}
}  // namespace detail

template <class F, class Strategy, class Ahead>
struct event_time_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::time;
    static constexpr std::string_view word = "event_time";
    static constexpr auto name = fixed_string{""};
    F function;
    Strategy strategy;
    [[no_unique_address]] Ahead ahead;

    constexpr event_time_stage(F f, Strategy s, Ahead a)
        : function(std::move(f)), strategy(std::move(s)), ahead(a) {}

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
    constexpr auto open(Env& env) {
        return detail::open_event_time<Ahead, Strategy, In::traits.inputs>(
            std::move(function), strategy, detail::ahead_of(ahead, strategy), env);
    }
};

/// Gives the stream its event time. Each input keeps a watermark generator of its own; the stage
/// hands on their minimum. Shape 1-1; may stand behind maps, filters, formats and `merge`, not
/// behind `key_by` or what holds records. A record of the network that is more than a minute (and
/// the strategy's disorder) ahead of the wall clock is a bad record; `max_ahead{…}` behind the
/// strategy says another bound, for any source.
template <class F, time_strategy Strategy = monotonic>
[[nodiscard]] constexpr auto event_time(F f, Strategy strategy = {}) {
    return event_time_stage<detail::function_of<F>, Strategy, detail::usual_ahead>{
        detail::as_function(std::move(f)), std::move(strategy), {}};
}
template <class F, time_strategy Strategy>
[[nodiscard]] constexpr auto event_time(F f, Strategy strategy, max_ahead ahead) {
    return event_time_stage<detail::function_of<F>, Strategy, max_ahead>{
        detail::as_function(std::move(f)), std::move(strategy), ahead};
}

}  // namespace millrace
