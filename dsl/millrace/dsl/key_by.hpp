// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `key_by(field<&flight::origin>, field<&flight::carrier>)`: records of one key go to one
// partition, in order.

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/call.hpp>
#include <millrace/model/hash.hpp>
#include <millrace/model/owning.hpp>
#include <millrace/model/row.hpp>

namespace millrace {

namespace detail {

template <std::string_view const& Text>
struct literal_of {
    static constexpr auto value = [] {
        fixed_string<Text.size() + 1> out;
        for (std::size_t i = 0; i < Text.size(); ++i) out.value[i] = Text[i];
        return out;
    }();
};
template <class F, class Record>
struct found_name {
    static constexpr std::string_view view = F::template name_in<Record>();
};

/// The column of a key function: the field's name, else the key's own name, else key1, key2, …
template <fixed_string Name, std::size_t I, std::size_t Count, class F, class Record>
consteval auto key_column_name() {
    if constexpr (is_field<F>) {
        if constexpr (found_name<F, Record>::view.size() > 0)
            return literal_of<found_name<F, Record>::view>::value;
        else
            return fixed_string{"key"};
    } else if constexpr (!Name.empty() && Count == 1) {
        return Name;
    } else if constexpr (Count == 1) {
        return fixed_string{"key"};
    } else {
        return fixed_string<5>({'k', 'e', 'y', static_cast<char>('1' + I), 0});
    }
}

template <class F, class Record>
using key_value = std::remove_cvref_t<decltype(std::declval<F&>()(std::declval<Record const&>()))>;
/// A hash_value alone makes no key.
template <class T>
inline constexpr bool lacks_equality =
    requires(T const& v) { hash_value(v); } && !requires(T const& v) { v == v; };

template <fixed_string Name, class Sequence, class... F>
struct key_functions;

/// The key of a stream: how to read it from a record, and its type, a row of named columns.
template <fixed_string Name, std::size_t... I, class... F>
struct key_functions<Name, std::index_sequence<I...>, F...> {
    flat_tuple<F...> functions;

    template <class Record>
    using row_type =
        row<column<key_column_name<Name, I, sizeof...(F), F, Record>(), key_value<F, Record>>...>;

    template <class Record>
    [[gnu::always_inline]] inline row_type<Record> operator()(Record const& record) {
        return {{functions.template at<I>()(record)}...};
    }
    template <class Record>
    static constexpr bool never_throws_for = (never_throws<F, Record const&> && ...);
};

}  // namespace detail

/// The key of a keyed stream, as its type knows it: the functions, and the row they make.
template <class Functions, class Row>
struct key_info {
    using functions = Functions;
    using type = Row;
};

template <fixed_string Name, class... F>
struct key_by_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::key;
    static constexpr std::string_view word = "key_by";
    static constexpr auto name = Name;
    using functions_type = detail::key_functions<Name, std::index_sequence_for<F...>, F...>;
    functions_type functions;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!(detail::takes_const<F, record> && ...)) {
            static_assert(
                !Aloud,
                "millrace: key_by: the field or function can't be read from the record of this stream. "
                "Name a field of the record that the stage before emits.");
            return refused<key_by_stage, In>{};
        } else if constexpr (!owning<record>) {
            static_assert(
                !Aloud || detail::owned<typename detail::view_in<record>::type>,
                "millrace: key_by: a record that views its input buffer would cross an exchange and outlive it. "
                "Describe the field as text<16> or std::string, or map to a record that owns.");
            return refused<key_by_stage, In>{};
        } else {
            using key = typename functions_type::template row_type<record>;
            if constexpr (!owning<key>) {
                static_assert(
                    !Aloud || detail::owned<typename detail::view_in<key>::type>,
                    "millrace: key_by: the key is a view and would outlive its bytes in the state. Return a "
                    "text<16> or a std::string.");
                return refused<key_by_stage, In>{};
            } else if constexpr ((detail::lacks_equality<detail::key_value<F, record>> || ...)) {
                static_assert(
                    !Aloud,
                    "millrace: key_by: the key can't be compared. Give its type an operator==, or key by "
                    "its fields.");
                return refused<key_by_stage, In>{};
            } else if constexpr (!hashable<key>) {
                static_assert(
                    !Aloud,
                    "millrace: key_by: the key can't be hashed. Give its type an operator== and a "
                    "hash_value(key) beside it, or key by its fields.");
                return refused<key_by_stage, In>{};
            } else {
                constexpr stream_traits b = In::traits;
                constexpr stream_traits after{b.timed, b.held, true, b.ended, b.inputs};
                return accepted<stream<record, key_info<functions_type, key>, after>>{};
            }
        }
    }

    template <class In, class Env>
    constexpr auto open(Env&) {
        return key_operator{std::move(functions)};
    }
    /// Within one core an exchange is nothing: the stages behind read the key from here.
    struct key_operator {
        functions_type functions;
        template <class R, class Ctx, class Emit>
        [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
            emit(static_cast<R&&>(record), ctx);
        }
    };
};

/// Keys the stream by one or several fields or functions. An exchange: records of one key meet on
/// one partition, in their order. The record must own its bytes, the key must be comparable and
/// hashable. A key made by a function is called «key», or as named: `key_by<"airline">(…)`.
template <fixed_string Name = "", class... F>
[[nodiscard]] constexpr auto key_by(F... f) {
    static_assert(sizeof...(F) > 0,
                  "millrace: key_by: it names no key. Write key_by(field<&record::member>).");
    using stage_type = key_by_stage<Name, detail::function_of<F>...>;
    return stage_type{{}, {{{{detail::as_function(std::move(f))}...}}}};
}

}  // namespace millrace
