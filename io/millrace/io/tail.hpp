// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `tail("log")`: the lines of a file that grows, through its rotations.

#include <string>
#include <string_view>
#include <utility>

#include <millrace/io/service_of.hpp>
#include <millrace/io/tail_options.hpp>
#include <millrace/io/tail_source.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {

/// A source of bytes.
struct tail_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::bytes;
    static constexpr std::string_view word = "tail";
    static constexpr auto name = fixed_string{""};
    static constexpr placement runs = placement::single;
    static constexpr bool live = true;
    using record = chunk;

    std::string file_name;
    tail_options options;

    template <class Env>
    auto open_source(Env& env) const {
        return make(service_of(env));
    }

private:
    template <class Engine>
    basic_tail_source<Engine> make(service_handle<Engine> engine) const {
        return {std::move(engine), file_name, options};
    }
};

/// Follows one regular file; ends only when stopped. A line is handed on when its line end is
/// there, or when its file is rotated away; what is open when it is stopped is held, and counted.
/// Rotations by rename and by copy-and-cut are followed; of a file that is cut, what was not read
/// before is lost to us (it is in the copy), and the cut is counted. Refused at start: a file that
/// is missing, unless `wait_for_file`, or is no regular file.
[[nodiscard]] inline tail_stage tail(std::string name, tail_options options = {}) {
    return {{}, std::move(name), options};
}

}  // namespace millrace
