// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <array>
#include <list>
#include <memory>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

template <class Range>
auto all_of(Range&& range, std::size_t batch) {
    using record = typename stream_of<decltype(from(std::forward<Range>(range)))>::record;
    std::vector<record> out;
    auto const o = run_by_hand(from(std::forward<Range>(range)) | to(out), batch);
    EXPECT_EQ(o.of("from").out, out.size());
    EXPECT_EQ(o.of("from").in, out.size());
    return out;
}

TEST(from, reads_any_range_for_any_batch) {
    std::vector<int> const expected{1, 2, 3, 4, 5};
    std::vector<int> const vector = expected;
    std::list<int> const list{1, 2, 3, 4, 5};
    std::set<int> set{5, 4, 3, 2, 1};
    std::array<int, 5> const array{1, 2, 3, 4, 5};
    for (std::size_t const batch : {1U, 2U, 5U, 6U, 65'536U}) {
        EXPECT_EQ(all_of(vector, batch), expected);
        EXPECT_EQ(all_of(list, batch), expected);
        EXPECT_EQ(all_of(set, batch), expected);
        EXPECT_EQ(all_of(array, batch), expected);
        EXPECT_EQ(all_of(std::vector<int>(expected), batch), expected);
        EXPECT_EQ(all_of(std::list<int>(list), batch), expected);
        EXPECT_EQ(all_of(std::views::iota(1, 6), batch), expected);
        EXPECT_EQ(
            all_of(std::views::iota(2, 7) | std::views::transform([](int n) { return n - 1; }),
                   batch),
            expected);
        EXPECT_EQ(all_of(vector | std::views::filter([](int n) { return n > 0; }), batch),
                  expected);
    }
}
TEST(from, reads_a_stream_that_forgets_what_it_has_read) {
    std::istringstream text("one two three");
    EXPECT_EQ(all_of(std::ranges::istream_view<std::string>(text), 2),
              (std::vector<std::string>{"one", "two", "three"}));
}
TEST(from, an_empty_range_reads_nothing) {
    EXPECT_TRUE(all_of(std::vector<int>{}, 3).empty());
    EXPECT_TRUE(all_of(std::list<int>{}, 3).empty());
}
TEST(from, an_lvalue_borrows_and_leaves_it_as_it_was) {
    std::vector<std::string> words{"a long enough string to live on the heap", "b"};
    auto const before = words;
    EXPECT_EQ(all_of(words, 1), before);
    EXPECT_EQ(words, before);
}
TEST(from, an_rvalue_moves_in_but_a_view_owns_nothing) {
    std::vector<std::string> words{"a long enough string to live on the heap", "b"};
    auto const before = words;
    EXPECT_EQ(all_of(std::span<std::string>(words), 1), before);
    EXPECT_EQ(words, before);
    auto const* const data = words[0].data();
    std::vector<std::string> out;
    run_by_hand(from(std::move(words)) | to(out));
    EXPECT_EQ(out, before);
    EXPECT_EQ(out[0].data(), data);
}
TEST(from, counts_what_it_read_when_the_run_stops) {
    std::vector<int> const vector{1, 2, 3, 4, 5};
    std::list<int> const list{1, 2, 3, 4, 5};
    auto const refuse = [](int n) {
        if (n == 3) throw std::runtime_error("three");
        return n;
    };
    auto const a = run_by_hand(from(vector) | map(refuse) | discard());
    auto const b = run_by_hand(from(list) | map(refuse) | discard());
    EXPECT_EQ(a.of("from").out, 3U);
    EXPECT_EQ(b.of("from").out, 3U);
}
TEST(generate, calls_until_the_end) {
    for (std::size_t const batch : {1U, 3U, 100U}) {
        std::vector<int> out;
        auto const o = run_by_hand(generate([n = 0]() mutable {
                                       return n < 5 ? std::optional<int>(n++) : std::nullopt;
                                   }) | to(out),
                                   batch);
        EXPECT_EQ(out, (std::vector<int>{0, 1, 2, 3, 4}));
        EXPECT_EQ(o.of("generate").out, 5U);
    }
}
TEST(generate, makes_move_only_records_and_takes_pointers) {
    int sum = 0;
    run_by_hand(generate([n = 0]() mutable {
                    return n < 3 ? std::optional<std::unique_ptr<int>>(std::make_unique<int>(++n))
                                 : std::nullopt;
                })
                | to([&](std::unique_ptr<int> p) { sum += *p; }));
    EXPECT_EQ(sum, 6);
    int const values[] = {7, 8};
    std::vector<int> out;
    run_by_hand(generate([&values, i = 0]() mutable { return i < 2 ? &values[i++] : nullptr; })
                | to(out));
    EXPECT_EQ(out, (std::vector<int>{7, 8}));
}
struct point {
    int x = 0;
    double y = 0;
    friend bool operator==(point const&, point const&) = default;
};
TEST(columns, make_rows_of_arrays_and_the_shortest_decides) {
    std::vector<int> const x{1, 2, 3};
    std::vector<double> const y{0.5, 0.25};
    for (std::size_t const batch : {1U, 2U, 100U}) {
        std::vector<point> out;
        auto const o = run_by_hand(columns<point>(x, y) | to(out), batch);
        EXPECT_EQ(out, (std::vector<point>{{1, 0.5}, {2, 0.25}}));
        EXPECT_EQ(o.of("columns").out, 2U);
    }
}
}  // namespace
