// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a user can say about a CSV file: `csv<flight>({.separator = ';'})`.

#include <cstddef>
#include <cstdint>

#include <millrace/io/timestamp.hpp>

namespace millrace {

/// A field of the record that no column is named after.
enum class missing_columns : std::uint8_t {
    refuse,  ///< ends the run: exit code 65, the message lists the columns
    keep,    ///< the field keeps what its record begins with: empty for an optional
};

/// A column that no field is named after.
enum class extra_columns : std::uint8_t {
    ignore,
    refuse,  ///< ends the run: exit code 65
};

/// Options of the CSV reader and writer. RFC 4180 with LF or CRLF; without `header` fields are
/// columns by position.
struct csv_options {
    bool header = true;
    char separator = ',';
    missing_columns missing = missing_columns::refuse;  ///< reader
    extra_columns extra = extra_columns::ignore;        ///< reader
    time_format time = time_format::rfc3339;
    std::size_t row_max = 16U << 20U;  ///< reader: bytes of a row; a longer one is a bad row
};

}  // namespace millrace
