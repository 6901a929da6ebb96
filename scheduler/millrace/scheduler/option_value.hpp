// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Which types an option can have: how each is read from the command line, shown in `--help`, and
// named in messages.

#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/io/number.hpp>
#include <millrace/io/timestamp.hpp>
#include <millrace/model/text.hpp>
#include <millrace/model/time.hpp>
#include <millrace/scheduler/duration_text.hpp>

namespace millrace {

/// Specialise it for a type of your own: `placeholder` for `--help`, `allowed()` to stand behind
/// «takes», `read` and `show`.
template <class T>
struct option_value;

template <std::integral I>
struct option_value<I> {
    static constexpr std::string_view placeholder = "NUMBER";
    static std::string allowed() {
        using limits = std::numeric_limits<I>;
        if constexpr (sizeof(I) < 4)
            return "a whole number from " + std::to_string(limits::min()) + " to "
                   + std::to_string(limits::max());
        else if constexpr (std::unsigned_integral<I>)
            return "a whole number from 0 to " + std::to_string(limits::max());
        else
            return "a whole number of " + std::to_string(8 * sizeof(I)) + " bits";
    }
    static bool read(std::string_view text, I& out) {
        char const* const begin = text.data();
        char const* const end = begin + text.size();
        return detail::read_integer(begin, end, end, out) == text_error::none;
    }
    static std::string show(I value) { return std::to_string(value); }
};

template <std::floating_point F>
struct option_value<F> {
    static constexpr std::string_view placeholder = "NUMBER";
    static std::string allowed() { return "a number"; }
    static bool read(std::string_view text, F& out) {
        return detail::read_floating(text.data(), text.data() + text.size(), out)
               == text_error::none;
    }
    static std::string show(F value) {
        char out[detail::number_bytes_max];
        return {out, detail::write_number(out, value)};
    }
};

template <>
struct option_value<bool> {
    static constexpr std::string_view placeholder = "";
    static std::string allowed() { return "true or false"; }
    static bool read(std::string_view text, bool& out) {
        bool const yes = text == "true" || text == "yes" || text == "on" || text == "1";
        bool const no = text == "false" || text == "no" || text == "off" || text == "0";
        if (yes || no) out = yes;
        return yes || no;
    }
    static std::string show(bool value) { return value ? "true" : "false"; }
};

template <>
struct option_value<std::string> {
    static constexpr std::string_view placeholder = "TEXT";
    static std::string allowed() { return "a text"; }
    static bool read(std::string_view text, std::string& out) {
        out = text;
        return true;
    }
    static std::string show(std::string const& value) { return value; }
};

template <std::size_t N>
struct option_value<text<N>> {
    static constexpr std::string_view placeholder = "TEXT";
    static std::string allowed() { return "a text of at most " + std::to_string(N) + " bytes"; }
    static bool read(std::string_view from, text<N>& out) { return out.assign(from); }
    static std::string show(text<N> const& value) { return std::string(value.view()); }
};

template <>
struct option_value<duration> {
    static constexpr std::string_view placeholder = "DURATION";
    static std::string allowed() { return "a duration such as 500ms, 90s, 7min, 1h or 2d"; }
    static bool read(std::string_view text, duration& out) { return read_duration(text, out); }
    static std::string show(duration value) { return duration_text(value); }
};

template <>
struct option_value<time_point> {
    static constexpr std::string_view placeholder = "TIME";
    static std::string allowed() { return "a time such as 2013-01-01T05:00:00Z"; }
    static bool read(std::string_view text, time_point& out) {
        return detail::read_rfc3339(text.data(), text.data() + text.size(), out)
               == text_error::none;
    }
    static std::string show(time_point value) {
        char out[2 * detail::number_bytes_max];
        return {out, detail::write_time(out, value, time_format::rfc3339)};
    }
};

/// Empty unless the option is given.
template <class T>
struct option_value<std::optional<T>> {
    static constexpr std::string_view placeholder = option_value<T>::placeholder;
    static std::string allowed() { return option_value<T>::allowed(); }
    static bool read(std::string_view text, std::optional<T>& out) {
        T value{};
        bool const good = option_value<T>::read(text, value);
        if (good) out = std::move(value);
        return good;
    }
    static std::string show(std::optional<T> const& value) {
        return value ? option_value<T>::show(*value) : std::string();
    }
};

/// Several values behind one option, or the option several times.
template <class T>
struct option_value<std::vector<T>> {
    static constexpr std::string_view placeholder = option_value<T>::placeholder;
    static std::string allowed() { return option_value<T>::allowed(); }
    static bool read(std::string_view text, std::vector<T>& out) {
        T value{};
        bool const good = option_value<T>::read(text, value);
        if (good) out.push_back(std::move(value));
        return good;
    }
    static std::string show(std::vector<T> const& values) {
        std::string out;
        for (T const& value : values)
            out.append(out.empty() ? "" : " ").append(option_value<T>::show(value));
        return out;
    }
};

/// A flag and no concept, as a compiler explains concepts at length under our one sentence.
template <class T>
inline constexpr bool is_option_type = requires { option_value<T>::placeholder; };

template <class T>
inline constexpr bool is_repeated_option = false;
template <class T>
inline constexpr bool is_repeated_option<std::vector<T>> = true;
template <class T>
inline constexpr bool is_flag_option =
    std::same_as<T, bool> || std::same_as<T, std::optional<bool>>;

}  // namespace millrace
