// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `to(append("log"))`: a log of bytes that survives a crash.

#include <string>
#include <utility>

#include <millrace/io/append_options.hpp>
#include <millrace/io/append_sink.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/model/live.hpp>

namespace millrace {

/// A sink of bytes.
struct append_log {
    static constexpr placement runs = placement::single;

    std::string file_name;
    append_options options;

    template <class Env>
    auto open_sink(Env& env) const {
        return make(service_of(env));
    }

private:
    template <class Engine>
    basic_append_sink<Engine> make(service_handle<Engine> engine) const {
        return {std::move(engine), file_name, options};
    }
};

/// Appends to a file, made if it is missing; one sink a file. A record is safe when its group is:
/// one write with O_DIRECT and O_DSYNC, or where the file system refuses O_DIRECT, through the page
/// cache with O_DSYNC. Behind a crash the log has every record that was safe, and perhaps parts of
/// later ones; opened again, it goes on where its content ends (append_file.hpp has the rule).
/// Refused at start: what can't be made, is no regular file, or is being appended to.
[[nodiscard]] inline append_log append(std::string name, append_options options = {}) {
    return {std::move(name), options};
}

}  // namespace millrace
