// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: reduce: its accumulator may throw when it is moved, so state could be lost.

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct tally {
    long sum = 0;
    tally() = default;
    tally(tally const&) = default;
    tally(tally&& other) noexcept(false) : sum(other.sum) {}
    tally& operator=(tally const&) = default;
};

int main() {
    std::vector<tally> tallies;
    auto pipeline = from(tallies) | key_by([](tally const&) { return 0; })
                    | reduce([](tally const&, tally const& next) { return next; });  // here
    (void)pipeline;
}
