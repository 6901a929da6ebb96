// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What formats see of a description: which field types they carry, and the flat list of a record's
// leaves.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <millrace/model/describe.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/text.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
concept wide_character = std::same_as<T, wchar_t> || std::same_as<T, char8_t>
                         || std::same_as<T, char16_t> || std::same_as<T, char32_t>;
template <class T>
concept plain_integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>
                        && !wide_character<T> && sizeof(T) <= 8;
template <class T>
concept plain_number = plain_integer<T> || std::same_as<T, float> || std::same_as<T, double>;

/// A field of a known number of bytes, at most.
template <class T>
concept bounded_field =
    plain_number<T> || std::same_as<T, bool> || std::same_as<T, char> || std::is_enum_v<T>
    || is_text<T> || std::same_as<T, time_point> || std::same_as<T, duration>;
/// A field that is one value in text.
template <class T>
concept text_field =
    bounded_field<T> || std::same_as<T, std::string_view> || std::same_as<T, std::string>;

template <class T>
concept nested_record = described<T> && !text_field<T>;

/// Stands in a diagnostic: the field that the format can't carry, and its type.
template <fixed_string Field, class Type>
struct unsupported_field;

/// The first field of `T` that `Carries` refuses, as `unsupported_field<…>`; `void` if there is
/// none.
template <class T, template <class> class Carries>
consteval auto find_unsupported();

template <class F, template <class> class Carries>
consteval auto find_unsupported_in() {
    using type = typename F::type;
    if constexpr (Carries<type>::value) {
        return std::type_identity<void>{};
    } else if constexpr (nested_record<type> && Carries<void>::nested) {
        return find_unsupported<type, Carries>();
    } else if constexpr (is_optional<type> && Carries<void>::optional_nested) {
        if constexpr (nested_record<typename type::value_type>)
            return find_unsupported<typename type::value_type, Carries>();
        else
            return std::type_identity<unsupported_field<F::name, type>>{};
    } else {
        return std::type_identity<unsupported_field<F::name, type>>{};
    }
}

/// Keeps the first that is not `void`.
template <class A>
struct unsupported_fold {
    template <class B>
    friend consteval auto operator+(unsupported_fold, std::type_identity<B>) {
        return unsupported_fold<std::conditional_t<std::is_void_v<A>, B, A>>{};
    }
    using type = A;
};

template <class T, template <class> class Carries>
consteval auto find_unsupported() {
    return []<fixed_string Name, class... Fields>(description<Name, Fields...>) {
        using fold =
            decltype((unsupported_fold<void>{} + ... + find_unsupported_in<Fields, Carries>()));
        return std::type_identity<typename fold::type>{};
    }(description_of<T>{});
}

/// A value of a record as formats without nesting see it: its dotted name, its type, the way to it.
template <fixed_string Name, class T, class... Path>
struct leaf {
    using type = T;
    static constexpr auto name = Name;
    template <class R>
    static constexpr auto& get(R& record) {
        return walk<R, Path...>(record);
    }

private:
    template <class R, class First, class... Rest>
    static constexpr auto& walk(R& record) {
        if constexpr (sizeof...(Rest) == 0)
            return First::get(record);
        else
            return walk<std::remove_reference_t<decltype(First::get(record))>, Rest...>(
                First::get(record));
    }
};

template <class... Leaves>
struct leaf_list {
    static constexpr std::size_t size = sizeof...(Leaves);
    static constexpr std::string_view names[size == 0 ? 1 : size] = {Leaves::name.view()...};
};
template <class... A, class... B>
consteval auto operator+(leaf_list<A...>, leaf_list<B...>) {
    return leaf_list<A..., B...>{};
}

template <class T, fixed_string Prefix, class... Path>
consteval auto collect_leaves() {
    return []<fixed_string Name, class... Fields>(description<Name, Fields...>) {
        auto const one = []<class F>(std::type_identity<F>) {
            if constexpr (nested_record<typename F::type>)
                return collect_leaves<typename F::type, Prefix + F::name + fixed_string{"."},
                                      Path..., F>();
            else
                return leaf_list<leaf<Prefix + F::name, typename F::type, Path..., F>>{};
        };
        return (leaf_list<>{} + ... + one(std::type_identity<Fields>{}));
    }(description_of<T>{});
}

/// The leaves of `T` in order: nested records are flattened, their names joined by dots.
template <described T>
using leaves_of = decltype(collect_leaves<T, fixed_string{""}>());

}  // namespace millrace::detail
