// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The options of `file(…)`.

#include <cstddef>

namespace millrace {

/// `file("x.csv", {.durable = true})`. Sizes are clamped: a buffer to 1 byte … 1 GiB, `read_ahead`
/// to 2 … 64.
struct file_options {
    std::size_t buffer_bytes = std::size_t{256} * 1024;  ///< of each buffer, read or written
    unsigned read_ahead = 4;  ///< buffers in flight when reading; a sink has two
    bool durable = false;     ///< a sink syncs its file and its directory before it is done
};

namespace detail {
constexpr std::size_t buffer_bytes_of(file_options const& options) {
    constexpr std::size_t most = std::size_t{1} << 30;  // a completion counts bytes in an int
    if (options.buffer_bytes < 1) return 1;
    return options.buffer_bytes < most ? options.buffer_bytes : most;
}
constexpr unsigned read_ahead_of(file_options const& options) {
    if (options.read_ahead < 2) return 2;
    return options.read_ahead < 64 ? options.read_ahead : 64;
}
}  // namespace detail

}  // namespace millrace
