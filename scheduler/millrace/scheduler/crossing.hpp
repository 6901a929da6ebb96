// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A record on its way to another partition, with what of its context is needed there. What it views
// is packed with it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/dsl/on_error.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/context.hpp>
#include <millrace/model/owning.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

/// How a `T` crosses. One that owns its bytes crosses as it is: copied once where that is trivial,
/// else moved.
template <class T>
struct parcel {
    static constexpr bool can_cross = owning<T> && std::is_move_constructible_v<T>;
    T record;

    template <class R>
    explicit parcel(R&& r) : record(static_cast<R&&>(r)) {}
    [[gnu::always_inline]] inline T&& open() { return static_cast<T&&>(record); }
};
/// A line that a writer made: its bytes go with it.
template <>
struct parcel<bytes> {
    static constexpr bool can_cross = true;
    std::string data;
    bool line;

    explicit parcel(bytes const& b) : data(b.data), line(b.line) {}
    [[nodiscard]] bytes open() const { return {data, line}; }
};
/// A dead letter, with the record it shows.
template <class In>
struct parcel<dead_letter<In>> {
    static constexpr bool can_cross =
        std::is_same_v<In, bytes> || (owning<In> && std::is_copy_constructible_v<In>);
    using kept_type = std::conditional_t<std::is_same_v<In, bytes>, std::string, In>;
    std::optional<kept_type> kept;
    std::string reason;
    std::string_view stage;  // a name in the program's text
    std::string original;
    std::uint64_t position;
    bytes shown{};

    explicit parcel(dead_letter<In> const& l)
        : reason(l.reason), stage(l.stage), original(l.original), position(l.position) {
        if (l.record == nullptr) return;
        if constexpr (std::is_same_v<In, bytes>) {
            kept.emplace(l.record->data);
            shown.line = l.record->line;
        } else {
            kept.emplace(*l.record);
        }
    }
    [[nodiscard]] dead_letter<In> open() {
        dead_letter<In> l{nullptr, reason, stage, original, position};
        if (!kept) return l;
        if constexpr (std::is_same_v<In, bytes>) {
            shown.data = *kept;
            l.record = &shown;
        } else {
            l.record = &*kept;
        }
        return l;
    }
};

/// A part of the context that nobody reads behind the cut.
template <int Which>
struct nothing_sent {
    template <class Ctx>
    explicit nothing_sent(Ctx const&) {}
    template <class Ctx>
    void open(Ctx&) const {}
};
struct time_sent {
    time_point event_time;
    time_point stamp;
    template <class Ctx>
    [[gnu::always_inline]] inline explicit time_sent(Ctx const& c) {
        if constexpr (Ctx::is_timed) {  // headings have none
            event_time = c.event_time;
            stamp = c.stamp;
        }
    }
    template <class Ctx>
    [[gnu::always_inline]] inline void open(Ctx& c) const {
        c.event_time = event_time;
        c.stamp = stamp;
    }
};
/// Only where a stage behind the cut shows the original: its bytes are copied for each record.
struct origin_sent {
    std::string original;
    std::uint64_t position;
    template <class Ctx>
    explicit origin_sent(Ctx const& c) : original(c.original), position(c.position) {}
    template <class Ctx>
    void open(Ctx& c) const {
        c.original = original;
        c.position = position;
    }
};
struct reply_sent {
    reply_token reply;
    template <class Ctx>
    explicit reply_sent(Ctx const& c) : reply(c.reply) {}
    template <class Ctx>
    void open(Ctx& c) const {
        c.reply = reply;
    }
};

/// One slot of a lane. `Ctx` is the context that the record has behind the cut; `Origin`: a stage
/// there reads where it came from.
template <class T, class Ctx, bool Origin>
struct crossing {
    using record_type = T;
    using context_type = Ctx;
    using time_part = std::conditional_t<Ctx::is_timed, time_sent, nothing_sent<0>>;
    using origin_part = std::conditional_t<Origin && Ctx::is_traced, origin_sent, nothing_sent<1>>;
    using reply_part = std::conditional_t<Ctx::is_answered, reply_sent, nothing_sent<2>>;

    parcel<T> record;
    [[no_unique_address]] time_part time;
    [[no_unique_address]] origin_part origin;
    [[no_unique_address]] reply_part reply;

    template <class R, class C>
    [[gnu::always_inline]] inline crossing(R&& r, C const& ctx)
        : record(static_cast<R&&>(r)), time(ctx), origin(ctx), reply(ctx) {}
    /// Its input was idle: the stamp is at least what the others had promised by then.
    [[gnu::always_inline]] inline void lift(time_point floor) {
        if constexpr (Ctx::is_timed)
            if (time.stamp < floor) time.stamp = floor;
    }
    [[gnu::always_inline]] inline Ctx context(std::uint32_t input) const {
        Ctx c{};
        time.open(c);
        origin.open(c);
        reply.open(c);
        c.input = input;
        return c;
    }
};

}  // namespace millrace::detail
