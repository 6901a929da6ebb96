// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What can go wrong while a pipeline runs, as values: exit codes, and the one exception that ends a
// run.

#include <cstddef>
#include <exception>
#include <string_view>

namespace millrace {

/// The codes of sysexits.h that Millrace uses.
enum class exit_code : int {
    ok = 0,
    usage = 64,          ///< a command line that can't be read
    data = 65,           ///< a bad record, or an exception of the user's, under the policy `stop`
    no_input = 66,       ///< an input that is missing or is no file
    software = 70,       ///< a broken invariant, a budget exceeded
    cannot_create = 73,  ///< an output that can't be made
    io = 74,             ///< reading or writing failed
    temporary = 75,      ///< stopped at a deadline
    no_permission = 77,
    configuration = 78,  ///< a setting that is refused
};

/// Ends a run: what is wrong and what to do, in one sentence, and the exit code. Thrown on cold
/// paths only.
class failure : public std::exception {
public:
    failure(exit_code code, std::string_view message) noexcept : code_(code) {
        length_ = message.size() < sizeof text_ - 1 ? message.size() : sizeof text_ - 1;
        for (std::size_t i = 0; i < length_; ++i) text_[i] = message[i];
        text_[length_] = 0;
    }
    [[nodiscard]] exit_code code() const noexcept { return code_; }
    [[nodiscard]] char const* what() const noexcept override { return text_; }
    [[nodiscard]] std::string_view message() const noexcept { return {text_, length_}; }

private:
    exit_code code_;
    std::size_t length_ = 0;
    char text_[1024];
};

}  // namespace millrace
