// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

struct flight {
    text<3> origin;
    int delay = 0;
};
MILLRACE_RECORD(flight, origin, delay);
struct delays {
    double mean_delay = 0;
    std::uint32_t flights = 0;
    std::string origin;
};
MILLRACE_RECORD(delays, mean_delay, flights, origin);
struct copy_of_flight {
    std::optional<long> delay;
    text<3> origin;
};
MILLRACE_RECORD(copy_of_flight, delay, origin);

std::vector<flight> const flights{{"EWR", 10}, {"JFK", -4}, {"EWR", 21}};

TEST(into, makes_a_struct_of_a_row_by_names_in_any_order) {
    std::vector<delays> out;
    auto const o = run_by_hand(from(flights) | key_by(field<"origin">)
                               | aggregate(count<"flights">(), mean<"mean_delay">(field<"delay">))
                               | into<delays>() | to(out));
    ASSERT_EQ(out.size(), 3U);
    EXPECT_EQ(out[1].origin, "JFK");
    EXPECT_EQ(out[2].flights, 2U);
    EXPECT_EQ(out[2].mean_delay, 15.5);
    EXPECT_EQ(o.of("into").passed, 3U);
}
TEST(into, makes_one_struct_of_another) {
    std::vector<copy_of_flight> out;
    run_by_hand(from(flights) | into<copy_of_flight>() | to(out));
    ASSERT_EQ(out.size(), 3U);
    EXPECT_EQ(out[1].delay, -4);
    EXPECT_EQ(out[1].origin, "JFK");
}
}  // namespace
