// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The options of `append(…)`.

#include <cstddef>
#include <cstdint>

namespace millrace {

/// When what was appended is safe from a loss of power.
enum class append_sync : std::uint8_t {
    every_group,  ///< before the next group of records is written: a group is all that came while
                  ///< the one before it was written, at least what came in a turn
    at_end,       ///< when the log is closed; until then as the kernel sees fit
};

/// `append("log", {.sync = append_sync::at_end})`.
struct append_options {
    append_sync sync = append_sync::every_group;
    std::size_t buffer_bytes = std::size_t{4} << 20;  ///< records that wait for the group before
    std::size_t max_record = std::size_t{64} * 1024;  ///< with its line end; longer: a bad record
    /// Room that is made ahead, in bytes: writing into it takes half the time (IO.md, d).
    std::size_t preallocate = std::size_t{4} << 20;
    /// Of a log of lines that a crash left: what stands behind the last line end is a torn record,
    /// and is cut off when the log is opened again.
    bool cut_torn_line = false;
};

}  // namespace millrace
