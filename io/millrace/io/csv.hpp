// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `file(…) | csv<flight>()` reads records from CSV, `… | csv() | to(file(…))` writes them.

#include <concepts>
#include <optional>
#include <string_view>
#include <type_traits>

#include <millrace/io/csv_options.hpp>
#include <millrace/io/detail/csv_reader.hpp>
#include <millrace/io/detail/csv_writer.hpp>
#include <millrace/io/detail/schema.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/describe.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {
namespace detail {

/// The field types of CSV: one value each, or an optional of one; nested records become dotted
/// columns.
template <class T>
struct csv_carries : std::bool_constant<text_field<T>> {};
template <text_field T>
struct csv_carries<std::optional<T>> : std::true_type {};
template <>
struct csv_carries<void> {
    static constexpr bool nested = true;
    static constexpr bool optional_nested = false;
};

/// The first field of a described record that CSV can't hold, as an `unsupported_field<…>`; else
/// void.
template <class T>
using csv_unsupported = typename decltype(find_unsupported<T, csv_carries>())::type;
template <class Unsupported>
inline constexpr bool csv_holds = std::is_void_v<Unsupported>;

}  // namespace detail

template <class T>
struct csv_parser_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::parser;
    static constexpr std::string_view word = "csv";
    static constexpr auto name = fixed_string{""};
    using record = T;
    static constexpr bool rows_are_lines =
        true;  // a row ends in a line end: a file can be cut there

    csv_options options;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        if constexpr (!std::derived_from<typename In::record, chunk>) {
            static_assert(
                !Aloud,
                "millrace: csv: csv<T>() reads bytes, and here come records. Put it right behind a source "
                "of bytes such as file(…), or write csv() to write records.");
            return refused<csv_parser_stage, In>{};
        } else if constexpr (!described<T>) {
            static_assert(
                !Aloud,
                "millrace: csv: the record has no description. Write MILLRACE_RECORD(type, field, …) "
                "behind it.");
            return refused<csv_parser_stage, In>{};
        } else if constexpr (!detail::csv_holds<detail::csv_unsupported<T>>) {
            static_assert(
                !Aloud || detail::csv_holds<detail::csv_unsupported<T>>,
                "millrace: csv: a field has a type that CSV can't hold. Take a number, bool, enum, char, text<N>, "
                "string, string_view, time_point, duration, an optional of these, or a described record.");
            return refused<csv_parser_stage, In>{};
        } else {
            return accepted<stream<T, no_key, In::traits>>{};
        }
    }

    template <class In, class Env>
    auto open(Env&) const {
        return detail::csv_reader<T>{options};
    }
};

struct csv_writer_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::writer;
    static constexpr std::string_view word = "csv";
    static constexpr auto name = fixed_string{""};

    csv_options options;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!described<record>) {
            static_assert(
                !Aloud,
                "millrace: csv: the record has no description. Write MILLRACE_RECORD(type, field, …) "
                "behind it.");
            return refused<csv_writer_stage, In>{};
        } else if constexpr (!detail::csv_holds<detail::csv_unsupported<record>>) {
            static_assert(
                !Aloud || detail::csv_holds<detail::csv_unsupported<record>>,
                "millrace: csv: a field has a type that CSV can't hold. Take a number, bool, enum, char, text<N>, "
                "string, string_view, time_point, duration, an optional of these, or a described record.");
            return refused<csv_writer_stage, In>{};
        } else {
            return accepted<stream<bytes, typename In::key, In::traits>>{};
        }
    }

    template <class In, class Env>
    auto open(Env&) const {
        return detail::csv_writer<typename In::record>{options};
    }
};

/// Reads records of type `T` from CSV (RFC 4180, LF or CRLF): `file("f.csv") | csv<flight>()`.
/// Columns go by the names in the header, in any order; only described fields are converted. `NA`
/// and empty are the empty optional. A view sees the input.
template <class T>
constexpr csv_parser_stage<T> csv(csv_options options = {}) {
    return {{}, options};
}

/// Writes records as CSV, with a header unless told otherwise; quotes only where needed. What is
/// written reads back equal.
constexpr csv_writer_stage csv(csv_options options = {}) { return {{}, options}; }

}  // namespace millrace
