// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `standard_input()`, `standard_output()`, `standard_error()`: the process's own streams as files.

#include <millrace/io/file.hpp>

namespace millrace {

[[nodiscard]] inline file_stage standard_input(file_options options = {}) {
    return file("/dev/stdin", options);
}
/// Each batch is handed on at once where a pipe or a terminal is behind it.
[[nodiscard]] inline file_stage standard_output(file_options options = {}) {
    return file("/dev/stdout", options);
}
[[nodiscard]] inline file_stage standard_error(file_options options = {}) {
    return file("/dev/stderr", options);
}

}  // namespace millrace
