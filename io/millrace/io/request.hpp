// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What an engine is asked to do: one read, write or sync, and how it ended. The seam at which tests
// inject faults.

#include <cstdint>

namespace millrace {

enum class io_verb : std::uint8_t { read, write, sync };

/// The offset of what has none: read or write at the descriptor's own position (pipes, terminals,
/// `>>`).
inline constexpr std::uint64_t at_position = ~std::uint64_t{0};

/// One operation. It stays at its address while `pending`; then `result` is a count of bytes or a
/// negative errno. An engine has `submit(request)`, `flush()`, `wait(request)` and
/// `cancel(request)`, which waits too; and where it can, `ready(request)`, which does not wait, and
/// `add_buffer`, whose number goes into `buffer`.
struct io_request {
    char* data = nullptr;
    std::uint64_t offset = at_position;
    std::uint32_t bytes = 0;
    std::int32_t result = 0;
    int fd = -1;
    std::int16_t buffer = -1;  ///< the number of the registered buffer that `data` lies in, or -1
    io_verb verb = io_verb::read;
    bool pending = false;
};

}  // namespace millrace
