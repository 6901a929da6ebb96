// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What is refused with a sentence stands in tests/reject/complete_*.cpp.

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/dsl/complete.hpp>
#include <millrace/model/bytes.hpp>

namespace completeness {
using namespace millrace;

struct pieces_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::bytes;
    static constexpr std::string_view word = "pieces";
    static constexpr auto name = fixed_string{""};
    using record = chunk;
};
struct words_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::parser;
    static constexpr std::string_view word = "words";
    static constexpr auto name = fixed_string{""};
    template <class In, bool Aloud = false>
    static consteval auto accept() {
        return accepted<stream<std::string_view, no_key, In::traits>>{};
    }
};

auto numbers() { return from(std::vector<int>{}); }
auto clean() {
    return filter([](int n) { return n > 0; });
}
auto timed() {
    return event_time([](int n) { return time_point{n}; });
}

template <class T>
constexpr bool complete(T const&) {
    return is_complete<T>;
}

TEST(complete, takes_what_has_a_source_and_a_sink) {
    EXPECT_TRUE(complete(numbers() | discard()));
    EXPECT_TRUE(complete(numbers() | (clean() | discard())));
    EXPECT_TRUE(complete(merge(numbers(), numbers() | clean()) | discard()));
    EXPECT_TRUE(complete(pieces_stage{} | words_stage{} | discard()));
    EXPECT_TRUE(complete(pieces_stage{} | on_error(drop) | words_stage{} | on_error(discard())
                         | discard()));
}

TEST(complete, takes_a_closed_fork_for_an_end) {
    EXPECT_TRUE(complete(numbers() | tee(discard(), discard())));
    EXPECT_TRUE(complete(
        numbers() | split(when([](int n) { return n > 0; }, discard()), otherwise(discard()))));
    EXPECT_TRUE(complete(numbers() | split(otherwise(discard())) | on_error(drop)));
    EXPECT_FALSE(complete(numbers() | merge(clean(), clean())));
}

TEST(complete, refuses_what_is_open) {
    EXPECT_FALSE(complete(numbers()));
    EXPECT_FALSE(complete(pieces_stage{}));
    EXPECT_FALSE(complete(clean()));
    EXPECT_FALSE(complete(clean() | discard()));
    EXPECT_FALSE(complete(numbers() | timed() | window_all(tumbling{seconds(1)})));
}

TEST(complete, refuses_bytes_that_no_format_reads) {
    EXPECT_FALSE(complete(pieces_stage{} | discard()));
    EXPECT_FALSE(complete(merge(pieces_stage{}, pieces_stage{}) | words_stage{} | discard()));
    EXPECT_FALSE(complete(from(std::vector<chunk>{}) | words_stage{} | discard()));
    EXPECT_TRUE(complete(merge(pieces_stage{} | words_stage{}, pieces_stage{} | words_stage{})
                         | discard()));
}

TEST(complete, refuses_a_name_that_stands_twice) {
    EXPECT_FALSE(complete(numbers() | map<"a">([](int n) { return n; }) | discard<"a">()));
    EXPECT_FALSE(complete(numbers() | tee(discard<"a">()) | discard<"a">()));
    EXPECT_FALSE(complete(merge(numbers() | on_error(discard<"a">()), numbers()) | discard<"a">()));
    EXPECT_TRUE(complete(numbers() | tee(discard<"a">()) | discard<"b">()));
}

TEST(complete, says_nothing_of_what_was_refused_before) {
    static_assert(!is_complete<rejected>);
    static_assert(!detail::check_complete<rejected>());
}

}  // namespace completeness
