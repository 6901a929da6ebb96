// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// How a user's function may be called with a record: one place for every stage that takes one.

#include <type_traits>
#include <utility>

#include <millrace/model/field.hpp>

namespace millrace::detail {

/// A member pointer becomes a function; all else stays what it is.
template <class M, class C>
struct member_function {
    M C::* pointer;
    constexpr M const& operator()(C const& record) const { return record.*pointer; }
};
template <class F>
constexpr F as_function(F f) {
    return f;
}
template <class M, class C>
    requires(!std::is_function_v<M>)
constexpr member_function<M, C> as_function(M C::* pointer) {
    return {pointer};
}
template <class R, class C>
struct member_call {
    R (C::*pointer)() const;
    constexpr R operator()(C const& record) const { return (record.*pointer)(); }
};
template <class R, class C>
constexpr member_call<R, C> as_function(R (C::*pointer)() const) {
    return {pointer};
}
template <class F>
using function_of = decltype(as_function(std::declval<F>()));

// Bare requires-expressions: a trait of <type_traits> would print a generic lambda's body
// (LANGUAGE, 2).
template <class F, class T>
concept takes_rvalue = requires(F& f, T&& t) { f(static_cast<T&&>(t)); };
template <class F, class T>
concept takes_const = requires(F& f, T const& t) { f(t); };
template <class F, class T>
concept takes_mutable = requires(F& f, T& t) { f(t); };
template <class F, class T>
concept takes_record = takes_rvalue<F, T> || takes_const<F, T>;

/// Calls with what the function can take: the record itself where it is ours to give, a copy where
/// it is not.
template <class F, class R>
[[gnu::always_inline]] inline constexpr decltype(auto) call(F& f, R&& record) {
    using record_type = std::remove_cvref_t<R>;
    if constexpr (requires { f(static_cast<R&&>(record)); })
        return f(static_cast<R&&>(record));
    else if constexpr (takes_const<F, record_type>)
        return f(static_cast<record_type const&>(record));
    else
        return f(record_type(record));
}

/// The same where a dead letter may have to show the record as it came: then it isn't moved from if
/// it can be copied.
template <class Emit, class F, class R>
[[gnu::always_inline]] inline constexpr decltype(auto) call_for(F& f, R&& record) {
    using record_type = std::remove_cvref_t<R>;
    if constexpr (std::remove_cvref_t<Emit>::keeps_input && takes_const<F, record_type>)
        return f(static_cast<record_type const&>(record));
    else
        return call(f, static_cast<R&&>(record));
}

template <class F, class T>
struct result_of {
    static auto probe() {
        if constexpr (takes_rvalue<F, T>)
            return std::type_identity<decltype(std::declval<F&>()(std::declval<T&&>()))>{};
        else
            return std::type_identity<decltype(std::declval<F&>()(std::declval<T const&>()))>{};
    }
    using type = typename decltype(probe())::type;
};
/// What a function makes of a record, as a value.
template <class F, class T>
using result_record = std::remove_cvref_t<typename result_of<F, T>::type>;
template <class F, class T>
using raw_result = typename result_of<F, T>::type;

/// No exception can come from it, so no guard is compiled.
template <class F, class R>
inline constexpr bool never_throws = requires(F& f, R&& r) {
    { f(static_cast<R&&>(r)) } noexcept;
};
template <selector S, class R>
inline constexpr bool never_throws<field_function<S>, R> = true;
template <class M, class C, class R>
inline constexpr bool never_throws<member_function<M, C>, R> = true;

/// Storage for one value that is made inside a guard and used outside it.
template <class T>
union later {
    char none;
    T value;
    constexpr later() : none(0) {}
    constexpr ~later() {}
};
template <class T>
struct ends_life {
    T& value;
    constexpr ~ends_life() { value.~T(); }
};

}  // namespace millrace::detail
