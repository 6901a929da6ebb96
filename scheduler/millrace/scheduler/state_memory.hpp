// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// How much memory the state of a run may take: what was said, or half of what the process may have.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <millrace/scheduler/core_map.hpp>
#include <millrace/scheduler/option_value.hpp>

namespace millrace::detail {

/// Of the machine, or of the control group that the process is in where that is less.
inline std::size_t memory_of_process() {
    auto const pages = ::sysconf(_SC_PHYS_PAGES);
    auto const page = ::sysconf(_SC_PAGE_SIZE);
    std::size_t bytes = pages > 0 && page > 0
                            ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page)
                            : std::size_t{1} << 30;
    for_each_cgroup([&](std::string const& folder) {
        std::string const text = read_small_file((folder + "/memory.max").c_str());
        char* rest = nullptr;
        unsigned long long const limit = std::strtoull(text.c_str(), &rest, 10);
        if (rest != text.c_str() && limit > 0 && limit < bytes)
            bytes = static_cast<std::size_t>(limit);
    });
    return bytes;
}
/// Of each core: one of its partitions has the state.
inline std::size_t state_share(std::size_t told, unsigned cores) {
    if (told != 0) return told / cores;
    static std::size_t const all = memory_of_process();  // asked for once
    return all / 2 / cores;
}

/// `512MiB`, `4GiB`, or bytes.
inline bool read_bytes(std::string_view value, void* target) {
    std::size_t unit = 1;
    for (auto const& [suffix, bytes] :
         {std::pair<std::string_view, std::size_t>{"KiB", std::size_t{1} << 10},
          {"MiB", std::size_t{1} << 20},
          {"GiB", std::size_t{1} << 30}})
        if (value.ends_with(suffix)) {
            value.remove_suffix(suffix.size());
            unit = bytes;
            break;
        }
    std::size_t number = 0;
    if (!option_value<std::size_t>::read(value, number)) return false;
    if (number == 0 || number > ~std::size_t{0} / unit) return false;
    *static_cast<std::size_t*>(target) = number * unit;
    return true;
}

}  // namespace millrace::detail
