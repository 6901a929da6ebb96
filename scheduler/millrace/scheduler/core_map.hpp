// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Which processors a run may use, and which it takes: the affinity mask, cut to the quota of the
// control group.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sched.h>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/model/failure.hpp>
#include <millrace/scheduler/settings.hpp>

namespace millrace {

/// `0-3,6`, as in messages and on the command line.
[[nodiscard]] inline std::string cpu_list_text(std::vector<unsigned> const& cpus) {
    std::string out;
    for (std::size_t i = 0; i < cpus.size();) {
        std::size_t last = i;
        while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
        out.append(out.empty() ? "" : ",").append(std::to_string(cpus[i]));
        if (last > i) out.append("-").append(std::to_string(cpus[last]));
        i = last + 1;
    }
    return out;
}

namespace detail {

/// The processors in the affinity mask of the calling thread, in order.
inline std::vector<unsigned> allowed_cpus() {
    std::vector<unsigned> out;
    for (std::size_t count = 1024; count <= 65'536; count *= 4) {
        cpu_set_t* const set = CPU_ALLOC(count);
        if (set == nullptr) break;
        std::size_t const bytes = CPU_ALLOC_SIZE(count);
        CPU_ZERO_S(bytes, set);
        bool const known = ::sched_getaffinity(0, bytes, set) == 0;
        // Not to the end of the mask: that took a fifth of a short run.
        auto left = known ? static_cast<std::size_t>(CPU_COUNT_S(bytes, set)) : 0;
        out.reserve(left);
        for (std::size_t cpu = 0; left > 0; ++cpu) {
            if (!CPU_ISSET_S(cpu, bytes, set)) continue;
            out.push_back(static_cast<unsigned>(cpu));
            --left;
        }
        CPU_FREE(set);
        if (known) break;
    }
    return out;
}

/// Reads a small file of the kernel's; empty where there is none.
inline std::string read_small_file(char const* path) {
    std::string out;
    if (std::FILE* const file = std::fopen(path, "re")) {
        char text[4096];
        out.assign(text, std::fread(text, 1, sizeof text, file));
        std::fclose(file);
    }
    return out;
}

/// Whole processors that `quota` microseconds of each `period` pay for, at least one; 0 where
/// nothing is limited.
inline unsigned processors_of_quota(std::int64_t quota, std::int64_t period) {
    if (quota <= 0 || period <= 0) return 0;
    return static_cast<unsigned>(std::max<std::int64_t>(1, quota / period));
}
/// `cpu.max` of cgroup v2: `max 100000` or `150000 100000`.
inline unsigned processors_of_cpu_max(std::string const& text) {
    char* rest = nullptr;
    std::int64_t const quota = std::strtoll(text.c_str(), &rest, 10);
    if (rest == text.c_str()) return 0;
    return processors_of_quota(quota, std::strtoll(rest, nullptr, 10));
}
/// The folders of the process' control group (version 2) and of all above it.
template <class F>
void for_each_cgroup(F&& f) {
    std::string const group = read_small_file("/proc/self/cgroup");
    std::size_t const at = group.find("0::");
    std::string path =
        at == std::string::npos ? "/" : group.substr(at + 3, group.find('\n', at) - at - 3);
    for (;;) {
        f("/sys/fs/cgroup" + (path == "/" ? std::string() : path));
        if (path.size() <= 1) return;
        path.resize(path.rfind('/'));
        if (path.empty()) path = "/";
    }
}
/// Of the control group that the process is in, version 2 or 1; 0: no limit.
inline unsigned quota_processors() {
    unsigned least = 0;
    for_each_cgroup([&](std::string const& folder) {  // a limit may stand at any level
        unsigned const here = processors_of_cpu_max(read_small_file((folder + "/cpu.max").c_str()));
        if (here != 0 && (least == 0 || here < least)) least = here;
    });
    if (least != 0) return least;
    return processors_of_quota(
        std::strtoll(read_small_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").c_str(), nullptr, 10),
        std::strtoll(read_small_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us").c_str(), nullptr, 10));
}

inline std::vector<unsigned> cut_to_quota(std::vector<unsigned> cpus, unsigned quota) {
    if (quota != 0 && quota < cpus.size()) cpus.resize(quota);
    return cpus;
}

}  // namespace detail

/// What a program takes that was not told: every processor it may run on, no more than the quota of
/// its control group pays for.
[[nodiscard]] inline std::vector<unsigned> default_cores() {
    return detail::cut_to_quota(detail::allowed_cpus(), detail::quota_processors());
}

namespace detail {

/// Where everything runs. Partition p on core `p % cores`.
struct core_map {
    static constexpr unsigned partitions_max = 128;

    std::vector<int> cpus;  ///< of each core, -1: not pinned
    unsigned partitions = 1;
    bool own_thread = false;  ///< the only core is the calling thread, as it is

    [[nodiscard]] unsigned cores() const { return static_cast<unsigned>(cpus.size()); }
    [[nodiscard]] unsigned core_of(unsigned partition) const { return partition % cores(); }
};

/// Refuses what can't be, with what can.
inline core_map map_cores(run_settings const& settings, bool can_split) {
    core_map out;
    std::vector<unsigned> allowed;
    if (!settings.cores.empty()) allowed = allowed_cpus();
    std::vector<unsigned> seen;
    for (unsigned const cpu : settings.cores) {
        if (!std::binary_search(allowed.begin(), allowed.end(), cpu))
            throw failure(exit_code::configuration,
                          "millrace: cores: processor " + std::to_string(cpu)
                              + " may not be used by this process. Take from "
                              + cpu_list_text(allowed) + ".");
        if (std::find(seen.begin(), seen.end(), cpu) != seen.end())
            throw failure(exit_code::configuration,
                          "millrace: cores: processor " + std::to_string(cpu)
                              + " is named twice. Name each once; .partitions may be more.");
        seen.push_back(cpu);
    }
    if (settings.partitions > core_map::partitions_max || settings.oversubscribed > 64)
        throw failure(
            exit_code::configuration,
            "millrace: partitions: there may be up to 128, as many as key groups, on up to 64 oversubscribed "
            "threads. Give fewer.");
    for (unsigned const cpu : settings.cores) out.cpus.push_back(static_cast<int>(cpu));
    if (settings.oversubscribed > 0) out.cpus.assign(settings.oversubscribed, -1);
    if (out.cpus.empty()) {
        out.cpus.push_back(-1);
        out.own_thread = true;
    }
    out.partitions = settings.partitions > 0 ? settings.partitions : out.cores();
    if (!can_split) out.partitions = 1;
    if (out.cores() > out.partitions) out.cpus.resize(out.partitions);  // the others would idle
    return out;
}

}  // namespace detail
}  // namespace millrace
