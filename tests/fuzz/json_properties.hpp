// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The properties of `json`: also that the guess reads as simdjson does, and that rows are lines.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/json.hpp>

#include "fuzz/format_properties.hpp"

namespace fuzz {

/// Empty, or in what the rows are not the lines of the text that are not blank.
inline std::string differ_from_lines(format_test::result const& rows, std::string_view text,
                                     std::size_t row_max) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    std::size_t row = 0;
    for (std::uint64_t number = 1; !text.empty(); ++number) {
        std::size_t const end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? "" : text.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        bool const too_long = line.size() > row_max;
        if (!too_long && line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        if (row == rows.rows.size()) return "a line is missing";
        auto const& got = rows.rows[row++];
        if (got.original != line.substr(0, row_max) || got.position != number)
            return "a row is not its line: " + got.original;
        if (too_long && got.reason.empty()) return "a line above the limit is a record";
    }
    return row == rows.rows.size() ? "" : "there are more rows than lines";
}

inline verdict check_json(std::string_view all) {
    input const in{all};
    // Blanks behind the last line let the guess try it.
    std::string const text = repeated(in.text, (in.settings & 12) == 12)
                             + ((in.settings & 1) != 0 ? "\n" + std::string(80, ' ') : "");
    millrace::json_options const lenient{.guess = (in.settings & 2) == 0};
    millrace::json_options options = lenient;
    if ((in.settings & 12) == 4) options.row_max = 60 + in.settings;
    reading whole;
    verdict out =
        check_format<sample>(millrace::json<sample>(options), millrace::json<sample>(lenient),
                             millrace::json(lenient), in, text, whole);
    if (!out.wrong.empty()) return out;
    if (!whole.failed.empty()) {
        out.wrong = "json ended the run: " + whole.failed;
        return out;
    }
    millrace::json_options other = options;
    other.guess = !options.guess;
    if (read_rows<sample>(millrace::json<sample>(other), {text}, 256) != whole)
        out.wrong = "the guess reads otherwise than simdjson";
    else
        out.wrong = differ_from_lines(whole.rows, text, options.row_max);
    return out;
}

}  // namespace fuzz
