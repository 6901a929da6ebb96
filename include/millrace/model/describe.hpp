// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One description per record: `MILLRACE_RECORD(flight, origin, carrier, delay);` names its fields
// for formats, keys, plans and messages. Hana's own macros are taken as they are
// (`millrace/model/hana.hpp`).

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/model/fixed_string.hpp>

namespace millrace {

/// A described field: its name, its member pointer, its type.
template <fixed_string Name, auto Member>
struct member;

template <fixed_string Name, class T, class R, T R::* Member>
struct member<Name, Member> {
    using type = T;
    static constexpr auto name = Name;
    static constexpr auto pointer = Member;
    static constexpr T const& get(R const& record) { return record.*Member; }
    static constexpr T& get(R& record) { return record.*Member; }
};

/// A described record: its name and its fields, in order. Each field has `name`, `type` and
/// `get(record)`.
template <fixed_string Name, class... Fields>
struct description {
    static constexpr auto name = Name;
    static constexpr std::size_t size = sizeof...(Fields);
};

/// The customisation point for what no macro describes: specialise with a `type` that is a
/// `description<…>`.
template <class T>
struct describe_other {};

namespace detail {
template <class T>
concept described_by_lookup = requires { millrace_describe(static_cast<T const*>(nullptr)); };
template <class T>
concept described_otherwise = requires { typename describe_other<T>::type; };

template <class T>
struct description_lookup {};
template <class T>
    requires described_by_lookup<T>
struct description_lookup<T> {
    using type = decltype(millrace_describe(static_cast<T const*>(nullptr)));
};
template <class T>
    requires(!described_by_lookup<T> && described_otherwise<T>)
struct description_lookup<T> {
    using type = typename describe_other<T>::type;
};
}  // namespace detail

/// Formats see only this: a record whose fields have names.
template <class T>
concept described = requires { typename detail::description_lookup<std::remove_cvref_t<T>>::type; };

template <described T>
using description_of = typename detail::description_lookup<std::remove_cvref_t<T>>::type;

/// Calls `visit.template operator()<Field>()` for each described field in order; folds nothing,
/// returns nothing.
template <described T, class Visit>
constexpr void for_each_field(Visit&& visit) {
    [&]<fixed_string Name, class... Fields>(description<Name, Fields...>) {
        (visit.template operator()<Fields>(), ...);
    }(description_of<T>{});
}

template <described T>
inline constexpr std::size_t field_count = description_of<T>::size;

namespace detail {
template <class D>
struct field_names;
template <fixed_string Name, class... Fields>
struct field_names<description<Name, Fields...>> {
    static constexpr std::size_t size = sizeof...(Fields);
    static constexpr std::string_view value[size == 0 ? 1 : size] = {Fields::name.view()...};
    static constexpr std::size_t find(std::string_view name) {
        for (std::size_t i = 0; i < size; ++i)
            if (value[i] == name) return i;
        return size;
    }
};
}  // namespace detail

/// The index of the field called `name`, or `field_count<T>`.
template <described T>
constexpr std::size_t field_index(std::string_view name) {
    return detail::field_names<description_of<T>>::find(name);
}

namespace detail {
template <std::size_t I, class F>
struct indexed_field {
    using type = F;
};
template <class Sequence, class... Fields>
struct field_list;
template <std::size_t... I, class... Fields>
struct field_list<std::index_sequence<I...>, Fields...> : indexed_field<I, Fields>... {};
template <std::size_t I, class F>
indexed_field<I, F> pick_field(indexed_field<I, F>*);
template <std::size_t I, class D>
struct nth_field;
template <std::size_t I, fixed_string Name, class... Fields>
struct nth_field<I, description<Name, Fields...>> {
    using list = field_list<std::make_index_sequence<sizeof...(Fields)>, Fields...>;
    using type = typename decltype(pick_field<I>(static_cast<list*>(nullptr)))::type;
};
}  // namespace detail

/// The I-th field of a described record.
template <described T, std::size_t I>
using field_at = typename detail::nth_field<I, description_of<T>>::type;

// MILLRACE_RECORD(type, field, …): up to 64 fields. Stands in the namespace of the record, behind
// it; found by argument-dependent lookup.
#define MILLRACE_RECORD(Type, ...)                                                        \
    [[maybe_unused]] consteval auto millrace_describe(Type const*) {                      \
        using millrace_record_type [[maybe_unused]] = Type;                               \
        return ::millrace::description<#Type __VA_OPT__(MILLRACE_FIELDS(__VA_ARGS__))>{}; \
    }                                                                                     \
    static_assert(true)
#define MILLRACE_FIELDS(...) MILLRACE_EXPAND(MILLRACE_FIELD_STEP(__VA_ARGS__))
#define MILLRACE_FIELD_STEP(Field, ...)                                    \
    , ::millrace::member<#Field, &millrace_record_type::Field> __VA_OPT__( \
          MILLRACE_FIELD_AGAIN MILLRACE_PARENS(__VA_ARGS__))
#define MILLRACE_FIELD_AGAIN() MILLRACE_FIELD_STEP
#define MILLRACE_PARENS ()
#define MILLRACE_EXPAND(...) \
    MILLRACE_EXPAND_3(MILLRACE_EXPAND_3(MILLRACE_EXPAND_3(MILLRACE_EXPAND_3(__VA_ARGS__))))
#define MILLRACE_EXPAND_3(...) \
    MILLRACE_EXPAND_2(MILLRACE_EXPAND_2(MILLRACE_EXPAND_2(MILLRACE_EXPAND_2(__VA_ARGS__))))
#define MILLRACE_EXPAND_2(...) \
    MILLRACE_EXPAND_1(MILLRACE_EXPAND_1(MILLRACE_EXPAND_1(MILLRACE_EXPAND_1(__VA_ARGS__))))
#define MILLRACE_EXPAND_1(...) __VA_ARGS__

}  // namespace millrace
