// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Which records own their bytes: `owning<T>` follows from the fields. What crosses an exchange or
// enters state must own.

#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

#include <millrace/model/describe.hpp>

namespace millrace {

/// Does a `T` own all its bytes? Described records answer for their fields, standard containers for
/// their elements; specialise it to `false` for a view type of your own.
template <class T>
inline constexpr bool owns = !std::is_pointer_v<T>;

namespace detail {
template <class D>
inline constexpr bool fields_own = true;
template <fixed_string Name, class... Fields>
inline constexpr bool fields_own<description<Name, Fields...>> =
    (owns<typename Fields::type> && ...);
}  // namespace detail

template <described T>
inline constexpr bool owns<T> = detail::fields_own<description_of<T>>;
template <template <class...> class C, class... T>
    requires(!described<C<T...>>)
inline constexpr bool owns<C<T...>> = (owns<T> && ...);
template <class C, class Traits>
inline constexpr bool owns<std::basic_string_view<C, Traits>> = false;

template <class T>
concept owning = owns<std::remove_cvref_t<T>>;

namespace detail {
/// A container by value, whose elements may be moved out: its const-ness reaches them, as no view's
/// does.
template <class R>
concept owns_elements =
    !std::is_lvalue_reference_v<R>
    && requires(std::remove_cvref_t<R>& range, std::remove_cvref_t<R> const& constant) {
           *constant.begin();
           requires !std::is_same_v<decltype(*range.begin()), decltype(*constant.begin())>;
       };

/// Stands in a diagnostic: the field that is a view, and its type.
template <fixed_string Field, class View>
struct must_own;

template <class D>
struct first_view {
    using type = must_own<"", D>;
};
template <fixed_string Name, class F, class... Rest>
struct first_view<description<Name, F, Rest...>> {
    static consteval auto find() {
        if constexpr (!owns<typename F::type>)
            return std::type_identity<must_own<F::name, typename F::type>>{};
        else
            return std::type_identity<typename first_view<description<Name, Rest...>>::type>{};
    }
    using type = typename decltype(find())::type;
};
template <class T>
struct view_in {
    using type = must_own<"", T>;
};
template <described T>
struct view_in<T> : first_view<description_of<T>> {};
/// False, in words: a compiler prints the field that is to blame.
template <class View>
inline constexpr bool owned = false;
}  // namespace detail

}  // namespace millrace
