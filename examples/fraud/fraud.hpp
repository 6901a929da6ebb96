// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What stands between the network on both sides: from a payment that asks to the verdict.

#include <millrace/millrace.hpp>

#include "features.hpp"
#include "score.hpp"

namespace fraud {

/// Requests in, verdicts out, one for each, in the order of their card.
// [scored]
inline auto scored() {
    return key_by(field<&request::card>)
           | aggregate(
               fold<"history">(card{}, [](card const& c, request const& r) { return c.after(r); }))
           | map<"score">([](auto const& row) { return decide(get<"history">(row)); });
}
// [scored]

}  // namespace fraud
