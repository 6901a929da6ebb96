// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `field<&flight::origin>` and `field<"origin">`: a field with a compile-time name, taken wherever
// a function is.

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <millrace/model/describe.hpp>
#include <millrace/model/fixed_string.hpp>

namespace millrace {

/// What stands between the angle brackets of `field<…>`: a member pointer or a name.
template <class T>
struct selector {
    T value;
    constexpr selector(T v)
        : value(v) {}  // NOLINT(google-explicit-constructor): deduced from the argument
};
template <std::size_t N>
struct selector<fixed_string<N>> {
    fixed_string<N> value;
    constexpr selector(char const (&text)[N])
        : value(text) {}  // NOLINT(google-explicit-constructor)
};
template <class M, class C>
selector(M C::*) -> selector<M C::*>;
template <std::size_t N>
selector(char const (&)[N]) -> selector<fixed_string<N>>;

namespace detail {
template <class T>
inline constexpr bool is_named_selector = false;
template <std::size_t N>
inline constexpr bool is_named_selector<selector<fixed_string<N>>> = true;

template <auto A, class B>
consteval bool same_member(B b) {
    if constexpr (std::is_same_v<std::remove_cv_t<decltype(A)>, B>)
        return A == b;
    else
        return false;
}

template <auto Pointer, class D>
struct name_of_member;
template <auto Pointer, fixed_string Name, class... Fields>
struct name_of_member<Pointer, description<Name, Fields...>> {
    static consteval std::string_view find() {
        std::string_view out;
        auto look = [&]<class F>() {
            if constexpr (requires { F::pointer; })
                if (same_member<Pointer>(F::pointer)) out = F::name.view();
        };
        (look.template operator()<Fields>(), ...);
        return out;
    }
};
template <class M, class C>
C class_of(M C::*);
}  // namespace detail

/// A field as an empty function object. `name_in<Record>()` is its described name, or empty.
template <selector S>
struct field_function {
    static constexpr bool named = detail::is_named_selector<std::remove_cv_t<decltype(S)>>;

    template <class Record>
    static consteval bool exists_in() {
        if constexpr (named) {
            if constexpr (described<Record>)
                return field_index<Record>(S.value.view()) < field_count<Record>;
            else
                return false;
        } else {
            return std::is_base_of_v<decltype(detail::class_of(S.value)), Record>;
        }
    }

    template <class Record>
    static consteval std::string_view name_in() {
        if constexpr (named)
            return S.value.view();
        else if constexpr (described<Record>)
            return detail::name_of_member<S.value, description_of<Record>>::find();
        else
            return {};
    }

    template <class Record>
        requires(exists_in<std::remove_cvref_t<Record>>())
    constexpr decltype(auto) operator()(Record const& record) const {
        if constexpr (named)
            return field_at<Record, field_index<Record>(S.value.view())>::get(record);
        else
            return static_cast<std::remove_reference_t<decltype(record.*(S.value))> const&>(
                record.*(S.value));
    }
};

template <selector S>
inline constexpr field_function<S> field{};

template <class T>
inline constexpr bool is_field = false;
template <selector S>
inline constexpr bool is_field<field_function<S>> = true;

}  // namespace millrace
