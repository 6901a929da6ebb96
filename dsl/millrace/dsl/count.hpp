// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `count<"flights">()`, `sum`, `min`, `max`, `mean`, `fold`: what an `aggregate` is made of, each a
// named column.

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/call.hpp>
#include <millrace/model/held.hpp>
#include <millrace/model/time.hpp>

namespace millrace {

namespace detail {

template <class T>
struct present {
    using type = T;
    static constexpr bool is_optional = false;
};
template <class T>
struct present<std::optional<T>> {
    using type = T;
    static constexpr bool is_optional = true;
};

template <class T>
concept number = std::is_arithmetic_v<T> && !std::same_as<T, bool>;
template <class T>
concept summable = number<T> || std::same_as<T, duration>;
template <class T>
concept ordered = requires(T const& a, T const& b) {
    { a < b } -> std::convertible_to<bool>;
};

template <class T>
struct sum_of {
    // Integers are summed in 64 bits and wrap there; floating point in double.
    using total_type =
        std::conditional_t<std::is_floating_point_v<T>, double,
                           std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;
    total_type total{};
    [[gnu::always_inline]] inline void add(T v) {
        if constexpr (std::is_floating_point_v<T>)
            total += static_cast<double>(v);
        else
            total = static_cast<total_type>(static_cast<std::uint64_t>(total)
                                            + static_cast<std::uint64_t>(v));
    }
    [[nodiscard]] total_type result() const { return total; }
};
template <>
struct sum_of<duration> {
    duration total{};
    void add(duration v) { total = total + v; }
    [[nodiscard]] duration result() const { return total; }
};
template <class T>
struct mean_of {
    sum_of<T> sum;
    std::int64_t count = 0;
    [[gnu::always_inline]] inline void add(T v) {
        sum.add(v);
        ++count;
    }
    [[nodiscard]] bool any() const { return count > 0; }
    [[nodiscard]] double result() const {
        return static_cast<double>(sum.result()) / static_cast<double>(count);
    }
};

// Numbers begin with the identity, so an update is one instruction; all else remembers whether
// there was one.
template <class T, bool Least>
struct extreme_of {
    std::optional<T> value;
    void add(T const& v) {
        if (!value || (Least ? v < *value : *value < v)) value = v;
    }
    [[nodiscard]] bool any() const { return value.has_value(); }
    [[nodiscard]] T result() const { return *value; }
};
template <class T, bool Least>
    requires(std::is_integral_v<T> && !std::same_as<T, bool>)
struct extreme_of<T, Least> {
    T value = Least ? std::numeric_limits<T>::max() : std::numeric_limits<T>::lowest();
    [[gnu::always_inline]] inline void add(T v) {
        value = (Least ? v < value : value < v) ? v : value;
    }
    [[nodiscard]] T result() const { return value; }
};

/// The state of one aggregate over an input that may be optional: empty ones are skipped, as in
/// SQL.
template <class Input, class State>
struct skipping {
    State state;
    [[gnu::always_inline]] inline void add(Input const& v) { state.add(v); }
    [[nodiscard]] auto result() const { return state.result(); }
};
template <class T, class State>
struct skipping<std::optional<T>, State> {
    State state;
    std::int64_t seen = 0;
    [[gnu::always_inline]] inline void add(std::optional<T> const& v) {
        if (!v) return;
        state.add(*v);
        ++seen;
    }
    [[nodiscard]] auto result() const {
        using out = decltype(state.result());
        return seen > 0 ? std::optional<out>(state.result()) : std::optional<out>();
    }
};

template <class T>
using present_t = typename present<T>::type;
template <class F, class R>
using const_result = std::remove_cvref_t<decltype(std::declval<F&>()(std::declval<R const&>()))>;
template <class F, class R>
concept gives_summable = takes_const<F, R> && summable<present_t<const_result<F, R>>>;
template <class F, class R>
concept gives_number = takes_const<F, R> && number<present_t<const_result<F, R>>>;
template <class F, class R>
concept gives_ordered = takes_const<F, R> && ordered<present_t<const_result<F, R>>>;
template <class T>
struct least_of : extreme_of<T, true> {};
template <class T>
struct greatest_of : extreme_of<T, false> {};

/// An aggregate of one value of the record.
template <class Derived, fixed_string Name, class F, template <class> class State>
struct value_spec : stage_base {
    static constexpr bool is_spec = true;
    static constexpr auto name = Name;
    static constexpr bool may_throw = false;
    F function;

    constexpr explicit value_spec(F f) : function(std::move(f)) {}
    template <class R>
    using input = const_result<F, R>;
    template <class R>
    using state = skipping<input<R>, State<present_t<input<R>>>>;

    template <class R>
    [[gnu::always_inline]] inline input<R> project(R const& record) {
        return function(record);
    }
    template <class S, class I>
    [[gnu::always_inline]] inline void add(S& s, I const& i) {
        s.add(i);
    }
    template <class R>
    static constexpr bool never_throws_for = never_throws<F, R const&>;
};
}  // namespace detail

template <fixed_string Name>
struct count_spec : stage_base {
    static constexpr bool is_spec = true;
    static constexpr auto name = Name;
    static constexpr bool may_throw = false;
    struct nothing {};
    struct counted {
        std::int64_t count = 0;
        [[nodiscard]] std::int64_t result() const { return count; }
    };
    template <class R>
    using input = nothing;
    template <class R>
    using state = counted;
    template <class R>
    static constexpr bool usable = true;
    template <class R>
    static constexpr bool never_throws_for = true;
    template <class R>
    constexpr nothing project(R const&) const {
        return {};
    }
    [[gnu::always_inline]] inline void add(counted& s, nothing) const { ++s.count; }
    constexpr auto as_stage() &&;
};

template <fixed_string Name, class F>
struct sum_spec : detail::value_spec<sum_spec<Name, F>, Name, F, detail::sum_of> {
    using detail::value_spec<sum_spec<Name, F>, Name, F, detail::sum_of>::value_spec;
    template <class R>
    static constexpr bool usable = detail::gives_summable<F, R>;
    constexpr auto as_stage() &&;
};
template <fixed_string Name, class F>
struct mean_spec : detail::value_spec<mean_spec<Name, F>, Name, F, detail::mean_of> {
    using detail::value_spec<mean_spec<Name, F>, Name, F, detail::mean_of>::value_spec;
    template <class R>
    static constexpr bool usable = detail::gives_number<F, R>;
    constexpr auto as_stage() &&;
};
template <fixed_string Name, class F>
struct min_spec : detail::value_spec<min_spec<Name, F>, Name, F, detail::least_of> {
    using detail::value_spec<min_spec<Name, F>, Name, F, detail::least_of>::value_spec;
    template <class R>
    static constexpr bool usable = detail::gives_ordered<F, R>;
    constexpr auto as_stage() &&;
};
template <fixed_string Name, class F>
struct max_spec : detail::value_spec<max_spec<Name, F>, Name, F, detail::greatest_of> {
    using detail::value_spec<max_spec<Name, F>, Name, F, detail::greatest_of>::value_spec;
    template <class R>
    static constexpr bool usable = detail::gives_ordered<F, R>;
    constexpr auto as_stage() &&;
};

template <fixed_string Name, class Initial, class F>
struct fold_spec : stage_base {
    static constexpr bool is_spec = true;
    static constexpr auto name = Name;
    static constexpr bool may_throw = true;
    Initial initial;
    F function;

    constexpr fold_spec(Initial i, F f) : initial(std::move(i)), function(std::move(f)) {}
    template <class R>
    using input = R;
    struct folded {
        std::optional<Initial> value;  // held from the first record on
        [[nodiscard]] Initial result() const { return detail::held(value); }
    };
    template <class R>
    using state = folded;
    template <class R>
    static constexpr bool usable = requires(F& f, Initial const& a, R const& r) {
        { f(a, r) } -> std::convertible_to<Initial>;
    };
    template <class R>
    static constexpr bool never_throws_for = false;
    template <class R>
    R const& project(R const& record) const {
        return record;
    }
    template <class R>
    void add(folded& s, R const& record) {
        s.value = function(s.value ? static_cast<Initial const&>(*s.value) : initial, record);
    }
    constexpr auto as_stage() &&;
};

/// How many records. An int64.
template <fixed_string Name = "count">
[[nodiscard]] constexpr auto count() {
    return count_spec<Name>{};
}
/// The sum of a field or function: int64, uint64, double or duration by its type. Empty optionals
/// are skipped.
template <fixed_string Name = "sum", class F>
[[nodiscard]] constexpr auto sum(F f) {
    return sum_spec<Name, detail::function_of<F>>{detail::as_function(std::move(f))};
}
/// The least value; of an optional field an optional, empty if all were.
template <fixed_string Name = "min", class F>
[[nodiscard]] constexpr auto min(F f) {
    return min_spec<Name, detail::function_of<F>>{detail::as_function(std::move(f))};
}
/// The greatest value; of an optional field an optional, empty if all were.
template <fixed_string Name = "max", class F>
[[nodiscard]] constexpr auto max(F f) {
    return max_spec<Name, detail::function_of<F>>{detail::as_function(std::move(f))};
}
/// The arithmetic mean as a double, of an exact integer sum; of an optional field an optional.
template <fixed_string Name = "mean", class F>
[[nodiscard]] constexpr auto mean(F f) {
    return mean_spec<Name, detail::function_of<F>>{detail::as_function(std::move(f))};
}
/// An accumulator of one's own: starts as `initial`, becomes `f(accumulator, record)`. Must be
/// nothrow-movable.
template <fixed_string Name = "fold", class Initial, class F>
[[nodiscard]] constexpr auto fold(Initial initial, F f) {
    return fold_spec<Name, Initial, F>{std::move(initial), std::move(f)};
}

}  // namespace millrace
