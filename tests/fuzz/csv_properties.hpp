// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The properties of `csv`, and its rows against RFC 4180 read byte by byte.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/io/csv.hpp>

#include "fuzz/format_properties.hpp"

namespace fuzz {

struct csv_reference_row {
    std::string_view original;
    std::uint64_t line = 1;
    std::size_t fields = 1;
    bool unclosed = false;
};

/// Rows by the book: a quote opens a field as its first byte; a doubled one reopens it.
inline std::vector<csv_reference_row> reference_csv(std::string_view text, char separator) {
    enum class state : std::uint8_t { begin, plain, quoted, closed };
    std::vector<csv_reference_row> rows;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    std::uint64_t line = 1;
    while (!text.empty()) {
        csv_reference_row row;
        row.line = line;
        auto at = state::begin;
        std::size_t i = 0;
        for (; i < text.size(); ++i) {
            char const c = text[i];
            line += c == '\n';
            if (at == state::quoted) {
                if (c == '"') at = state::closed;
            } else if (c == '\n') {
                break;
            } else if (c == separator) {
                ++row.fields;
                at = state::begin;
            } else {
                at = c == '"' && at != state::plain ? state::quoted : state::plain;
            }
        }
        row.original = text.substr(0, i);
        row.unclosed = at == state::quoted;
        if (!row.unclosed && row.original.ends_with('\r')) row.original.remove_suffix(1);
        rows.push_back(row);
        text.remove_prefix(std::min(i + 1, text.size()));
    }
    return rows;
}

inline verdict check_csv(std::string_view all) {
    input const in{all};
    std::string const text = repeated(in.text, (in.settings & 12) == 12);
    millrace::csv_options lenient{.header = (in.settings & 1) != 0,
                                  .separator = (in.settings & 2) != 0 ? ';' : ',',
                                  .missing = millrace::missing_columns::keep};
    millrace::csv_options options = lenient;
    if ((in.settings & 12) == 4) options.row_max = 60 + in.settings;
    reading whole;
    verdict out =
        check_format<sample>(millrace::csv<sample>(options), millrace::csv<sample>(lenient),
                             millrace::csv(lenient), in, text, whole);
    if (!out.wrong.empty() || !whole.failed.empty() || options.row_max != lenient.row_max)
        return out;

    std::vector<csv_reference_row> rows = reference_csv(text, options.separator);
    if (rows.empty()) return out;
    // Without a header a first row with too few fields is bad itself.
    std::size_t const leaves = 14;
    std::size_t const width = options.header ? rows[0].fields : std::max(rows[0].fields, leaves);
    if (options.header) rows.erase(rows.begin());
    std::erase_if(rows, [&](auto const& r) { return r.original.empty() && width > 1; });
    if (rows.size() != whole.rows.rows.size()) {
        out.wrong = "the rows are not those of RFC 4180";
        return out;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto const& row = whole.rows.rows[i];
        bool const same = row.original == rows[i].original && row.position == rows[i].line;
        bool const shaped = rows[i].fields == width && !rows[i].unclosed;
        if (!same || (!shaped && row.reason.empty())) {
            out.wrong = "a row is not as in RFC 4180: " + row.original;
            return out;
        }
    }
    return out;
}

}  // namespace fuzz
