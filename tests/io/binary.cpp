// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/io/binary.hpp>

#include "format_harness.hpp"

using namespace millrace;
using namespace format_test;

struct tick {
    std::int64_t at = 0;
    std::int32_t price = 0;
    std::int32_t size = 0;
};
MILLRACE_RECORD(tick, at, price, size);

struct shuffled {
    std::int32_t a = 0;
    std::int32_t b = 0;
};
MILLRACE_RECORD(shuffled, b, a);

struct point {
    std::int16_t x = 0;
    std::optional<double> y;
    friend bool operator==(point const&, point const&) = default;
};
MILLRACE_RECORD(point, x, y);

enum class colour : std::int16_t { red = -3, green = 9 };
struct everything {
    std::uint8_t u8 = 0;
    std::int64_t i64 = 0;
    std::uint64_t u64 = 0;
    float f = 0;
    double d = 0;
    bool b = false;
    char c = 'c';
    colour e = colour::red;
    text<5> small;
    text<300> large;
    time_point at;
    duration took;
    std::optional<std::int64_t> oi;
    std::optional<text<3>> ot;
    point nested;
    std::optional<point> on;
    friend bool operator==(everything const&, everything const&) = default;
};
MILLRACE_RECORD(everything, u8, i64, u64, f, d, b, c, e, small, large, at, took, oi, ot, nested,
                on);

static_assert(detail::binary_size<tick>() == 16);
static_assert(detail::binary_size<point>() == 2 + 1 + 8);
static_assert(detail::binary_size<everything>()
              == 1 + 8 + 8 + 4 + 8 + 1 + 1 + 2 + 6 + 302 + 8 + 8 + 9 + 5 + 11 + 12);
static_assert(detail::binary_is_memory<tick>());
static_assert(!detail::binary_is_memory<shuffled>(), "described in another order than declared");
static_assert(!detail::binary_is_memory<point>());

namespace {

std::string show_tick(tick const& t) {
    return std::to_string(t.at) + "|" + std::to_string(t.price) + "|" + std::to_string(t.size);
}

everything random_record(std::mt19937_64& random) {
    everything r;
    r.u8 = random_integer<std::uint8_t>(random);
    r.i64 = random_integer<std::int64_t>(random);
    r.u64 = random_integer<std::uint64_t>(random);
    r.f = random_finite<float>(random);
    r.d = random_finite<double>(random);
    r.b = random() % 2 != 0U;
    r.c = static_cast<char>(random());
    r.e = static_cast<colour>(random_integer<std::int16_t>(random));
    r.small = text<5>{std::string_view{random_text(random, 5, "\xFF")}};
    r.large = text<300>{std::string_view{random_text(random, 300, "\xFF\n")}};
    r.at = time_point{random_integer<std::int64_t>(random)};
    r.took = duration{random_integer<std::int64_t>(random)};
    if (random() % 2 != 0U) r.oi = random_integer<std::int64_t>(random);
    if (random() % 2 != 0U) r.ot = text<3>{"ab"};
    r.nested.x = random_integer<std::int16_t>(random);
    if (random() % 2 != 0U) r.on = point{3, random_finite<double>(random)};
    return r;
}

}  // namespace

TEST(binary, packs_fields_in_their_order_little_endian) {
    EXPECT_EQ(write<tick>(binary(), {{1, 2, -1}}),
              (std::string{"\1\0\0\0\0\0\0\0\2\0\0\0\xFF\xFF\xFF\xFF", 16}));
    EXPECT_EQ(write<shuffled>(binary(), {{1, 2}}), (std::string{"\2\0\0\0\1\0\0\0", 8}));
    EXPECT_EQ(write<point>(binary(), {{1, {}}}), (std::string{"\1\0\0\0\0\0\0\0\0\0\0", 11}));
}

TEST(binary, reads_the_same_at_every_split) {
    std::string const text = write<tick>(binary(), {{1, 2, 3}, {-4, 5, 6}, {7, 8, 9}}) + "rest";
    auto const whole = parse<tick>(binary<tick>(), text, show_tick);
    ASSERT_EQ(whole.rows.size(), 4U);
    EXPECT_EQ(whole.rows[1].record, "-4|5|6");
    EXPECT_EQ(whole.rows[1].original, text.substr(16, 16));
    EXPECT_EQ(whole.rows[1].position, 2U);
    EXPECT_EQ(whole.rows[3].reason, "the file ends in the middle of a record");
    EXPECT_EQ(whole.rows[3].original, "rest");
    EXPECT_EQ(whole.counted, 4U);
    EXPECT_EQ(whole.bad, 1U);
    for (std::size_t size = 1; size < text.size(); ++size)
        for (std::size_t const batch : {std::size_t{1}, std::size_t{256}})
            ASSERT_EQ(parse_pieces<tick>(binary<tick>(), cut(text, size), show_tick, batch), whole)
                << size;
}

TEST(binary, begins_anew_with_each_file) {
    result out;
    int env = 0;
    auto op = binary<tick>().open<stream<chunk>>(env);
    std::string const text = write<tick>(binary(), {{1, 2, 3}});
    feed_pieces<tick>(op, {text, "x"}, 256, show_tick, out);
    feed_pieces<tick>(op, {""}, 256, show_tick, out);
    feed_pieces<tick>(op, {text}, 256, show_tick, out);
    ASSERT_EQ(out.rows.size(), 3U);
    EXPECT_EQ(out.rows[1].original, "x");
    EXPECT_EQ(out.rows[2].position, 1U);
}

TEST(binary, refuses_bytes_that_are_no_value) {
    everything const record{};
    std::string const good = write<everything>(binary(), {record});
    auto const reason_at = [&](std::size_t at, char c) {
        std::string text = good;
        text[at] = c;
        auto const r =
            parse<everything>(binary<everything>(), text, [](everything const&) { return "good"; });
        return r.rows.at(0).reason;
    };
    EXPECT_EQ(reason_at(0, 7), "");
    EXPECT_EQ(reason_at(29, 2), "field 'b' is neither 0 nor 1");
    EXPECT_EQ(reason_at(33, 6), "field 'small' has a length that is more than its text<N> holds");
    EXPECT_EQ(reason_at(33 + 6 + 302 + 16, 2), "field 'oi' has a flag that is neither 0 nor 1");
}

TEST(binary, reads_back_what_it_wrote) {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random{seed};
        std::vector<everything> records, back;
        for (int i = 0; i < 3; ++i) records.push_back(random_record(random));
        auto const keep = [&](everything const& r) { return back.push_back(r), "x"; };
        std::string const text = write<everything>(binary(), records);
        auto const r =
            parse_pieces<everything>(binary<everything>(), cut(text, 1 + random() % 1000), keep);
        ASSERT_EQ(r.bad, 0U);
        ASSERT_EQ(back, records);
    }
}

TEST(binary, survives_ten_thousand_mutations) {
    std::mt19937_64 random{9};
    std::string const original =
        write<everything>(binary(), {random_record(random), random_record(random)});
    auto const show = [](everything const& r) {
        return std::string{r.large.view()} + std::to_string(r.i64);
    };
    for (int i = 0; i < 10'000; ++i) {
        std::string text = original;
        for (auto edits = 1 + random() % 5; edits > 0; --edits) mutate(text, random, "\1\2\xFF");
        auto const whole = parse<everything>(binary<everything>(), text, show);
        ASSERT_EQ(
            parse_pieces<everything>(binary<everything>(), cut(text, 1 + random() % 500), show),
            whole)
            << i;
        ASSERT_EQ(whole.rows.size(), whole.counted);
    }
}
