// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `record_name<T>()`: what a plan calls the records of a stream, the same on every compiler.

#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

#include <millrace/model/bytes.hpp>
#include <millrace/model/describe.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/row.hpp>
#include <millrace/model/text.hpp>
#include <millrace/model/time.hpp>

namespace millrace {

namespace detail {

// The standard's containers are met by what they can do: their headers would cost more than the
// whole language.
template <class T>
concept string_like = requires(T const& t) {
    typename T::traits_type;
    t.c_str();
};
template <class T>
concept view_of_text = requires(T& t) {
    typename T::traits_type;
    t.remove_prefix(1);
};
template <class T>
concept holds_vector = requires(T& t) {
    typename T::value_type;
    t.capacity();
    t.push_back(t.front());
};
template <class T>
concept holds_range = requires(T& t) {
    typename T::value_type;
    t.begin();
    t.end();
};
template <class T>
concept holds_pair = requires {
    typename T::first_type;
    typename T::second_type;
};
template <class T>
concept sole_owner = requires(T& t) {
    typename T::element_type;
    t.release();
};
template <class T>
concept shared_owner = requires(T& t) {
    typename T::element_type;
    t.use_count();
};

template <std::size_t N>
consteval auto number_text() {
    constexpr std::size_t digits = [] {
        std::size_t count = 1;
        for (std::size_t n = N; n > 9; n /= 10) ++count;
        return count;
    }();
    fixed_string<digits + 1> out;
    std::size_t left = N;
    for (std::size_t i = digits; i > 0; left /= 10)
        out.value[--i] = static_cast<char>('0' + left % 10);
    return out;
}

/// The names of some columns, as one text.
template <class... C>
struct column_names {
    static constexpr auto value = fixed_string{""};
};
template <class First, class... Rest>
struct column_names<First, Rest...> {
    static constexpr auto value = (First::name + ... + (fixed_string{", "} + Rest::name));
};
template <class Row>
struct row_columns;
template <class... C>
struct row_columns<row<C...>> : column_names<C...> {};

template <class T>
consteval auto scalar_text() {
    if constexpr (std::is_same_v<T, bool>)
        return fixed_string{"bool"};
    else if constexpr (std::is_same_v<T, char>)
        return fixed_string{"char"};
    else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
        return fixed_string{"int"} + number_text<sizeof(T) * 8>();
    else if constexpr (std::is_integral_v<T>)
        return fixed_string{"uint"} + number_text<sizeof(T) * 8>();
    else if constexpr (std::is_same_v<T, float>)
        return fixed_string{"float"};
    else if constexpr (std::is_same_v<T, double>)
        return fixed_string{"double"};
    else if constexpr (std::is_same_v<T, long double>)
        return fixed_string{"long double"};
    else if constexpr (std::is_enum_v<T>)
        return fixed_string{"enum"};
    else if constexpr (std::is_pointer_v<T>)
        return fixed_string{"pointer"};
    else
        return fixed_string{"record"};
}

template <class T>
struct record_text {
    template <class Other>
    static constexpr auto of = record_text<std::remove_cv_t<Other>>::value;

    static consteval auto find() {
        if constexpr (described<T>)
            return description_of<T>::name;
        else if constexpr (string_like<T>)
            return fixed_string{"string"};
        else if constexpr (view_of_text<T>)
            return fixed_string{"string_view"};
        else if constexpr (holds_vector<T>)
            return fixed_string{"vector<"} + of<typename T::value_type> + fixed_string{">"};
        else if constexpr (holds_range<T>)
            return fixed_string{"range<"} + of<typename T::value_type> + fixed_string{">"};
        else if constexpr (holds_pair<T>)
            return fixed_string{"pair<"} + of<typename T::first_type>
                   + fixed_string{", "} + of<typename T::second_type> + fixed_string{">"};
        else if constexpr (sole_owner<T>)
            return fixed_string{"unique_ptr<"} + of<typename T::element_type> + fixed_string{">"};
        else if constexpr (shared_owner<T>)
            return fixed_string{"shared_ptr<"} + of<typename T::element_type> + fixed_string{">"};
        else
            return scalar_text<T>();
    }
    static constexpr auto value = find();
};
template <class T>
struct record_text<std::optional<T>> {
    static constexpr auto value =
        fixed_string{"optional<"} + record_text<T>::value + fixed_string{">"};
};
template <std::size_t N>
struct record_text<text<N>> {
    static constexpr auto value = fixed_string{"text<"} + number_text<N>() + fixed_string{">"};
};
template <class... C>
struct record_text<row<C...>> {
    static constexpr auto value =
        fixed_string{"row<"} + column_names<C...>::value + fixed_string{">"};
};
template <>
struct record_text<time_point> {
    static constexpr auto value = fixed_string{"time_point"};
};
template <>
struct record_text<duration> {
    static constexpr auto value = fixed_string{"duration"};
};
template <>
struct record_text<bytes> {
    static constexpr auto value = fixed_string{"bytes"};
};
template <>
struct record_text<chunk> {
    static constexpr auto value = fixed_string{"chunk"};
};
template <>
struct record_text<frame> {
    static constexpr auto value = fixed_string{"frame"};
};

}  // namespace detail

/// The name of a record type: of a described one its own, of a row its columns (`row<origin,
/// flights>`), of numbers, text and the standard's containers what they hold (`int32`, `text<3>`,
/// `optional<double>`), else `record`. Never from `__PRETTY_FUNCTION__`, which differs by compiler.
template <class T>
[[nodiscard]] consteval std::string_view record_name() {
    return detail::record_text<std::remove_cvref_t<T>>::value.view();
}

}  // namespace millrace
