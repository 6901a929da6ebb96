// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Token buckets, one a key, as a pipeline: each question takes a token or is denied.

#include <cstdint>

#include <millrace/millrace.hpp>
#include <millrace/scheduler/inject.hpp>
#include <millrace/scheduler/on_executor.hpp>

namespace rate_limiter {

using namespace millrace;

// [records]
struct question {
    text<32> key = {};
    std::uint32_t connection = 0;  // whose question it is
    std::uint64_t number = 0;      // and which of its
    std::int64_t asked_ns = 0;     // monotonic
};
struct verdict {
    std::uint32_t connection = 0;
    std::uint64_t number = 0;
    bool allowed = false;
};
// [records]

struct limit {
    std::int64_t tokens_per_second = 5;
    std::int64_t burst = 10;  // what a full bucket holds
};

/// What one key has left, as the time at which its bucket will be full again: one number, and no
/// division (the generic cell rate algorithm, ITU-T I.371). A token is `1 s / tokens_per_second`.
// [bucket]
struct bucket {
    std::int64_t full_at_ns = INT64_MIN;
    verdict last = {};

    [[nodiscard]] bucket after(question const& q, limit const& l) const {
        std::int64_t const token_ns = 1'000'000'000 / l.tokens_per_second;
        std::int64_t const full_at = full_at_ns > q.asked_ns ? full_at_ns : q.asked_ns;
        bool const allowed = full_at + token_ns <= q.asked_ns + l.burst * token_ns;
        return {allowed ? full_at + token_ns : full_at, {q.connection, q.number, allowed}};
    }
};
// [bucket]

/// Questions in, verdicts out, one for each, in the order of their key.
// [verdicts]
inline auto verdicts(limit l) {
    return key_by([](question const& q) { return q.key; })
           | aggregate(fold<"bucket">(
               bucket{}, [l](bucket const& b, question const& q) { return b.after(q, l); }))
           | map<"verdict">([](auto const& row) { return get<"bucket">(row).last; });
}
// [verdicts]

}  // namespace rate_limiter
