// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Bytes as a record type: what sources of bytes hand to parsers and writers hand to sinks.

#include <cstdint>
#include <string_view>

#include <millrace/model/owning.hpp>

namespace millrace {

/// What a writer made of one record. With `line` the sink adds the line end.
struct bytes {
    std::string_view data;
    bool line = false;
};
template <>
inline constexpr bool owns<bytes> = false;

/// A piece of an input, as a source of bytes hands it out. Valid until the next one is asked for.
struct chunk {
    std::string_view data;
    std::string_view name;  ///< the file, for messages
    bool last = false;  ///< the input (this file) ends behind it; the next chunk begins another one
};
template <>
inline constexpr bool owns<chunk> = false;

/// A piece of a stretch of whole rows inside of a file, for formats whose rows end in a line end.
struct rows_chunk : chunk {};
template <>
inline constexpr bool owns<rows_chunk> = false;

/// How far a source has come, for progress and reports. `bytes_total` is 0 where it can't be known.
struct source_progress {
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_total = 0;
};

}  // namespace millrace
