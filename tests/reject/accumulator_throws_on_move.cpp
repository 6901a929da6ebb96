// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: aggregate: its accumulator may throw when it is moved, so state could be lost.
// expect: {"tally"}

#include <millrace/dsl.hpp>

#include <vector>

using namespace millrace;

struct flight {
    int delay;
    long carrier;
};
MILLRACE_RECORD(flight, delay, carrier);
struct tally {
    long sum = 0;
    tally() = default;
    tally(tally const&) = default;
    tally(tally&& other) noexcept(false) : sum(other.sum) {}
    tally& operator=(tally const&) = default;
};

int main() {
    std::vector<flight> flights;

    auto add = [](tally so_far, flight const& f) { return so_far.sum += f.delay, so_far; };
    auto pipeline = from(flights) | key_by(field<"carrier">)
                    | aggregate(fold<"tally">(tally{}, add));  // here
    (void)pipeline;
}
