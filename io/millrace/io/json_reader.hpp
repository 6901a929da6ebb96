// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `file(…) | json<event>()` reads records from JSON lines. Needs simdjson.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include <millrace/io/detail/format_memory.hpp>
#include <millrace/io/detail/json_guess.hpp>
#include <millrace/io/detail/json_lines.hpp>
#include <millrace/io/detail/json_ondemand.hpp>
#include <millrace/io/detail/json_schema.hpp>
#include <millrace/io/json_options.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {
namespace detail {

/// The operator of `json<T>()`.
template <class T>
class json_reader {
public:
    explicit json_reader(json_options const& options)
        : options_(options), lines_(options.row_max) {}

    /// Hands over the next piece; its bytes stay valid until the next `feed`.
    void feed(chunk const& c) { lines_.feed(c); }

    /// See `line_reader`, and `csv_reader` for the same words there.
    [[nodiscard]] std::size_t cut_bytes() const { return lines_.cut_bytes(); }
    [[nodiscard]] bool between_rows() const { return cut_bytes() == 0; }
    [[nodiscard]] std::uint64_t line() const { return lines_.number(); }
    void skip_lines(std::uint64_t count) { lines_.skip(count); }
    void begin_anew() { lines_.begin(true); }
    void begin_row() { lines_.begin(false); }
    [[nodiscard]] bool begin_inside(chunk const&) {
        lines_.begin(false);
        return true;
    }

    /// Emits at most `n` records and bad rows and returns their number; fewer than `n`: feed the
    /// next chunk.
    template <class Emit>
    std::size_t parse(std::size_t n, Emit&& emit) {
        scratch_.reset();
        std::size_t taken = 0;
        while (taken < n) {
            if (!lines_.ready()) {
                if (!lines_.take_broken()) break;
                ++taken;
                refuse(long_line, emit);
                continue;
            }
            if (options_.guess && lines_.sentinel_ahead()) [[likely]] {
                T record{};
                std::string_view line;
                if (guess(lines_.at(), record, line)) [[likely]] {
                    auto const number = lines_.number() - 1;
                    ++taken;
                    ++rows_;
                    ++guessed_;
                    emit(std::move(record), line, number);
                    continue;
                }
            }
            auto const what = lines_.cut();
            if (what == line_reader::found::starved) continue;
            if (what == line_reader::found::line && blank(lines_.line())) continue;
            ++taken;
            if (what == line_reader::found::line)
                read_in_full(emit);
            else
                refuse(long_line, emit);
        }
        return taken;
    }

    /// Lines taken, good and bad; blank lines are none.
    [[nodiscard]] std::uint64_t rows() const { return rows_; }
    [[nodiscard]] std::uint64_t bad() const { return bad_; }
    /// Lines that were as the line before let expect.
    [[nodiscard]] std::uint64_t guessed() const { return guessed_; }

private:
    static constexpr std::string_view long_line =
        "the line is longer than .row_max; only its beginning is kept";

    static bool blank(std::string_view line) {
        return line.find_first_not_of(" \t\r") == std::string_view::npos;
    }

    /// Reads the line at `begin` by the guess; it must be valid to the last byte.
    bool guess(char const* begin, T& record, std::string_view& line) {
        json_met met;
        char const* p = guess_.read(begin, {scratch_, options_}, met, record);
        if (p == nullptr) return false;
        p = json_behind_blanks(p);
        if (*p != '\n') return false;
        line = {begin, static_cast<std::size_t>(p - begin)};
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.size() > options_.row_max) return false;
        if (met.non_ascii() && !simdjson::validate_utf8(line)) return false;
        lines_.advance(p + 1);
        return true;
    }

    template <class Emit>
    [[gnu::noinline]] void read_in_full(Emit&& emit) {
        std::string_view const line = lines_.line();
        constexpr std::size_t padding =
            1 + std::max<std::size_t>(simdjson::SIMDJSON_PADDING, json_slack);
        char* const copy = scratch_.take(line.size() + padding);
        std::memcpy(copy, line.data(), line.size());
        std::memset(copy + line.size(), 0, padding);
        copy[line.size()] = '\n';
        T record{};
        if (!ondemand_.read({copy, line.size()}, {scratch_, options_}, record))
            return refuse(ondemand_.reason(), emit);
        ++rows_;
        emit(std::move(record), line, lines_.number() - 1);
    }

    template <class Emit>
    void refuse(std::string_view reason, Emit&& emit) {
        ++rows_;
        ++bad_;
        emit.bad(reason, lines_.line(), lines_.number() - 1);
    }

    json_options options_;
    line_reader lines_;
    json_guess<T> guess_;
    json_ondemand ondemand_;
    scratch_arena scratch_;
    std::uint64_t rows_ = 0;
    std::uint64_t bad_ = 0;
    std::uint64_t guessed_ = 0;
};

}  // namespace detail

template <class T>
struct json_parser_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::parser;
    static constexpr std::string_view word = "json";
    static constexpr auto name = fixed_string{""};
    using record = T;
    static constexpr bool rows_are_lines =
        true;  // a row ends in a line end: a file can be cut there

    json_options options;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        if constexpr (!std::derived_from<typename In::record, chunk>) {
            static_assert(
                !Aloud,
                "millrace: json: json<T>() reads bytes, and here come records. Put it right behind a source "
                "of bytes such as file(…), or write json() to write records.");
            return refused<json_parser_stage, In>{};
        } else if constexpr (!described<T>) {
            static_assert(
                !Aloud,
                "millrace: json: the record has no description. Write MILLRACE_RECORD(type, field, …) "
                "behind it.");
            return refused<json_parser_stage, In>{};
        } else if constexpr (!detail::json_holds<detail::json_unsupported<T>>) {
            static_assert(
                !Aloud || detail::json_holds<detail::json_unsupported<T>>,
                "millrace: json: a field has a type that JSON can't hold. Take a number, bool, enum, char, text<N>, "
                "string, string_view, time_point, duration, a described record, or an optional of these.");
            return refused<json_parser_stage, In>{};
        } else {
            return accepted<stream<T, no_key, In::traits>>{};
        }
    }

    template <class In, class Env>
    auto open(Env&) const {
        return detail::json_reader<T>{options};
    }
};

/// Reads records of type `T` from JSON lines: `file("e.ndjson") | json<event>()`. Members go by
/// their names, in any order; others are skipped. The last of equal names wins; null and missing
/// are the empty optional, and bad rows elsewhere.
template <class T>
constexpr json_parser_stage<T> json(json_options options = {}) {
    return {{}, options};
}

}  // namespace millrace
