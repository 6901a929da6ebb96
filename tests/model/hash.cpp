// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/model/hash.hpp>
#include <millrace/model/row.hpp>

namespace airport {
enum class side : std::uint8_t { left, right };
struct gate {
    std::uint16_t number = 0;
    side where = side::left;
};
MILLRACE_RECORD(gate, number, where);

struct visit {
    gate at;
    std::string who;
    double weight = 0;
};
MILLRACE_RECORD(visit, at, who, weight);

struct folded {  // compares without case, and hashes so
    char letter;
    friend bool operator==(folded a, folded b) { return (a.letter | 32) == (b.letter | 32); }
    friend std::uint64_t hash_value(folded f) { return static_cast<std::uint64_t>(f.letter | 32); }
};
struct opaque {
    int value;
};
struct hashed_only {
    int value;
    friend std::uint64_t hash_value(hashed_only h) { return static_cast<std::uint64_t>(h.value); }
};
struct holds_opaque {
    opaque inner;
};
MILLRACE_RECORD(holds_opaque, inner);
}  // namespace airport

namespace {
using namespace millrace;

static_assert(hashable<int> && hashable<bool> && hashable<double> && hashable<airport::side>);
static_assert(hashable<text<3>> && hashable<text<40>> && hashable<std::string>
              && hashable<std::string_view>);
static_assert(hashable<time_point> && hashable<duration> && hashable<std::optional<int>>);
static_assert(hashable<std::pair<int, std::string>> && hashable<std::array<int, 3>>
              && hashable<std::vector<long>>);
static_assert(hashable<airport::gate> && hashable<airport::visit> && hashable<airport::folded>);
static_assert(hashable<row<column<"origin", text<3>>, column<"flights", int>>>);
static_assert(!hashable<airport::hashed_only>);
static_assert(!hashable<airport::opaque> && !hashable<airport::holds_opaque>);
static_assert(!hashable<std::optional<airport::opaque>> && !hashable<char const*>
              && !hashable<int*>);
static_assert(!hashable<std::pair<int, airport::opaque>>
              && !hashable<std::vector<airport::opaque>>);

template <class T>
void expect_same(T const& a, T const& b) {
    EXPECT_TRUE(equal_keys(a, b));
    EXPECT_EQ(hash_of(a), hash_of(b));
    EXPECT_EQ(hash_of(a, 7), hash_of(b, 7));
}
template <class T>
void expect_other(T const& a, T const& b) {
    EXPECT_FALSE(equal_keys(a, b));
    EXPECT_NE(hash_of(a), hash_of(b));
}

TEST(hash, is_equal_for_equal_keys) {
    expect_same(42, 42);
    expect_same(text<3>("JFK"), text<3>(std::string_view("JFK")));
    expect_same(std::string(100, 'x'), std::string(100, 'x'));
    expect_same(airport::visit{{7, airport::side::right}, "ann", 1.5},
                airport::visit{{7, airport::side::right}, "ann", 1.5});
    expect_same(std::optional<int>{}, std::optional<int>{});
    expect_same(std::vector<long>{1, 2}, std::vector<long>{1, 2});
}

TEST(hash, differs_for_different_keys) {
    expect_other(1, 2);
    expect_other(-1, 1);
    expect_other(text<3>("JF"), text<3>("JFK"));
    expect_other(text<20>("LaGuardia"), text<20>("LaGuardia "));
    expect_other(std::string("a"), std::string("b"));
    expect_other(std::optional<int>{}, std::optional<int>{0});
    expect_other(std::pair{1, 2}, std::pair{2, 1});
    expect_other(std::vector<long>{}, std::vector<long>{0});
    expect_other(airport::gate{1, airport::side::left}, airport::gate{1, airport::side::right});
    expect_other(airport::visit{{1, {}}, "ann", 0}, airport::visit{{1, {}}, "bob", 0});
}

TEST(hash, packs_short_fields_into_one_word) {
    using short_key = row<column<"origin", text<3>>, column<"carrier", text<2>>>;
    static_assert(detail::hash_kind_of<short_key> == detail::hash_kind::word);
    static_assert(detail::hash_kind_of<airport::visit> == detail::hash_kind::fields);
    expect_other(short_key{{text<3>("EWR")}, {text<2>("UA")}},
                 short_key{{text<3>("EWR")}, {text<2>("AA")}});
    expect_other(short_key{{text<3>("EWU")}, {text<2>("RA")}},
                 short_key{{text<3>("EWR")}, {text<2>("UA")}});
    EXPECT_NE(hash_of(row<column<"a", std::int8_t>, column<"b", std::int8_t>>{{-1}, {0}}),
              hash_of(row<column<"a", std::int8_t>, column<"b", std::int8_t>>{{-1}, {-1}}));
}

TEST(hash, has_one_key_for_both_zeros_and_one_for_every_nan) {
    expect_same(0.0, -0.0);
    expect_same(0.0F, -0.0F);
    expect_same(std::nan("1"), std::nan("2"));
    expect_same(-std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::quiet_NaN());
    expect_other(1.0, 1.5);
    expect_other(std::nan(""), 0.0);
    expect_same(airport::visit{{}, "", -0.0}, airport::visit{{}, "", 0.0});
    expect_same(std::optional<double>{-0.0}, std::optional<double>{0.0});
}

TEST(hash, takes_hash_value_and_equality_of_the_type) {
    expect_same(airport::folded{'A'}, airport::folded{'a'});
    expect_other(airport::folded{'A'}, airport::folded{'b'});
}

TEST(hash, depends_on_every_byte_of_a_string_of_any_length) {
    for (std::size_t size = 0; size <= 70; ++size) {
        std::string const base(size, 'q');
        std::set<std::uint64_t> seen{hash_of(base)};
        for (std::size_t i = 0; i < size; ++i) {
            std::string other = base;
            other[i] = 'r';
            EXPECT_TRUE(seen.insert(hash_of(other)).second) << size << ' ' << i;
        }
        EXPECT_NE(hash_of(base), hash_of(base + 'q'));
        EXPECT_NE(hash_of(base), hash_of(base + '\0'));
    }
}

template <std::size_t N>
void every_byte_counts() {
    text<N> base;
    std::set<std::uint64_t> seen{hash_of(base)};
    for (std::size_t i = 0; i < N; ++i) {
        text<N> other(std::string_view(std::string(i, '\0') + 'x'));
        EXPECT_TRUE(seen.insert(hash_of(other)).second) << N << ' ' << i;
    }
}
TEST(hash, depends_on_every_byte_of_a_text_of_any_capacity) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (every_byte_counts<I + 1>(), ...);
    }(std::make_index_sequence<70>{});
}

TEST(hash, takes_a_seed_for_strings) {
    EXPECT_NE(hash_of(std::string("key"), 1), hash_of(std::string("key"), 2));
    EXPECT_NE(hash_of(text<20>("key"), 1), hash_of(text<20>("key"), 2));
    EXPECT_NE(hash_of(airport::visit{}, 1), hash_of(airport::visit{}, 2));
}

/// The fullest of 2^12 buckets, by the high bits, for 2^12 keys: about 7 for a random function.
template <class Make>
unsigned fullest(Make make) {
    std::vector<unsigned> buckets(4096);
    for (std::uint64_t i = 0; i < 4096; ++i) ++buckets[hash_of(make(i)) >> 52];
    unsigned most = 0;
    for (unsigned n : buckets) most = n > most ? n : most;
    return most;
}

TEST(hash, spreads_strided_integers_over_the_high_bits) {
    unsigned worst = 0;
    for (std::uint64_t stride = 1; stride < 20'000; ++stride)
        worst = std::max(worst, fullest([=](std::uint64_t i) { return i * stride; }));
    for (unsigned bit = 0; bit < 52; ++bit)
        for (std::uint64_t odd : {1U, 3U, 5U, 10U, 60U, 1000U, 3600U})
            worst = std::max(worst, fullest([=](std::uint64_t i) { return (i * odd) << bit; }));
    RecordProperty("fullest_bucket", static_cast<int>(worst));
    EXPECT_LE(worst, 24U);
}

TEST(hash, spreads_doubles_and_numbered_strings) {
    EXPECT_LE(fullest([](std::uint64_t i) { return static_cast<double>(i); }), 16U);
    EXPECT_LE(fullest([](std::uint64_t i) { return static_cast<double>(i) * 0.01; }), 16U);
    EXPECT_LE(fullest([](std::uint64_t i) { return static_cast<float>(i); }), 16U);
    EXPECT_LE(fullest([](std::uint64_t i) { return "user-" + std::to_string(i); }), 16U);
    EXPECT_LE(fullest([](std::uint64_t i) { return text<8>(std::string_view(std::to_string(i))); }),
              16U);
    EXPECT_LE(fullest([](std::uint64_t i) {
                  return text<16>(std::string_view("sensor" + std::to_string(i)));
              }),
              16U);
    EXPECT_LE(fullest([](std::uint64_t i) { return std::pair{i / 64, i % 64}; }), 16U);
    EXPECT_LE(
        fullest([](std::uint64_t i) { return airport::gate{static_cast<std::uint16_t>(i), {}}; }),
        16U);
}
}  // namespace
