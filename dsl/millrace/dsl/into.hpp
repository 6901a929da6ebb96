// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `into<T>()`: a row into a struct of the user's, by the names of its fields.

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/describe.hpp>

namespace millrace {

namespace detail {

/// Stands in a diagnostic: the name of a field that only one side has.
template <fixed_string Name>
struct missing;
template <class Missing>
inline constexpr bool found = std::is_void_v<Missing>;

/// The first field of a description that `Other` has not, or void.
template <class Other, class D>
struct first_missing : std::type_identity<void> {};
template <class Other, fixed_string Name, class F, class... Rest>
struct first_missing<Other, description<Name, F, Rest...>>
    : first_missing<Other, description<Name, Rest...>> {};
template <class Other, fixed_string Name, class F, class... Rest>
    requires(field_index<Other>(F::name.view()) == field_count<Other>)
struct first_missing<Other, description<Name, F, Rest...>> : std::type_identity<missing<F::name>> {
};
template <class Other, class D>
inline constexpr bool lacks = !found<typename first_missing<Other, D>::type>;

template <class T, class From>
struct into_operator {
    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        T out{};
        for_each_field<T>([&]<class Field>() {
            using source = field_at<From, field_index<From>(Field::name.view())>;
            Field::get(out) = static_cast<typename Field::type>(source::get(record));
        });
        emit(std::move(out), ctx);
    }
};

template <class T, class From>
inline constexpr bool fields_convert = [] {
    bool ok = true;
    for_each_field<T>([&]<class Field>() {
        using source = field_at<From, field_index<From>(Field::name.view())>;
        ok = ok
             && requires(typename source::type const& s) { static_cast<typename Field::type>(s); };
    });
    return ok;
}();
}  // namespace detail

template <class T>
struct into_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::one_to_one;
    static constexpr std::string_view word = "into";
    static constexpr auto name = fixed_string{""};

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using from = typename In::record;
        if constexpr (!described<T> || !described<from>) {
            static_assert(
                !Aloud || (described<T> && described<from>),
                "millrace: into: a record has no description. Write MILLRACE_RECORD(type, fields…) behind it.");
            return refused<into_stage, In>{};
        } else if constexpr (detail::lacks<from, description_of<T>>) {
            using lacking = typename detail::first_missing<from, description_of<T>>::type;
            static_assert(
                !Aloud || detail::found<lacking>,
                "millrace: into: the struct has a field that the row does not. Remove it, or name a column like "
                "it.");
            return refused<into_stage, In>{};
        } else if constexpr (detail::lacks<T, description_of<from>>) {
            using surplus = typename detail::first_missing<T, description_of<from>>::type;
            static_assert(
                !Aloud || detail::found<surplus>,
                "millrace: into: the row has a column that the struct does not take. Add a field of that name, "
                "or map the row instead.");
            return refused<into_stage, In>{};
        } else if constexpr (!detail::fields_convert<T, from>) {
            static_assert(
                !Aloud,
                "millrace: into: a field can't be made of the column of its name. Give it that type.");
            return refused<into_stage, In>{};
        } else {
            return accepted<stream<T, no_key, In::traits>>{};
        }
    }
    template <class In, class Env>
    constexpr auto open(Env&) {
        return detail::into_operator<T, typename In::record>{};
    }
};

/// Turns a row (or any described record) into a `T` with the same field names, in any order,
/// converting by static_cast.
template <class T>
[[nodiscard]] constexpr auto into() {
    return into_stage<T>{};
}

}  // namespace millrace
