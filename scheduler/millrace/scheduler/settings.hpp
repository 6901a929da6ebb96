// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What `run` can be told besides the pipeline, on the command line or as a value.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace {

/// The version of the library, as CMake's project has it.
inline constexpr std::string_view library_version = "0.1.0";

enum class progress_mode : std::uint8_t {
    none,
    automatic,  ///< `auto`: a redrawn line on a terminal, otherwise as `plain`
    plain,      ///< a line each ten seconds
};

enum class explain_mode : std::uint8_t { off, text, dot, mermaid, json };

struct run_settings {
    static constexpr std::size_t batch_max = 65'536;

    std::size_t batch =
        1024;  ///< records that a loop takes at a time, 1 to `batch_max`; changes no result
    progress_mode progress = progress_mode::none;
    explain_mode explain = explain_mode::off;  ///< print the plan and stop
};

}  // namespace millrace
