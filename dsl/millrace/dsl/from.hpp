// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `from(range)`, `generate(f)`, `columns<T>(a, b, …)`: sources that live in memory.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/call.hpp>
#include <millrace/model/owning.hpp>

namespace millrace {

namespace detail {

// An lvalue is borrowed (it must outlive the run), an rvalue moves in.
template <class Range>
struct range_operator {
    using range_type = std::remove_reference_t<Range>;
    using iterator = decltype(std::declval<range_type&>().begin());
    using sentinel = decltype(std::declval<range_type&>().end());
    static constexpr bool owned = !std::is_reference_v<Range>;
    using value_type = std::remove_cvref_t<decltype(*std::declval<iterator&>())>;
    // A small plain row is read into locals first: so a filter's loads don't depend on another's
    // outcome, and the compiler may turn branches into masks. What no stage reads is never loaded.
    static constexpr bool plain =
        std::is_trivially_copyable_v<value_type> && sizeof(value_type) <= 64;
#ifdef __clang__
    static constexpr bool gathers = sizeof(value_type) > 16;
#else
    static constexpr bool gathers = false;
#endif
    static constexpr bool vectorises = plain && !gathers;

    static constexpr bool gives_runs = requires(iterator& next, sentinel const& end) {
        { end - next } -> std::convertible_to<std::ptrdiff_t>;
        next += 1;
    };

    std::conditional_t<owned, range_type, range_type*> range;
    static constexpr bool restarts =
        std::is_default_constructible_v<iterator>;  // not what reads a stream
    std::conditional_t<restarts, iterator, std::optional<iterator>> next{};
    std::uint64_t read = 0;  // counted by position, not record by record
    bool begun = false;

    constexpr range_type& get() {
        if constexpr (owned)
            return range;
        else
            return *range;
    }
    /// Up to `n` records; false at the end.
    template <class Push>
    [[gnu::always_inline]] inline bool poll(std::size_t n, Push&& push) {
        if (!begun) {
            if constexpr (restarts)
                next = get().begin();
            else
                next.emplace(get().begin());
            begun = true;
        }
        sentinel const end = get().end();
        if constexpr (requires {
                          { end - next } -> std::convertible_to<std::ptrdiff_t>;
                          next += 1;
                      }) {
            // A counted loop over a local iterator: what the compiler can turn into a loop of
            // masks.
            auto const left = static_cast<std::size_t>(end - next);
            std::size_t const take = left < n ? left : n;
            // `next` is the position behind what was taken, also when a stage behind ends the run
            // by an exception.
            struct position {
                range_operator& source;
                iterator at;
                ~position() {
                    source.read += static_cast<std::uint64_t>(at - source.next);
                    source.next = at;
                }
            } here{*this, next};
            if constexpr (requires { push.undone(); }) {
                iterator const stop = here.at + static_cast<std::ptrdiff_t>(take);
                while (here.at != stop) {
                    do hand_on(*here.at++, push);
                    while (!push.undone() && here.at != stop);
                    if (push.undone()) push.complete();
                }
            } else if constexpr (gathers) {
                // clang would gather the fields of wide rows, which is three times slower than
                // branches from DRAM.
#ifdef __clang__
#pragma clang loop vectorize(disable)
#endif
                for (std::size_t i = 0; i < take; ++i) hand_on(*here.at++, push);
            } else {
                for (std::size_t i = 0; i < take; ++i) hand_on(*here.at++, push);
            }
            return take < left;
        } else {
            iterator& at = position();
            for (std::size_t i = 0; i < n; ++i) {
                if (at == end) return false;
                ++read;
                hand_on(*at, push);
                ++at;
            }
            return at != end;
        }
    }
    iterator& position() {
        if constexpr (restarts)
            return next;
        else
            return *next;
    }
    template <class Item, class Push>
    [[gnu::always_inline]] static inline void hand_on(Item&& item, Push& push) {
        using item_type = std::remove_reference_t<Item>;
        if constexpr (plain) {
            value_type const row = item;
            push(row);
        } else if constexpr (!std::is_const_v<item_type>
                             && (owns_elements<Range> || !std::is_lvalue_reference_v<Item>))
            push(static_cast<item_type&&>(item));
        else
            push(static_cast<item_type const&>(item));
    }
};

template <class F>
struct generate_operator {
    F function;
    std::uint64_t read = 0;

    template <class Push>
    [[gnu::always_inline]] inline bool poll(std::size_t n, Push&& push) {
        for (std::size_t i = 0; i < n; ++i) {
            auto made = function();
            if (!made) return false;
            ++read;
            push(std::move(*made));
        }
        return true;
    }
};

template <class Range>
concept iterable = requires(std::remove_reference_t<Range>& r) {
    r.begin();
    r.end();
    *r.begin();
};
template <class F>
concept generates = requires(F& f) {
    static_cast<bool>(f());
    *f();
};

template <class T, class... Column>
struct columns_operator {
    static constexpr bool vectorises = true;
    flat_tuple<Column const*...> column;
    std::size_t size;
    std::size_t next = 0;
    std::uint64_t read = 0;

    template <class Push>
    [[gnu::always_inline]] inline bool poll(std::size_t n, Push&& push) {
        return poll_columns(n, push, std::index_sequence_for<Column...>{});
    }
    template <class Push, std::size_t... I>
    [[gnu::always_inline]] inline bool poll_columns(std::size_t n, Push&& push,
                                                    std::index_sequence<I...>) {
        std::size_t const left = size - next;
        std::size_t const take = left < n ? left : n;
        flat_tuple<Column const*...> const at{{{column.template at<I>() + next}...}};
        struct position {
            columns_operator& source;
            std::size_t i = 0;
            ~position() {
                source.next += i;
                source.read += i;
            }
        } here{*this};
        // The masks of four vectors at a time are more than there are mask registers.
#ifdef __clang__
#pragma clang loop interleave_count(2)
#endif
        while (here.i < take) {
            std::size_t const i = here.i++;
            push(T{at.template at<I>()[i]...});
        }
        return take < left;
    }
};
}  // namespace detail

template <class Range>
struct from_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "from";
    static constexpr auto name = fixed_string{""};
    using record =
        std::remove_cvref_t<decltype(*std::declval<std::remove_reference_t<Range>&>().begin())>;
    std::conditional_t<std::is_reference_v<Range>, std::remove_reference_t<Range>*, Range> range;

    template <class Env>
    constexpr auto open_source(Env&) {
        return detail::range_operator<Range>{std::move(range)};
    }
};

template <class F>
struct generate_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "generate";
    static constexpr auto name = fixed_string{""};
    using record = std::remove_cvref_t<decltype(*std::declval<F&>()())>;
    F function;

    template <class Env>
    constexpr auto open_source(Env&) {
        return detail::generate_operator<F>{std::move(function)};
    }
};

template <class T, class... Column>
struct columns_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "columns";
    static constexpr auto name = fixed_string{""};
    using record = T;
    flat_tuple<Column const*...> column;
    std::size_t size;

    template <class Env>
    constexpr auto open_source(Env&) {
        return detail::columns_operator<T, Column...>{column, size};
    }
};

/// A source of the records of a range. An lvalue is borrowed and must outlive the run; an rvalue
/// moves in and its records are moved out. Bounded; order is the range's.
template <class Range>
[[nodiscard]] constexpr auto from(Range&& range) {
    constexpr bool is_range = detail::iterable<Range>;
    static_assert(
        is_range,
        "millrace: from: it takes a range of records. Write from(vector), generate(function) or "
        "file(path).");
    if constexpr (!is_range) {
        return rejected{};
    } else {
        using stage_type = from_stage<Range>;
        constexpr bool moves = std::is_move_constructible_v<typename stage_type::record>;
        static_assert(moves,
                      "millrace: from: the record can't be moved. Give it a move constructor.");
        if constexpr (!moves)
            return rejected{};
        else if constexpr (std::is_reference_v<Range>)
            return detail::lift(stage_type{{}, &range});
        else
            return detail::lift(stage_type{{}, std::move(range)});
    }
}

/// A source that calls `f()` until it returns an empty optional (or anything that is false and else
/// has a `*`).
template <class F>
[[nodiscard]] constexpr auto generate(F f) {
    constexpr bool generates = detail::generates<F>;
    static_assert(generates,
                  "millrace: generate: the function does not return an optional record. Return "
                  "std::optional<record>, empty at the end.");
    if constexpr (!generates) {
        return rejected{};
    } else {
        using stage_type = generate_stage<F>;
        constexpr bool moves = std::is_move_constructible_v<typename stage_type::record>;
        static_assert(moves,
                      "millrace: generate: the record can't be moved. Give it a move constructor.");
        if constexpr (!moves)
            return rejected{};
        else
            return detail::lift(stage_type{{}, std::move(f)});
    }
}

/// A source of one contiguous array per field: row i is `T{first[i], rest[i]…}`. All are borrowed
/// and of equal length; the shortest decides.
template <class T, class First, class... Rest>
[[nodiscard]] constexpr auto columns(First const& first, Rest const&... rest) {
    std::size_t size = first.size();
    ((size = rest.size() < size ? rest.size() : size), ...);
    return detail::lift(columns_stage<T, std::remove_cvref_t<decltype(*first.data())>,
                                      std::remove_cvref_t<decltype(*rest.data())>...>{
        {}, {{{first.data()}, {rest.data()}...}}, size});
}

}  // namespace millrace
