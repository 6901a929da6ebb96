// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Takes records that Boost.Hana describes: BOOST_HANA_DEFINE_STRUCT inside the struct,
// BOOST_HANA_ADAPT_STRUCT at global scope. Include it where such a record is used.

#include <cstddef>
#include <type_traits>
#include <utility>

#include <boost/hana/accessors.hpp>
#include <boost/hana/at.hpp>
#include <boost/hana/concept/struct.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/length.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/string.hpp>

#include <millrace/model/describe.hpp>
#include <millrace/model/fixed_string.hpp>

namespace millrace {

namespace detail {

template <class S>
struct hana_text;
template <char... C>
struct hana_text<boost::hana::string<C...>> {
    static constexpr fixed_string<sizeof...(C) + 1> value{{C..., 0}};
};

/// One member of a Hana struct, in the shape of `member`.
template <class T, std::size_t I>
struct hana_member {
    static constexpr auto accessor = boost::hana::at_c<I>(boost::hana::accessors<T>());
    using text = std::remove_cvref_t<decltype(boost::hana::first(accessor))>;
    static constexpr auto name = hana_text<text>::value;
    using type =
        std::remove_cvref_t<decltype(boost::hana::second(accessor)(std::declval<T const&>()))>;
    static constexpr type const& get(T const& record) {
        return boost::hana::second(accessor)(record);
    }
    static constexpr type& get(T& record) { return boost::hana::second(accessor)(record); }
};

template <class T, class Sequence>
struct hana_description;
template <class T, std::size_t... I>
struct hana_description<T, std::index_sequence<I...>> {
    using type = description<"struct", hana_member<T, I>...>;
};

}  // namespace detail

template <class T>
    requires(boost::hana::Struct<T>::value)
struct describe_other<T> {
    using type =
        typename detail::hana_description<T, std::make_index_sequence<decltype(boost::hana::length(
                                                 boost::hana::accessors<T>()))::value>>::type;
};

}  // namespace millrace
