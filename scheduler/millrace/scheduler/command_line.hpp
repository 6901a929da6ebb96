// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The command line of a program: the fields of its configuration record as options, and the options
// of every program.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/model/describe.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/scheduler/option_table.hpp>
#include <millrace/scheduler/option_value.hpp>
#include <millrace/scheduler/run_options.hpp>
#include <millrace/scheduler/settings.hpp>

namespace millrace {

/// What the program does next: run, or print `text` and end with `code`. Help and version go to
/// standard output, what is wrong to standard error.
enum class command_line_next : std::uint8_t { run, help, version, wrong };

/// A program without options of its own.
struct no_configuration {};

template <class Config>
struct parsed {
    Config configuration{};
    run_settings settings;
    command_line_next next = command_line_next::run;
    exit_code code = exit_code::ok;
    std::string text;
};

namespace detail {

/// `mean_delay` is `--mean-delay`.
inline std::string option_name(std::string_view field) {
    std::string out(field);
    for (char& c : out)
        if (c == '_') c = '-';
    return out;
}

template <class Field, class T>
option option_of(T& target) {
    static_assert(
        is_option_type<T>,
        "millrace: command line: a field of the configuration has a type that cannot be read. "
        "Take a number, bool, text, duration or time_point, an optional or vector of one, or "
        "specialise option_value.");
    option out;
    out.name = option_name(Field::name.view());
    out.target = &target;
    if constexpr (is_option_type<T>) {
        out.shape = is_repeated_option<T> ? option_shape::many
                    : is_flag_option<T>   ? option_shape::flag
                                          : option_shape::one;
        out.placeholder = option_value<T>::placeholder;
        out.allowed = option_value<T>::allowed();
        out.initial = option_value<T>::show(target);
        out.read = [](std::string_view value, void* at) {
            return option_value<T>::read(value, *static_cast<T*>(at));
        };
        if constexpr (is_repeated_option<T>)
            out.clear = [](void* at) { static_cast<T*>(at)->clear(); };
    }
    return out;
}

/// Is that the option of this field? For constant expressions.
constexpr bool names_option(std::string_view field, std::string_view option) {
    if (field.size() != option.size()) return false;
    for (std::size_t i = 0; i < field.size(); ++i)
        if ((field[i] == '_' ? '-' : field[i]) != option[i]) return false;
    return true;
}
template <class Config>
consteval bool leaves_own_options_alone() {
    bool out = true;
    if constexpr (described<Config>)
        for_each_field<Config>([&]<class Field>() {
            for (std::string_view const own : own_options)
                out = out && !names_option(Field::name.view(), own);
        });
    return out;
}

/// Fills `next`, `code` and `text` of a command line that was read into its targets.
inline void conclude(options_read read, std::string_view program, std::string help,
                     command_line_next& next, exit_code& code, std::string& text) {
    if (!read.wrong.empty()) {
        next = command_line_next::wrong;
        code = exit_code::usage;
        text = std::move(read.wrong);
    } else if (read.act == "help") {
        next = command_line_next::help;
        text = std::move(help);
    } else if (read.act == "version") {
        next = command_line_next::version;
        text = std::string(program) + " (Millrace " + std::string(library_version) + ")\n";
    }
}

}  // namespace detail

/// Reads `--name value`, `--name=value`, `--flag`, `--no-flag` and `--several a b c` into a
/// configuration record and the settings of the run. An option given twice holds its last value; a
/// list takes all. Never exits, never prints: what is wrong is one sentence, exit code 64, and the
/// defaults stand for what was not read.
template <class Config>
    requires described<Config> || std::same_as<Config, no_configuration>
[[nodiscard]] parsed<Config> parse_command_line(int argc, char const* const* argv) {
    static_assert(
        detail::leaves_own_options_alone<Config>(),
        "millrace: command line: a field of the configuration is called explain, progress, batch, "
        "cores, partitions, wait, io, state_memory, when_full, stop_within, help or version, which every "
        "program has. "
        "Rename it.");
    parsed<Config> out;
    std::vector<detail::option> options;
    if constexpr (described<Config>)
        for_each_field<Config>([&]<class Field>() {
            options.push_back(detail::option_of<Field>(Field::get(out.configuration)));
        });
    detail::add_own_options(options, out.settings);
    std::string_view const program = detail::program_name(argc, argv);
    std::string help = detail::help_text(program, options);  // before the defaults are overwritten
    detail::conclude(detail::option_reader(options, argc, argv).read(), program, std::move(help),
                     out.next, out.code, out.text);
    return out;
}

/// For programs without a configuration.
[[nodiscard]] inline parsed<no_configuration> parse_command_line(int argc,
                                                                 char const* const* argv) {
    return parse_command_line<no_configuration>(argc, argv);
}

}  // namespace millrace
