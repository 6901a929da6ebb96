// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `partitions{4}` beside the name of a file: it is read as so many inputs.

#include <string>

#include <millrace/model/failure.hpp>

namespace millrace {

/// How many inputs a file is, 1 to 128. Each is a stretch of whole rows with a watermark of its
/// own; input k is read on partition k modulo the number of partitions.
struct partitions {
    static constexpr unsigned most = 128;
    unsigned count = 1;
};

namespace detail {
inline void check(partitions const& p) {
    if (p.count < 1 || p.count > partitions::most)
        throw failure(exit_code::configuration,
                      "millrace: file: partitions{" + std::to_string(p.count)
                          + "} is not between 1 and 128. Give as many as there are cores.");
}
}  // namespace detail

}  // namespace millrace
