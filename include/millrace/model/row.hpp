// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Derived records: `row<column<"origin", text<3>>, column<"flights", std::int64_t>>`, read by
// `get<"flights">(r)`.

#include <compare>
#include <cstddef>
#include <type_traits>

#include <millrace/model/describe.hpp>
#include <millrace/model/fixed_string.hpp>

namespace millrace {

/// One named value of a row.
template <fixed_string Name, class T>
struct column {
    using type = T;
    static constexpr auto name = Name;
    T value{};
    friend constexpr bool operator==(column const&, column const&) = default;
    friend constexpr auto operator<=>(column const&, column const&) = default;
};

/// A record made of named columns: what aggregates and joins emit. An aggregate: `row<A, B>{{a},
/// {b}}`.
template <class... Columns>
struct row : Columns... {
    static constexpr std::size_t size = sizeof...(Columns);
    friend constexpr bool operator==(row const&, row const&) = default;
    friend constexpr auto operator<=>(row const&, row const&) = default;
};

namespace detail {
template <fixed_string Name, class T>
constexpr T const& column_of(column<Name, T> const& c) {
    return c.value;
}
template <fixed_string Name, class T>
constexpr T& column_of(column<Name, T>& c) {
    return c.value;
}
template <class Column>
struct column_field {
    using type = typename Column::type;
    static constexpr auto name = Column::name;
    template <class Row>
    static constexpr type const& get(Row const& r) {
        return static_cast<Column const&>(r).value;
    }
    template <class Row>
    static constexpr type& get(Row& r) {
        return static_cast<Column&>(r).value;
    }
};
}  // namespace detail

/// The column called `Name`.
template <fixed_string Name, class... Columns>
constexpr decltype(auto) get(row<Columns...> const& r)
    requires requires { detail::column_of<Name>(r); }
{
    return detail::column_of<Name>(r);
}
template <fixed_string Name, class... Columns>
constexpr decltype(auto) get(row<Columns...>& r)
    requires requires { detail::column_of<Name>(r); }
{
    return detail::column_of<Name>(r);
}

template <class... Columns>
struct describe_other<row<Columns...>> {
    using type = description<"row", detail::column_field<Columns>...>;
};

template <class T>
inline constexpr bool is_row = false;
template <class... Columns>
inline constexpr bool is_row<row<Columns...>> = true;

namespace detail {
template <class... Rows>
struct joined_row;
template <class... A>
struct joined_row<row<A...>> {
    using type = row<A...>;
};
template <class... A, class... B, class... Rest>
struct joined_row<row<A...>, row<B...>, Rest...> : joined_row<row<A..., B...>, Rest...> {};
}  // namespace detail

/// The columns of several rows, one behind the other.
template <class... Rows>
using joined_row = typename detail::joined_row<Rows...>::type;

}  // namespace millrace
