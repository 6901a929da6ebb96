// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Paths as file sinks need them: where a name leads to, and the name of the temporary beside it.

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <unistd.h>

namespace millrace::detail {

/// The directory of a path, with its slash, or empty; and what stands behind it.
struct split_path {
    std::string directory;
    std::string name;
};

inline split_path split(std::string_view path) {
    std::size_t const slash = path.rfind('/');
    if (slash == std::string_view::npos) return {{}, std::string(path)};
    return {std::string(path.substr(0, slash + 1)), std::string(path.substr(slash + 1))};
}

/// Follows symbolic links by hand, since the last of them may point to a file that is still to be
/// made. At most 40, as the kernel does; empty for a longer chain, which goes in a circle.
inline std::string resolve(std::string path) {
    for (int links = 0; links < 40; ++links) {
        std::array<char, 4096> target{};
        ssize_t const length = ::readlink(path.c_str(), target.data(), target.size());
        if (length < 0) return path;
        std::string_view const to(target.data(), static_cast<std::size_t>(length));
        path = to.starts_with('/') ? std::string(to) : split(path).directory.append(to);
    }
    return {};
}

/// `.out.csv.4711-0.part`, beside `out.csv`; a long name is cut so that it stays within 255 bytes.
inline std::string temporary_name(split_path const& path, long process, unsigned attempt) {
    std::string const tail =
        "." + std::to_string(process) + "-" + std::to_string(attempt) + ".part";
    return path.directory + "." + path.name.substr(0, 255 - 1 - tail.size()) + tail;
}

/// Names of descriptors, which are written in place: /dev/stdout, /dev/fd/3, /proc/self/fd/3.
inline bool names_descriptor(std::string_view path) {
    return path == "/dev/stdin" || path == "/dev/stdout" || path == "/dev/stderr"
           || path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/");
}

}  // namespace millrace::detail
