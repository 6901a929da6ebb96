// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A flat tuple: stages and operators side by side, never nested, cheap to compile.

#include <cstddef>
#include <type_traits>
#include <utility>

namespace millrace {

namespace detail {
template <std::size_t I, class T>
struct tuple_leaf {
    T value;  // not [[no_unique_address]]: an operator that can't move is built in place
};
template <class Sequence, class... T>
struct tuple_leaves;
template <std::size_t... I, class... T>
struct tuple_leaves<std::index_sequence<I...>, T...> : tuple_leaf<I, T>... {};

template <std::size_t I, class T>
constexpr T& tuple_leaf_at(tuple_leaf<I, T>& l) {
    return l.value;
}
template <std::size_t I, class T>
constexpr T const& tuple_leaf_at(tuple_leaf<I, T> const& l) {
    return l.value;
}
template <std::size_t I, class T>
T tuple_leaf_type(tuple_leaf<I, T>*);
}  // namespace detail

/// Values side by side. An aggregate: `flat_tuple<int, char>{{{1}, {'a'}}}`; `make_flat(1, 'a')`
/// writes that.
template <class... T>
struct flat_tuple {
    using leaves_type = detail::tuple_leaves<std::index_sequence_for<T...>, T...>;
    static constexpr std::size_t size = sizeof...(T);

    leaves_type values;

    template <std::size_t I>
    constexpr auto& at() & {
        return detail::tuple_leaf_at<I>(values);
    }
    template <std::size_t I>
    constexpr auto const& at() const& {
        return detail::tuple_leaf_at<I>(values);
    }
    template <std::size_t I>
    constexpr auto&& take() {
        return std::move(detail::tuple_leaf_at<I>(values));
    }
};

template <class... T>
constexpr flat_tuple<T...> make_flat(T... value) {
    return {{{static_cast<T&&>(value)}...}};
}

template <std::size_t I, class Tuple>
using flat_element =
    decltype(detail::tuple_leaf_type<I>(static_cast<typename Tuple::leaves_type*>(nullptr)));

}  // namespace millrace
