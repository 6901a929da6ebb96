// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `to<"name">(sink)`, `discard()`: where a stream ends.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/call.hpp>
#include <millrace/model/failure.hpp>

namespace millrace {

namespace detail {

struct discard_sink {};

/// A container that is filled; borrowed.
template <class C>
struct container_sink {
    C* container;
};

struct no_environment {};
template <class S>
concept opens_as_sink = requires(S s, no_environment& env) { s.open_sink(env); };
template <class S>
struct opened_sink {
    using type = decltype(std::declval<S&>().open_sink(std::declval<no_environment&>()));
};

template <class S, class T>
inline constexpr bool sink_takes = takes_record<S, T>;
template <class T>
inline constexpr bool sink_takes<discard_sink, T> = true;
template <class C, class T>
inline constexpr bool sink_takes<container_sink<C>, T> =
    requires(C& c, T&& t) { c.push_back(static_cast<T&&>(t)); };
template <opens_as_sink S, class T>
inline constexpr bool sink_takes<S, T> =
    requires(typename opened_sink<S>::type& o, T const& t) { o.write(t); };

template <class Sink>
struct sink_operator {
    [[no_unique_address]] Sink sink;
    struct hot {
        std::uint64_t written = 0;
    };

    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        if constexpr (std::is_same_v<Sink, discard_sink>) {
            (void)ctx;
            emit.tally(emit.hot().written);
        } else {
            try {
                // A dead letter shows the record as it came: then it isn't moved from where it
                // could be copied.
                if constexpr (std::remove_cvref_t<Emit>::keeps_input
                              && sink_takes<Sink, std::remove_cvref_t<R> const>)
                    write(static_cast<std::remove_cvref_t<R> const&>(record));
                else
                    write(static_cast<R&&>(record));
            } catch (failure const&) {
                emit.count_dead();
                throw;  // the sink itself gave up: that ends the run, whatever on_error says
            } catch (...) {
                emit.fail(record, ctx);
                return;
            }
            emit.tally(emit.hot().written);
        }
    }
    static void count(hot const& h, stage_counts& counts) { counts.out += h.written; }
    void count_bytes(stage_counts& counts) {
        if constexpr (requires { sink.bytes_written(); }) counts.bytes += sink.bytes_written();
    }
    void batch_end() {
        if constexpr (requires { sink.batch_end(); }) sink.batch_end();
    }
    void close(bool success) {
        if constexpr (requires { sink.close(success); }) sink.close(success);
    }

private:
    template <class R>
    [[gnu::always_inline]] inline void write(R&& record) {
        if constexpr (requires { sink.container->push_back(static_cast<R&&>(record)); })
            sink.container->push_back(static_cast<R&&>(record));
        else if constexpr (requires { sink.write(record); })
            sink.write(record);
        else
            (void)call(sink, static_cast<R&&>(record));
    }
};
}  // namespace detail

template <fixed_string Name, class Sink>
struct to_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::sink;
    static constexpr std::string_view word =
        std::is_same_v<Sink, detail::discard_sink> ? "discard" : "to";
    static constexpr auto name = Name;
    Sink sink;

    constexpr explicit to_stage(Sink s) : sink(std::move(s)) {}

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        constexpr stream_traits before = In::traits;
        constexpr stream_traits ended{before.timed, before.held, before.exchanged, true,
                                      before.inputs};
        if constexpr (detail::sink_takes<Sink, typename In::record>) {
            return accepted<stream<typename In::record, typename In::key, ended>>{};
        } else if constexpr (detail::opens_as_sink<Sink>) {
            static_assert(
                !Aloud,
                "millrace: to: this sink takes bytes, not records. Write a format before it, such as "
                "| csv() or | json().");
            return refused<to_stage, In>{};
        } else {
            static_assert(
                !Aloud,
                "millrace: to: the sink can't take the record of this stream. Give it a function or a "
                "container that takes what the stage before emits.");
            return refused<to_stage, In>{};
        }
    }

    template <class In, class Env>
    constexpr auto open(Env& env) {
        if constexpr (requires { sink.open_sink(env); })
            return detail::sink_operator<decltype(sink.open_sink(env))>{sink.open_sink(env)};
        else
            return detail::sink_operator<Sink>{std::move(sink)};
    }
};

namespace detail {
template <class S>
concept fills = requires(S& s) {
    typename S::value_type;
    s.push_back(std::declval<typename S::value_type>());
};
}  // namespace detail

/// Ends a stream in a callable, a container (borrowed, filled by `push_back`), or a sink such as
/// `file(…)` behind a format. A part that ends in a sink is taken as it is. Every record counts as
/// out once the sink has taken it.
template <fixed_string Name = "", class Sink>
[[nodiscard]] constexpr auto to(Sink&& sink) {
    using plain = std::remove_cvref_t<Sink>;
    if constexpr (is_part<plain> || is_rejected<plain>)
        return static_cast<plain>(static_cast<Sink&&>(sink));
    else if constexpr (detail::fills<plain> && std::is_lvalue_reference_v<Sink>)
        return to_stage<Name, detail::container_sink<plain>>{detail::container_sink<plain>{&sink}};
    else
        return to_stage<Name, plain>{plain(static_cast<Sink&&>(sink))};
}

/// Ends a stream and only counts.
template <fixed_string Name = "">
[[nodiscard]] constexpr auto discard() {
    return to_stage<Name, detail::discard_sink>{detail::discard_sink{}};
}

namespace detail {
/// What a part in a fork, of late records or of dead letters, makes of its stream.
template <class Part, class In>
using part_stream = typename stream_of_part<In, Part>::type;
/// Does nothing come out of it? It ends in a sink, or in a fork whose branches do.
template <class Part, class In>
inline constexpr bool part_ends = [] {
    using last = typename last_of<Part>::type;
    if constexpr (part_stream<Part, In>::traits.ended)
        return true;
    else
        return last::kind == stage_kind::fork && !requires { requires last::joins; };
}();

/// A sink, a callable, a container or a part that ends in a sink, as a part.
template <class Sink>
constexpr auto as_sink_part(Sink&& sink) {
    using plain = std::remove_cvref_t<Sink>;
    if constexpr (is_part<plain> || is_rejected<plain>)
        return plain(static_cast<Sink&&>(sink));
    else if constexpr (stage<plain> && requires { plain::kind; } && !begins<plain>)
        return lift(plain(static_cast<Sink&&>(sink)));
    else
        return lift(to<"">(static_cast<Sink&&>(sink)));
}
}  // namespace detail

}  // namespace millrace
