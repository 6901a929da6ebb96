// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Ten chained maps, a xorshift and a multiply each, against one loop with all ten by hand.

#include <cstdint>
#include <support/pair.hpp>
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {

template <std::uint64_t K>
struct mix {
    std::uint64_t operator()(std::uint64_t x) const {
        x ^= x << 13;
        x ^= x >> 7;
        return x * (0x9E3779B97F4A7C15ULL + 2 * K);
    }
};

[[gnu::noinline]] std::uint64_t by_hand(std::vector<std::uint64_t> const& in) {
    std::uint64_t sum = 0;
    for (std::uint64_t x : in) {
        x = mix<0>{}(x);
        x = mix<1>{}(x);
        x = mix<2>{}(x);
        x = mix<3>{}(x);
        x = mix<4>{}(x);
        x = mix<5>{}(x);
        x = mix<6>{}(x);
        x = mix<7>{}(x);
        x = mix<8>{}(x);
        x = mix<9>{}(x);
        sum += x;
    }
    return sum;
}

[[gnu::noinline]] std::uint64_t fused(std::vector<std::uint64_t> const& in) {
    using namespace millrace;
    std::uint64_t sum = 0;
    auto result = run(from(in) | map(mix<0>{}) | map(mix<1>{}) | map(mix<2>{}) | map(mix<3>{})
                      | map(mix<4>{}) | map(mix<5>{}) | map(mix<6>{}) | map(mix<7>{})
                      | map(mix<8>{}) | map(mix<9>{}) | window_all(global{})
                      | aggregate(millrace::sum<"all">([](std::uint64_t x) { return x; }))
                      | to([&](auto const& r) { sum = get<"all">(r); }));
    return result.ok() ? sum : 0;
}

}  // namespace

int main(int argc, char** argv) {
    millrace::bench::pair pairs(argc, argv);
    std::vector<std::uint64_t> in(1'000'000);
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = i * 0x2545F4914F6CDD1DULL + 1;
    pairs.run(
        "maps/10", {.must = 1.05, .aim = 1.0}, static_cast<double>(in.size()),
        [&] { return by_hand(in); }, [&] { return fused(in); });
}
