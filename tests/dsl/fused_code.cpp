// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The loops whose machine code is searched for indirect calls: what has been fused is one function,
// and what is called from it is known to the linker. build with optimisation, as users do:
// build: -O3

#include <array>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {

using namespace millrace;

struct reading {
    std::int64_t time;
    std::int64_t sensor;
    std::int64_t value;
};

struct core_environment {};
template <class P>
using loop_of = detail::fused_loop<P, core_environment, detail::nodes_of<P>>;

auto ten_stages(std::vector<std::int64_t> const& in, std::int64_t& out) {
    return from(in) | map([](std::int64_t x) { return x + 1; })
           | map([](std::int64_t x) { return x * 3; })
           | filter([](std::int64_t x) { return x % 5 != 0; })
           | map([](std::int64_t x) { return x ^ 7; }) | inspect([](std::int64_t) {})
           | map([](std::int64_t x) { return x - 2; })
           | filter([](std::int64_t x) { return x > 10; })
           | map([](std::int64_t x) { return x << 1; }) | map([](std::int64_t x) { return x + 5; })
           | to([&out](std::int64_t x) { out += x; });
}

auto keyed(std::vector<reading> const& in, std::int64_t& out) {
    return from(in) | filter([](reading const& r) { return r.value >= 0; })
           | event_time([](reading const& r) { return time_point{r.time}; },
                        bounded_disorder{duration{10}})
           | key_by(field<&reading::sensor>) | window(tumbling{duration{100}})
           | aggregate(count<"n">(), sum<"sum">(field<&reading::value>),
                       max<"max">(field<&reading::value>))
           | allowed_lateness(duration{20}) | late_to([&out](reading const&) { --out; })
           | map([](auto const& r) { return get<"sum">(r); })
           | to([&out](std::int64_t x) { out += x; });
}

auto forked(std::vector<std::int64_t> const& in, std::int64_t& a, std::int64_t& b) {
    return from(in)
           | tee(filter([](std::int64_t x) { return x > 3; })
                 | to([&a](std::int64_t x) { a += x; }))
           | merge(map([](std::int64_t x) { return -x; }),
                   filter([](std::int64_t x) { return x % 2 == 0; }))
           | flat_map<2>([](std::int64_t x) { return std::array{x, x}; })
           | to([&b](std::int64_t x) { b += x; });
}

using ten_stages_loop = loop_of<decltype(ten_stages({}, *static_cast<std::int64_t*>(nullptr)))>;
using keyed_loop = loop_of<decltype(keyed({}, *static_cast<std::int64_t*>(nullptr)))>;
using forked_loop = loop_of<decltype(forked({}, *static_cast<std::int64_t*>(nullptr),
                                            *static_cast<std::int64_t*>(nullptr)))>;

}  // namespace

extern "C" {
[[gnu::noinline, gnu::flatten, gnu::used]] source_state millrace_loop_ten_stages(
    ten_stages_loop& loop, std::size_t n) {
    return loop.poll<0>(n);
}
[[gnu::noinline, gnu::flatten, gnu::used]] source_state millrace_loop_keyed(keyed_loop& loop,
                                                                            std::size_t n) {
    return loop.poll<0>(n);
}
[[gnu::noinline, gnu::flatten, gnu::used]] source_state millrace_loop_forked(forked_loop& loop,
                                                                             std::size_t n) {
    return loop.poll<0>(n);
}
}

namespace {

TEST(fused_code, ten_stages_give_what_the_loop_by_hand_gives) {
    std::vector<std::int64_t> in;
    for (std::int64_t i = 0; i < 1000; ++i) in.push_back(i);
    std::int64_t out = 0;
    std::int64_t expected = 0;
    for (std::int64_t const i : in) {
        std::int64_t x = (i + 1) * 3;
        if (x % 5 == 0) continue;
        x = (x ^ 7) - 2;
        if (x > 10) expected += (x << 1) + 5;
    }
    core_environment env;
    ten_stages_loop loop(ten_stages(in, out), env);
    while (millrace_loop_ten_stages(loop, 64) == source_state::more) {
    }
    EXPECT_EQ(out, expected);
}

TEST(fused_code, a_keyed_window_sums_all_that_is_not_late) {
    std::vector<reading> in;
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < 1000; ++i) {
        in.push_back({i, i % 7, i % 13});
        sum += i % 13;
    }
    std::int64_t out = 0;
    core_environment env;
    keyed_loop loop(keyed(in, out), env);
    while (millrace_loop_keyed(loop, 64) == source_state::more) loop.settle(64);
    loop.end_source<0>();
    loop.settle(64);
    EXPECT_EQ(out, sum);
}

TEST(fused_code, a_fork_feeds_all_its_parts) {
    std::vector<std::int64_t> const in{1, 2, 3, 4, 5, 6};
    std::int64_t a = 0;
    std::int64_t b = 0;
    core_environment env;
    forked_loop loop(forked(in, a, b), env);
    while (millrace_loop_forked(loop, 2) == source_state::more) {
    }
    EXPECT_EQ(a, 4 + 5 + 6);
    EXPECT_EQ(b, 2 * (-21 + 2 + 4 + 6));
}

}  // namespace
