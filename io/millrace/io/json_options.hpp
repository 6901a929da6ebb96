// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a user can say about JSON lines: `json<event>({.time = time_format::epoch_ms})`.

#include <cstddef>

#include <millrace/io/timestamp.hpp>

namespace millrace {

/// Options of the JSON lines reader and writer.
struct json_options {
    time_format time = time_format::rfc3339;
    std::size_t row_max = 16U << 20U;  ///< reader: bytes of a line; a longer one is a bad row
    bool guess = true;  ///< reader: expect the members of the line before; without it simdjson
                        ///< reads every line
};

}  // namespace millrace
