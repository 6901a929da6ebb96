// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `file("a.csv")`: bytes of one or several files in, or bytes out to one, complete or not there at
// all.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <millrace/io/block_parser.hpp>
#include <millrace/io/core_files.hpp>
#include <millrace/io/engine.hpp>
#include <millrace/io/file_options.hpp>
#include <millrace/io/file_partitions.hpp>
#include <millrace/io/file_sink.hpp>
#include <millrace/io/file_source.hpp>
#include <millrace/io/input_file.hpp>
#include <millrace/io/io_failure.hpp>
#include <millrace/io/partitions.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {

namespace detail {
/// The core's own engine, so that a read ends its sleep. Not for sinks: a broken pipe or a limit of
/// the file's size would end the process where the core submits.
template <class Env>
auto files_of(Env& env) {
    if constexpr (!requires { env.ring(); } && requires { env.template service<core_engine>(); }) {
        auto service = service_of(env);
        using files = core_files<std::remove_cvref_t<decltype(*service)>>;
        return engine_handle<files>(std::make_unique<files>(std::move(service)));
    } else {
        return engine_of(env);
    }
}
struct open_files {
    template <class Env>
    auto operator()(Env& env) const {
        return files_of(env);
    }
};
}  // namespace detail

/// A source of bytes, and behind `to` a sink of bytes.
struct file_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::bytes;
    static constexpr std::string_view word = "file";
    static constexpr auto name = fixed_string{""};
    using record = chunk;
    static constexpr bool replayable = true;
    static constexpr bool read_in_blocks = true;  // where its rows are lines
    static constexpr bool atomic_output = true;

    std::vector<std::string> names;
    file_options options;

    /// Standard input and output and devices: what was written there can't be taken back.
    [[nodiscard]] bool streams() const {
        for (std::string const& n : names)
            if (n == "-" || n.starts_with("/dev/")) return true;
        return false;
    }

    template <class Env>
    auto open_source(Env& env) const {
        return make_source(detail::files_of(env));
    }
    /// For loops side by side: parses blocks of it on each partition, for the one that reads it.
    template <class Record, bool Traced, class Parser, class Env>
    auto open_blocks(Parser parser, Env& env) const {
        return block_parser<Record, Parser, Env, detail::open_files, Traced>(
            names, options, std::move(parser), env, {});
    }
    template <class Env>
    auto open_sink(Env& env) const {
        auto io = engine_of(env);
        return make_sink(std::move(io));
    }

private:
    template <class Engine>
    basic_file_source<Engine> make_source(engine_handle<Engine> io) const {
        return {std::move(io), names, options};
    }
    template <class Engine>
    basic_file_sink<Engine> make_sink(engine_handle<Engine> io) const {
        if (names.size() != 1)
            throw failure(exit_code::configuration, "millrace: file: a sink writes one file, but "
                                                        + std::to_string(names.size())
                                                        + " are named. Name one.");
        return {std::move(io), names.front(), options};
    }
};

/// A source of bytes that is several inputs: `file(name, partitions{n})`.
struct file_partitions_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::bytes;
    static constexpr std::string_view word = "file";
    static constexpr auto name = fixed_string{""};
    static constexpr placement runs = placement::every_partition;
    using record = rows_chunk;
    static constexpr bool replayable = true;

    std::vector<std::string> names;
    partitions cut;
    file_options options;
    /// What one copy measures counts for all: a file may grow meanwhile.
    std::shared_ptr<std::vector<std::uint64_t>> sizes =
        std::make_shared<std::vector<std::uint64_t>>();

    [[nodiscard]] unsigned inputs() const { return cut.count; }

    template <class Env>
    auto open_source(Env& env) const {
        if (detail::partition_of(env) == 0) measure();
        return make(detail::files_of(env),
                    detail::parts_of(names, *sizes, cut.count, detail::partition_of(env),
                                     detail::partitions_of(env)));
    }

private:
    template <class Engine>
    basic_file_partitions<Engine> make(engine_handle<Engine> io,
                                       std::vector<detail::file_part> parts) const {
        return {std::move(io), std::move(parts), options};
    }
    void measure() const {
        detail::check(cut);
        if (names.empty())
            throw failure(exit_code::configuration,
                          "millrace: file: no input is named. Name at least one file.");
        sizes->clear();
        for (std::string const& n : names) {
            std::uint64_t const bytes = detail::check_input(n);
            if (bytes == detail::unknown_size || detail::is_standard_input(n))
                throw failure(exit_code::configuration,
                              "millrace: file: partitions{n} reads " + detail::shown(n)
                                  + " at several places, and it is no regular file. Read it as one "
                                    "input.");
            sizes->push_back(bytes);
        }
    }
};

/// Files by name; several are one input, in order; "-" is standard input or output. A sink writes a
/// temporary beside the file and renames it when the run has succeeded. Refused at start
/// (`failure`) with the name, cause and cure.
[[nodiscard]] inline file_stage file(std::vector<std::string> names, file_options options = {}) {
    return {{}, std::move(names), options};
}
[[nodiscard]] inline file_stage file(std::initializer_list<std::string> names,
                                     file_options options = {}) {
    return {{}, names, options};
}
/// The same as several inputs, read side by side: each is a stretch of whole rows with a watermark
/// of its own. Of several files each is cut, and part k of all is input k. Results may differ from
/// those of one input where records are late, and nowhere else.
[[nodiscard]] inline file_partitions_stage file(std::vector<std::string> names, partitions cut,
                                                file_options options = {}) {
    return {{}, std::move(names), cut, options};
}
[[nodiscard]] inline file_partitions_stage file(std::initializer_list<std::string> names,
                                                partitions cut, file_options options = {}) {
    return {{}, names, cut, options};
}
template <class Name>
    requires std::convertible_to<Name const&, std::string_view>
[[nodiscard]] file_partitions_stage file(Name const& name, partitions cut,
                                         file_options options = {}) {
    std::string_view const view = name;
    return {{}, {std::string(view)}, cut, options};
}

template <class Name>
    requires std::convertible_to<Name const&, std::string_view>
[[nodiscard]] file_stage file(Name const& name, file_options options = {}) {
    std::string_view const view = name;
    return {{}, {std::string(view)}, options};
}

}  // namespace millrace
