// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

struct flight {
    text<3> origin;
    text<2> carrier;
    int number = 0;
};
MILLRACE_RECORD(flight, origin, carrier, number);
struct plain {
    int a = 0;
};
std::vector<flight> const flights{
    {"EWR", "UA", 1}, {"JFK", "B6", 2}, {"EWR", "UA", 3}, {"EWR", "B6", 4}};

template <class Key>
using keyed = decltype(from(flights) | std::declval<Key>());
template <class Key>
using key_row = typename stream_of<keyed<Key>>::key::type;

// The key's columns are called like its fields, else like the key, else key, key1, key2, …
static_assert(std::is_same_v<key_row<decltype(key_by(field<&flight::origin>, field<"carrier">))>,
                             row<column<"origin", text<3>>, column<"carrier", text<2>>>>);
static_assert(std::is_same_v<key_row<decltype(key_by(&flight::number))>, row<column<"key", int>>>);
static_assert(std::is_same_v<
              key_row<decltype(key_by<"parity">([](flight const& f) { return f.number % 2; }))>,
              row<column<"parity", int>>>);
static_assert(std::is_same_v<
              key_row<decltype(key_by([](flight const& f) { return f.number; }, field<"origin">,
                                      [](flight const& f) { return f.number > 2; }))>,
              row<column<"key1", int>, column<"origin", text<3>>, column<"key3", bool>>>);
static_assert(std::is_same_v<typename stream_of<decltype(from(std::declval<std::vector<plain>&>())
                                                         | key_by(field<&plain::a>))>::key::type,
                             row<column<"key", int>>>);
static_assert(stream_of<keyed<decltype(key_by(field<"origin">))>>::traits.exchanged);

TEST(key_by, groups_by_several_fields) {
    std::vector<std::string> out;
    run_by_hand(from(flights) | key_by(field<&flight::origin>, field<&flight::carrier>)
                | count<"n">() | to([&](auto const& r) {
                      out.push_back(std::string(get<"origin">(r)) + std::string(get<"carrier">(r))
                                    + std::to_string(get<"n">(r)));
                  }));
    EXPECT_EQ(out, (std::vector<std::string>{"EWRUA1", "JFKB61", "EWRUA2", "EWRB61"}));
}
TEST(key_by, takes_functions_strings_optionals_and_pairs_as_keys) {
    std::vector<std::int64_t> a;
    std::vector<std::int64_t> b;
    std::vector<std::int64_t> c;
    auto const counts_into = [](std::vector<std::int64_t>& v) {
        return count<"n">() | to([&v](auto const& r) { v.push_back(get<"n">(r)); });
    };
    run_by_hand(
        from(flights)
        | tee(key_by([](flight const& f) { return std::string(f.origin); }) | counts_into(a),
              key_by([](flight const& f) {
                  return f.number > 2 ? std::optional<int>(1) : std::nullopt;
              }) | counts_into(b),
              key_by([](flight const& f) { return std::pair(f.number % 2, f.number > 1); })
                  | counts_into(c)));
    EXPECT_EQ(a, (std::vector<std::int64_t>{1, 1, 2, 3}));
    EXPECT_EQ(b, (std::vector<std::int64_t>{1, 2, 1, 2}));
    EXPECT_EQ(c, (std::vector<std::int64_t>{1, 1, 1, 2}));
}
struct route {
    int from = 0;
    int to = 0;
};
MILLRACE_RECORD(route, from, to);
TEST(key_by, takes_a_described_record_and_compares_its_fields) {
    std::vector<route> const in{{1, 2}, {2, 1}, {1, 2}};
    std::vector<std::int64_t> out;
    run_by_hand(from(in) | key_by([](route const& r) { return r; }) | count<"n">()
                | to([&](auto const& r) { out.push_back(get<"n">(r)); }));
    EXPECT_EQ(out, (std::vector<std::int64_t>{1, 1, 2}));
}
TEST(key_by, hands_on_records_in_their_order) {
    std::vector<flight> out;
    auto const o = run_by_hand(from(flights) | key_by(field<"origin">) | to(out));
    ASSERT_EQ(out.size(), 4U);
    EXPECT_EQ(out[3].number, 4);
    EXPECT_EQ(o.of("key_by").passed, 4U);
}
TEST(key_by, again_replaces_the_key) {
    std::vector<std::string> out;
    run_by_hand(from(flights) | key_by(field<"origin">) | filter([](flight const&) { return true; })
                | key_by(field<"carrier">) | count<"n">() | to([&](auto const& r) {
                      out.push_back(std::string(get<"carrier">(r)) + std::to_string(get<"n">(r)));
                  }));
    EXPECT_EQ(out, (std::vector<std::string>{"UA1", "B61", "UA2", "B62"}));
}
TEST(key_by, is_forgotten_behind_a_map) {
    static_assert(!stream_of<decltype(from(flights) | key_by(field<"origin">)
                                      | map([](flight const& f) { return f; }))>::keyed);
}
}  // namespace
