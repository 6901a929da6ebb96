// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The options of every program: how it runs, and what it says instead.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/scheduler/option_table.hpp>
#include <millrace/scheduler/option_value.hpp>
#include <millrace/scheduler/settings.hpp>
#include <millrace/scheduler/state_memory.hpp>

namespace millrace::detail {

inline constexpr std::array<std::string_view, 12> own_options{
    "explain", "progress",     "batch",     "cores",       "partitions", "wait",
    "io",      "state-memory", "when-full", "stop-within", "help",       "version"};

/// One of some words; its place among them is the value of an enumeration.
template <class Enum, std::size_t Count>
bool read_word(std::array<std::string_view, Count> const& words, std::string_view value,
               void* target) {
    for (std::size_t i = 0; i < Count; ++i) {
        if (words[i] != value) continue;
        *static_cast<Enum*>(target) = static_cast<Enum>(i);
        return true;
    }
    return false;
}
inline bool read_explain(std::string_view value, void* target) {
    static constexpr std::array<std::string_view, 6> words{"",        "text", "dot",
                                                           "mermaid", "json", "io"};
    return read_word<explain_mode>(words, value.empty() ? "text" : value, target);
}
inline bool read_progress(std::string_view value, void* target) {
    static constexpr std::array<std::string_view, 3> words{"none", "auto", "plain"};
    return read_word<progress_mode>(words, value, target);
}
inline bool read_wait(std::string_view value, void* target) {
    static constexpr std::array<std::string_view, 3> words{"spin", "adaptive", "wait"};
    return read_word<wait_policy>(words, value, target);
}
inline bool read_policy(std::string_view value, void* target) {
    static constexpr std::array<std::string_view, 3> words{"stop", "shed", "evict"};
    return read_word<state_policy>(words, value, target);
}
inline bool read_io(std::string_view value, void* target) {
    static constexpr std::array<std::string_view, 5> words{"auto", "ring", "deferred",
                                                           "cooperative", "epoll"};
    return read_word<io_tier>(words, value, target);
}
template <class T, T Least, T Most>
bool read_between(std::string_view value, void* target) {
    T number = 0;
    if (!option_value<T>::read(value, number) || number < Least || number > Most) return false;
    *static_cast<T*>(target) = number;
    return true;
}
/// `0-3,6`: numbers and ranges of processors, each once.
inline bool read_cpu_list(std::string_view value, void* target) {
    std::vector<unsigned> out;
    while (true) {
        std::size_t const comma = value.find(',');
        std::string_view const part = value.substr(0, comma);
        std::size_t const dash = part.find('-');
        unsigned first = 0;
        unsigned last = 0;
        if (!option_value<unsigned>::read(part.substr(0, dash), first)) return false;
        last = first;
        if (dash != std::string_view::npos
            && !option_value<unsigned>::read(part.substr(dash + 1), last))
            return false;
        if (last < first || last > 65'535) return false;  // more than Linux knows
        for (unsigned cpu = first; cpu <= last; ++cpu) out.push_back(cpu);
        if (comma == std::string_view::npos) break;
        value.remove_prefix(comma + 1);
    }
    *static_cast<std::vector<unsigned>*>(target) = std::move(out);
    return true;
}

inline void add_own_options(std::vector<option>& out, run_settings& settings) {
    out.push_back({.name = "explain",
                   .shape = option_shape::one_if_written,
                   .placeholder = "text|dot|mermaid|json|io",
                   .allowed = "text, dot, mermaid, json or io",
                   .help = "print the plan, or the ways to the kernel, and stop",
                   .target = &settings.explain,
                   .read = read_explain});
    out.push_back({.name = "progress",
                   .placeholder = "auto|plain|none",
                   .allowed = "auto, plain or none",
                   .initial = "none",
                   .help = "report on standard error how far the run has come",
                   .target = &settings.progress,
                   .read = read_progress});
    out.push_back({.name = "batch",
                   .placeholder = "NUMBER",
                   .allowed = "a whole number from 1 to " + std::to_string(run_settings::batch_max),
                   .initial = std::to_string(settings.batch),
                   .help = "records taken at a time; changes no result",
                   .target = &settings.batch,
                   .read = read_between<std::size_t, 1, run_settings::batch_max>});
    out.push_back({.name = "cores",
                   .placeholder = "LIST",
                   .allowed = "processors such as 0-3,6",
                   .initial = "all allowed",
                   .help = "processors to run on, a pinned thread each",
                   .target = &settings.cores,
                   .read = read_cpu_list});
    out.push_back({.name = "partitions",
                   .placeholder = "NUMBER",
                   .allowed = "a whole number from 1 to 128",
                   .initial = "one a core",
                   .help = "copies of what can run side by side",
                   .target = &settings.partitions,
                   .read = read_between<unsigned, 1, 128>});
    out.push_back({.name = "wait",
                   .placeholder = "spin|adaptive|wait",
                   .allowed = "spin, adaptive or wait",
                   .initial = "adaptive",
                   .help = "what a core does while there is nothing to do",
                   .target = &settings.wait,
                   .read = read_wait});
    out.push_back({.name = "io",
                   .placeholder = "auto|ring|deferred|cooperative|epoll",
                   .allowed = "auto, ring, deferred, cooperative or epoll",
                   .initial = "auto",
                   .help = "the way to the kernel",
                   .target = &settings.io,
                   .read = read_io});
    out.push_back({.name = "state-memory",
                   .placeholder = "SIZE",
                   .allowed = "bytes, or a size such as 512MiB or 4GiB",
                   .initial = "half of the memory",
                   .help = "what all state may take",
                   .target = &settings.state_memory,
                   .read = read_bytes});
    out.push_back({.name = "when-full",
                   .placeholder = "stop|shed|evict",
                   .allowed = "stop, shed or evict",
                   .initial = "stop",
                   .help = "what gives way when state has no more room",
                   .target = &settings.when_full,
                   .read = read_policy});
    out.push_back({.name = "stop-within",
                   .placeholder = option_value<duration>::placeholder.data(),
                   .allowed = option_value<duration>::allowed(),
                   .initial = option_value<duration>::show(settings.stop_within),
                   .help = "from a stop until what is in flight is given up",
                   .target = &settings.stop_within,
                   .read = [](std::string_view value, void* at) {
                       return option_value<duration>::read(value, *static_cast<duration*>(at));
                   }});
    out.push_back({.name = "help", .shape = option_shape::act, .help = "print this and stop"});
    out.push_back(
        {.name = "version", .shape = option_shape::act, .help = "print the version and stop"});
}

}  // namespace millrace::detail
