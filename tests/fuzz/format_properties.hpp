// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What holds for every format whatever comes: rows read = records + bad rows, the same rows however
// the input is cut and in a second file, and what is written of the records reads back equal.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/model/failure.hpp>
#include <millrace/model/text.hpp>
#include <millrace/model/time.hpp>

#include "fuzz/verdict.hpp"
#include "io/format_harness.hpp"

namespace fuzz {

enum class shade : std::int16_t { dark = -3, light = 9 };

struct place {
    std::int16_t x = 0;
    std::optional<double> y;
};
MILLRACE_RECORD(place, x, y);

/// One of each kind of field that text formats hold. Text stands first: what begins a file may be
/// more than a field.
struct sample {
    std::string name;
    std::int8_t small = 0;
    std::uint64_t large = 0;
    double ratio = 0;
    bool flag = false;
    char letter = 'x';
    shade tone = shade::dark;
    millrace::text<5> code;
    millrace::time_point at;
    millrace::duration took;
    std::optional<std::int64_t> count;
    std::optional<std::string> note;
    place where;
};
MILLRACE_RECORD(sample, name, small, large, ratio, flag, letter, tone, code, at, took, count, note,
                where);

/// The rows of an input, or with what its reader ended the run.
struct reading {
    format_test::result rows;
    std::string failed;
    friend bool operator==(reading const&, reading const&) = default;
};

/// Reads `pieces` as a file, `files` times by the same operator.
template <class T, class Stage>
reading read_rows(Stage stage, std::vector<std::string_view> const& pieces, std::size_t batch,
                  unsigned files = 1, std::vector<T>* keep = nullptr) {
    reading out;
    auto const shown = [&](T const& record) {
        if (keep != nullptr) keep->push_back(record);
        return show(record);
    };
    int env = 0;
    auto op = stage.template open<millrace::stream<millrace::chunk>>(env);
    try {
        for (unsigned i = 0; i < files; ++i)
            format_test::feed_pieces<T>(op, pieces, batch, shown, out.rows);
    } catch (millrace::failure const& f) {
        out.failed = f.message();
    }
    return out;
}

/// Checks one format; `whole` gets what the whole input gave, for further checks.
template <class T, class Reader, class Writer>
verdict check_format(Reader reader, Reader lenient, Writer writer, input const& in,
                     std::string_view text, reading& whole) {
    std::vector<T> records;
    whole = read_rows<T>(reader, {text}, 256, 1, &records);
    format_test::result const& rows = whole.rows;
    verdict out{.bad = rows.bad + !whole.failed.empty()};
    auto const wrong = [&](std::string_view what) {
        out.wrong = what;
        return out;
    };
    std::size_t bad = 0;
    for (auto const& row : rows.rows) {
        if (row.reason.empty() == row.record.empty()) return wrong("a row is neither or both");
        bad += !row.reason.empty();
    }
    out.good = rows.rows.size() - bad;
    if (bad != rows.bad) return wrong("bad rows are miscounted");
    if (rows.counted != rows.rows.size()) return wrong("rows are not records + bad rows");

    auto const pieces = pieces_of(text, in.cuts);
    if (read_rows<T>(reader, pieces, 1 + in.cuts % 7) != whole)
        return wrong("pieces give other rows than the whole");
    if (whole.failed.empty()) {
        reading twice = read_rows<T>(reader, pieces, 64, 2);
        std::size_t const n = rows.rows.size();
        if (twice.rows.rows.size() != 2 * n) return wrong("a second file gives other rows");
        for (std::size_t i = 0; i < n; ++i)
            if (twice.rows.rows[n + i] != rows.rows[i])
                return wrong("a second file gives another row");
    }

    std::string const written = format_test::write<T>(writer, records);
    std::vector<T> back;
    reading const again = read_rows<T>(lenient, pieces_of(written, in.cuts), 64, 1, &back);
    if (!again.failed.empty()) return wrong("what was written is refused: " + again.failed);
    for (auto const& row : again.rows.rows)
        if (!row.reason.empty())
            return wrong("what was written is a bad row: " + row.reason + ": " + row.original);
    if (back.size() != records.size()) return wrong("what was written has other records");
    for (std::size_t i = 0; i < back.size(); ++i)
        if (show(back[i]) != show(records[i]))
            return wrong("what was written reads back otherwise: " + written);
    return out;
}

/// The text, or it 40 times: longer than what readers look at in one go.
inline std::string repeated(std::string_view text, bool often) {
    std::string out;
    for (int i = 0; i < (often ? 40 : 1); ++i) out += text;
    return out;
}

}  // namespace fuzz
