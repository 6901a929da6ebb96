// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a sink throws for a record that it can't take: a bad record, for `on_error` to decide on.

#include <exception>

namespace millrace {

/// The sink itself goes on; a `failure` would end the run.
class refused_record : public std::exception {
public:
    /// `reason` is a literal.
    explicit refused_record(char const* reason) noexcept : reason_(reason) {}
    [[nodiscard]] char const* what() const noexcept override { return reason_; }

private:
    char const* reason_;
};

}  // namespace millrace
