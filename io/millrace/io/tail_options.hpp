// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The options of `tail(…)`.

#include <cstddef>
#include <cstdint>

#include <millrace/model/time.hpp>

namespace millrace {

/// Where the first file is read from. A file that appears later is read from its beginning.
enum class tail_start : std::uint8_t {
    end,        ///< what is appended from now on; of a line that is half there, nothing
    beginning,  ///< what is there, too
};

/// `tail("log", {.start = tail_start::beginning})`.
struct tail_options {
    tail_start start = tail_start::end;
    bool wait_for_file = false;  ///< a missing file is no error: it is read once it is there
    std::size_t buffer_bytes = std::size_t{256} * 1024;  ///< at least 4 KiB; a longer line is cut
    /// How long a file that was renamed is read on when its successor is there: until then its
    /// writer has to have reopened.
    duration rotation_grace = seconds(1);
    /// How often to look where nothing is notified: network file systems, no inotify to be had.
    duration check_every = seconds(1);
};

}  // namespace millrace
