// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The bars example without its network, against the textbook: sort, group, look.

#include "../examples/bars/bars.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/millrace.hpp>

namespace {
using namespace millrace;
using bars::bar;
using bars::gap;
using bars::tick;

constexpr std::int64_t ms = 1'000'000;

tick at(std::int64_t time_ms, std::uint64_t sequence, std::int64_t price, std::uint32_t size = 1,
        text<8> symbol = "ABC") {
    return {symbol, sequence, price, size, time_point{time_ms * ms}};
}
struct result {
    std::vector<bar> all;
    std::vector<gap> missing;
};
result of(std::vector<tick> ticks, run_settings const& settings = {}) {
    result out;
    auto const r =
        run(from(std::move(ticks)) | bars::per_second(milliseconds(500), to<"gaps">(out.missing))
                | to<"bars">(out.all),
            settings);
    EXPECT_TRUE(r.ok()) << r.message;
    std::sort(out.all.begin(), out.all.end(), [](bar const& a, bar const& b) {
        return std::pair(a.symbol.view(), a.start.ns) < std::pair(b.symbol.view(), b.start.ns);
    });
    return out;
}
std::vector<std::int64_t> prices(bar const& b) { return {b.open, b.high, b.low, b.close}; }

TEST(bars, has_a_bar_for_each_second_and_symbol) {
    auto const out = of({at(0, 1, 10, 5), at(400, 2, 14, 6), at(500, 1, 99, 1, "XYZ"),
                         at(999, 3, 8, 7), at(1000, 4, 11, 8)});
    ASSERT_EQ(out.all.size(), 3U);
    EXPECT_EQ(prices(out.all[0]), (std::vector<std::int64_t>{10, 14, 8, 8}));
    EXPECT_EQ(out.all[0].volume, 18U);
    EXPECT_EQ(out.all[0].ticks, 3U);
    EXPECT_EQ(out.all[1].start.ns, 1000 * ms);
    EXPECT_EQ(prices(out.all[1]), (std::vector<std::int64_t>{11, 11, 11, 11}));
    EXPECT_EQ(out.all[2].symbol, "XYZ");
    EXPECT_TRUE(out.missing.empty());
}
TEST(bars, opens_and_closes_by_time_not_by_arrival) {
    auto const out = of({at(300, 3, 30), at(100, 1, 10), at(900, 4, 40), at(200, 2, 20)});
    ASSERT_EQ(out.all.size(), 1U);
    EXPECT_EQ(out.all[0].open, 10);
    EXPECT_EQ(out.all[0].close, 40);
}
TEST(bars, goes_by_the_sequence_where_times_are_equal) {
    auto const out = of({at(100, 2, 20), at(100, 1, 10), at(100, 3, 30)});
    ASSERT_EQ(out.all.size(), 1U);
    EXPECT_EQ(out.all[0].open, 10);
    EXPECT_EQ(out.all[0].close, 30);
}
TEST(bars, tells_each_gap_once) {
    auto const out = of({at(0, 5, 1), at(1, 6, 1), at(2, 9, 1), at(3, 8, 1), at(4, 10, 1),
                         at(5, 12, 1), at(6, 7, 1, 1, "XYZ")});
    ASSERT_EQ(out.missing.size(), 2U);
    EXPECT_EQ(out.missing[0].first, 7U);
    EXPECT_EQ(out.missing[0].last, 8U);
    EXPECT_EQ(out.missing[0].noticed.ns, 2 * ms);
    EXPECT_EQ(out.missing[1].first, 11U);
    EXPECT_EQ(out.missing[1].last, 11U);
}
TEST(bars, is_the_textbook_on_any_number_of_partitions) {
    char const* const given = std::getenv("MILLRACE_SEED");
    std::uint64_t const seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 4;
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<tick> ticks;
    std::uint64_t sequence[7] = {};
    for (std::int64_t i = 0; i < 20'000; ++i) {
        std::uint64_t const s = random() % 7;
        sequence[s] += random() % 50 == 0 ? 3 : 1;
        std::string const symbol = "S" + std::to_string(s);
        ticks.push_back(at(i / 2, sequence[s], static_cast<std::int64_t>(random() % 1000),
                           static_cast<std::uint32_t>(random() % 100), text<8>(symbol)));
    }
    // Out of order by less than the disorder that the pipeline allows.
    std::multimap<std::int64_t, tick> arriving;
    for (tick const& t : ticks)
        arriving.emplace(t.time.ns / ms + static_cast<std::int64_t>(random() % 400), t);
    std::vector<tick> arrived;
    for (auto const& [when, t] : arriving) arrived.push_back(t);

    std::map<std::pair<std::string, std::int64_t>, bar> expected;
    for (tick const& t : ticks) {  // in the order of time and sequence
        auto const [it, fresh] =
            expected.try_emplace({std::string(t.symbol.view()), t.time.ns / (1000 * ms)},
                                 bar{t.symbol, time_point{t.time.ns / (1000 * ms) * 1000 * ms},
                                     t.price, t.price, t.price, t.price, 0, 0});
        bar& b = it->second;
        b.high = std::max(b.high, t.price);
        b.low = std::min(b.low, t.price);
        b.close = t.price;
        b.volume += t.size;
        ++b.ticks;
    }
    for (unsigned n = 1; n <= 4; ++n) {
        auto const out = of(arrived, {.partitions = n, .oversubscribed = n, .yield_seed = n});
        ASSERT_EQ(out.all.size(), expected.size());
        std::size_t i = 0;
        for (auto const& [key, b] : expected) {
            EXPECT_EQ(out.all[i].symbol, b.symbol);
            EXPECT_EQ(out.all[i].start, b.start);
            EXPECT_EQ(prices(out.all[i]), prices(b));
            EXPECT_EQ(out.all[i].volume, b.volume);
            EXPECT_EQ(out.all[i].ticks, b.ticks);
            ++i;
        }
    }
}

}  // namespace
