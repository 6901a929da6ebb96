// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The options of `file(…)`.

#include <cstddef>

namespace millrace {

/// `file("x.csv", {.durable = true})`. Sizes are clamped: a buffer to 1 byte … 1 GiB (whole pages
/// with `direct`), `read_ahead` to 2 … 64. `direct` pays for files that are larger than the memory
/// and read once; a file that is cached is read at a tenth of the rate (IO.md, d).
struct file_options {
    std::size_t buffer_bytes = std::size_t{256} * 1024;  ///< of each buffer, read or written
    unsigned read_ahead = 8;  ///< buffers in flight when reading; a sink has two
    bool direct = false;      ///< a source reads past the page cache, where the file system can
    bool durable = false;     ///< a sink syncs its file and its directory before it is done
};

namespace detail {
constexpr std::size_t buffer_bytes_of(file_options const& options) {
    constexpr std::size_t most = std::size_t{1} << 30;  // a completion counts bytes in an int
    if (options.buffer_bytes < 1) return 1;
    return options.buffer_bytes < most ? options.buffer_bytes : most;
}
/// Reads past the page cache are of whole pages.
constexpr std::size_t read_bytes_of(file_options const& options) {
    std::size_t const bytes = buffer_bytes_of(options);
    return options.direct ? (bytes + 4095) / 4096 * 4096 : bytes;
}
constexpr unsigned read_ahead_of(file_options const& options) {
    if (options.read_ahead < 2) return 2;
    return options.read_ahead < 64 ? options.read_ahead : 64;
}
}  // namespace detail

}  // namespace millrace
