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

template <class D>
struct described_names;
template <fixed_string Name, class... F>
struct described_names<description<Name, F...>> {
    template <class Other>
    static constexpr bool all_in = ((field_index<Other>(F::name.view()) < field_count<Other>) && ...);
};

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
        ok = ok && requires(typename source::type const& s) { static_cast<typename Field::type>(s); };
    });
    return ok;
}();
}  // namespace detail

template <class T>
struct into_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::one_to_one;
    static constexpr std::string_view word = "into";
    static constexpr auto name = fixed_string{""};

    template <class In>
    static consteval auto accept() {
        using from = typename In::record;
        if constexpr (!described<T> || !described<from>) {
            static_assert(described<T> && described<from>,
                          "millrace: into: a record has no description. Write MILLRACE_RECORD(type, fields…) behind it.");
            return accepted<rejected>{};
        } else {
            constexpr bool none_missing = detail::described_names<description_of<T>>::template all_in<from>;
            constexpr bool none_left = detail::described_names<description_of<from>>::template all_in<T>;
            if constexpr (!none_missing) {
                static_assert(none_missing, "millrace: into: the struct has a field that the row does not. Remove it, or "
                                            "name a column like it.");
                return accepted<rejected>{};
            } else if constexpr (!none_left) {
                static_assert(none_left, "millrace: into: the row has a column that the struct does not take. Add a field "
                                         "of that name, or map the row instead.");
                return accepted<rejected>{};
            } else if constexpr (!detail::fields_convert<T, from>) {
                static_assert(detail::fields_convert<T, from>,
                              "millrace: into: a field can't be made of the column of its name. Give it that type.");
                return accepted<rejected>{};
            } else {
                return accepted<stream<T, no_key, In::traits>>{};
            }
        }
    }
    template <class In, class Env>
    constexpr auto open(Env&) {
        return detail::into_operator<T, typename In::record>{};
    }
};

/// Turns a row (or any described record) into a `T` with the same field names, in any order, converting by static_cast.
template <class T>
[[nodiscard]] constexpr auto into() {
    return into_stage<T>{};
}

}  // namespace millrace
