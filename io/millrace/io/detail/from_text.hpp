// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A piece of text to the value of a field, for formats whose values are text without structure.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include <millrace/io/detail/schema.hpp>
#include <millrace/io/number.hpp>
#include <millrace/io/timestamp.hpp>
#include <millrace/model/text.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

/// Short text goes by one load and one store, of constant size, instead of a call of `memcpy`.
template <std::size_t N>
text_error assign_text(text<N>& out, char const* p, char const* end, char const* readable) {
    auto const size = static_cast<std::size_t>(end - p);
    if (size > N) [[unlikely]]
        return text_error::too_long;
    if constexpr (N <= 8) {
        if (readable - p >= 8) [[likely]] {
            std::uint64_t const v =
                size == 0 ? 0 : load_8(p) & (~std::uint64_t{0} >> (64 - 8 * size));
            std::memcpy(out.bytes, &v, N);
            out.length = static_cast<typename text<N>::size_type>(size);
            return text_error::none;
        }
    }
    std::memset(out.bytes, 0, N);
    if (size != 0) std::memcpy(out.bytes, p, size);
    out.length = static_cast<typename text<N>::size_type>(size);
    return text_error::none;
}

inline text_error read_bool(std::string_view text, bool& out) {
    bool const yes = text == "true" || text == "1" || text == "TRUE" || text == "True";
    bool const no = text == "false" || text == "0" || text == "FALSE" || text == "False";
    out = yes;
    return yes || no ? text_error::none : text.empty() ? text_error::empty : text_error::not_a_bool;
}

/// The whole of [p, end) as a `T`.
template <text_field T>
text_error from_text(T& out, char const* p, char const* end, char const* readable,
                     time_format time) {
    if constexpr (std::same_as<T, bool>) {
        return read_bool({p, static_cast<std::size_t>(end - p)}, out);
    } else if constexpr (std::same_as<T, char>) {
        if (end - p != 1) return p == end ? text_error::empty : text_error::not_one_character;
        out = *p;
        return text_error::none;
    } else if constexpr (plain_integer<T>) {
        return read_integer(p, end, readable, out);
    } else if constexpr (std::floating_point<T>) {
        return read_floating(p, end, out);
    } else if constexpr (std::is_enum_v<T>) {
        std::underlying_type_t<T> value{};
        auto const e = from_text(value, p, end, readable, time);
        out = static_cast<T>(value);
        return e;
    } else if constexpr (is_text<T>) {
        return assign_text(out, p, end, readable);
    } else if constexpr (std::same_as<T, time_point>) {
        return read_time(p, end, readable, time, out);
    } else if constexpr (std::same_as<T, duration>) {
        return read_integer(p, end, readable, out.ns);
    } else {
        out = T(p, static_cast<std::size_t>(end - p));
        return text_error::none;
    }
}

/// Text of a value that is neither text nor a character; at most `number_bytes_max` bytes.
template <class T>
char* to_text(char* out, T const& value, time_format time) {
    if constexpr (std::same_as<T, bool>) {
        std::string_view const word = value ? "true" : "false";
        std::memcpy(out, word.data(), word.size());
        return out + word.size();
    } else if constexpr (std::is_enum_v<T>) {
        return to_text(out, static_cast<std::underlying_type_t<T>>(value), time);
    } else if constexpr (std::same_as<T, time_point>) {
        return write_time(out, value, time);
    } else if constexpr (std::same_as<T, duration>) {
        return write_number(out, value.ns);
    } else {
        return write_number(out, value);
    }
}

}  // namespace millrace::detail
