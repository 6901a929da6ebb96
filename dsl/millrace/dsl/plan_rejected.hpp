// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The plan of a pipeline that was refused. The mistake has had its sentence, so whatever is claimed
// of the plan is true.

#include <cstddef>

#include <millrace/dsl/plan_types.hpp>

namespace millrace {

namespace detail {

/// Compares as asked with everything.
struct anything {
    friend constexpr bool operator==(anything, anything) { return true; }
    friend constexpr bool operator==(anything, auto const&) { return true; }
    friend constexpr bool operator==(auto const&, anything) { return true; }
    friend constexpr bool operator!=(anything, auto const&) { return true; }
    friend constexpr bool operator!=(auto const&, anything) { return true; }
    friend constexpr bool operator<(anything, auto const&) { return true; }
    friend constexpr bool operator<(auto const&, anything) { return true; }
    friend constexpr bool operator<=(anything, auto const&) { return true; }
    friend constexpr bool operator<=(auto const&, anything) { return true; }
    friend constexpr bool operator>(anything, auto const&) { return true; }
    friend constexpr bool operator>(auto const&, anything) { return true; }
    friend constexpr bool operator>=(anything, auto const&) { return true; }
    friend constexpr bool operator>=(auto const&, anything) { return true; }
    constexpr explicit operator bool() const { return true; }
};

struct rejected_stage {
    anything id, kind, word, name, record, record_bytes, next, branches, loop, rate, reach,
        exchange, keyed, key, errors;
};
struct rejected_stages {
    constexpr rejected_stage operator[](std::size_t) const { return {}; }
};

}  // namespace detail

struct rejected_plan {
    detail::anything stages, loops, exchanges, sources, sinks, keyed_stages, copies, guarantee;
    detail::rejected_stages stage;

    [[nodiscard]] constexpr detail::anything emits_max(plan_settings const& = {}) const {
        return {};
    }
    [[nodiscard]] constexpr detail::anything exchanged_max(plan_settings const& = {}) const {
        return {};
    }
    [[nodiscard]] constexpr detail::anything exchanged_bytes_max(plan_settings const& = {}) const {
        return {};
    }
    [[nodiscard]] constexpr detail::anything state_bytes_max(plan_settings const& = {}) const {
        return {};
    }
};

}  // namespace millrace
