// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a payment is worth worrying about, from what is known of its card: points that add up. A
// model of one's own goes here; it is a function of the features and nothing else.

#include <algorithm>
#include <cstdint>

#include "features.hpp"

namespace fraud {

inline constexpr std::int32_t score_max = 1000;
inline constexpr std::int32_t ask_from = 400;
inline constexpr std::int32_t decline_from = 700;

// [score]
inline std::int32_t score(card const& c) {
    auto const& minute = c.minute.get();
    auto const& ten = c.ten_minutes.get();
    auto const& hour = c.hour.get();
    std::int64_t points = 0;
    points += std::min<std::int64_t>(60 * std::max<std::int64_t>(minute.count - 2, 0), 400);
    points += std::min<std::int64_t>(20 * std::max<std::int64_t>(ten.count - 6, 0), 200);
    points += std::min<std::int64_t>(hour.sum / 10'000, 300);  // a point for each 100.00
    // Far more than the card's payments of the last hour, on average without this one.
    std::int64_t const before = hour.count - 1;
    if (before > 0 && c.last.amount_cents * before > 10 * (hour.sum - c.last.amount_cents))
        points += 250;
    if (c.elsewhere && minute.count > 1) points += 100;
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(points, 0, score_max));
}

inline verdict decide(card const& c) {
    std::int32_t const points = score(c);
    std::uint8_t const decision = points >= decline_from ? 0 : points >= ask_from ? 2 : 1;
    return {c.last.sequence, points, decision};
}
// [score]

}  // namespace fraud
