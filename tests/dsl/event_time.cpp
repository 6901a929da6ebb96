// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

struct event {
    std::int64_t at = 0;
    int n = 0;
};
MILLRACE_RECORD(event, at, n);
struct stamped {
    time_point at;
};
MILLRACE_RECORD(stamped, at);
auto time_of() {
    return [](event const& e) { return time_point{e.at}; };
}

static_assert(stream_of<decltype(from(std::declval<std::vector<event>&>())
                                 | event_time(time_of()))>::traits.timed);
static_assert(time_strategy<monotonic> && time_strategy<bounded_disorder>);
static_assert(!time_strategy<int>);

/// Times of the late records, for windows of 10 ns that count.
template <class Pipeline>
std::vector<std::int64_t> late_of(Pipeline timed, std::size_t batch) {
    std::vector<std::int64_t> late;
    run_by_hand(timed | window_all(tumbling{duration{10}}) | count()
                    | late_to([&](auto const& e) { late.push_back(e.at); }) | discard(),
                batch);
    return late;
}

TEST(monotonic, makes_a_record_late_whose_pane_a_younger_one_has_closed) {
    std::vector<event> const in{{5, 0}, {12, 0}, {9, 0}, {20, 0}, {19, 0}, {20, 0}, {11, 0}};
    for (std::size_t const batch : {1U, 2U, 3U, 7U, 65'536U})
        EXPECT_EQ(late_of(from(in) | event_time(time_of()), batch),
                  (std::vector<std::int64_t>{9, 19, 11}));
}
TEST(bounded_disorder, allows_for_that_much) {
    std::vector<event> const in{{5, 0},  {14, 0}, {9, 0},  {15, 0}, {9, 0},
                                {24, 0}, {10, 0}, {25, 0}, {10, 0}};
    for (std::size_t const batch : {1U, 2U, 3U, 65'536U})
        EXPECT_EQ(late_of(from(in) | event_time(time_of(), bounded_disorder{duration{5}}), batch),
                  (std::vector<std::int64_t>{9, 10}));
}
TEST(event_time, takes_fields_and_what_std_chrono_has) {
    std::vector<stamped> const in{{time_point{3}},
                                  {std::chrono::sys_seconds{std::chrono::seconds{2}}}};
    auto const o = run_by_hand(from(in)
                               | tee(event_time(field<&stamped::at>) | discard(),
                                     event_time(field<"at">) | discard(),
                                     event_time([](stamped const&) {
                                         return std::chrono::sys_days{std::chrono::days{15'706}};
                                     }) | discard()));
    EXPECT_EQ(o.of("event_time", 2).passed, 2U);
    EXPECT_EQ(in[1].at.ns, 2'000'000'000);
}
struct punctuated {
    time_point mark = time_point::min();
    void observe(time_point t) {
        if (t.ns % 100 == 0) mark = t;
    }
    [[nodiscard]] time_point watermark() const { return mark; }
};
TEST(event_time, takes_a_strategy_of_ones_own) {
    std::vector<event> const in{{5, 0}, {55, 0}, {6, 0}, {100, 0}, {7, 0}, {101, 0}};
    for (std::size_t const batch : {1U, 65'536U})
        EXPECT_EQ(late_of(from(in) | event_time(time_of(), punctuated{}), batch),
                  (std::vector<std::int64_t>{7}));
}
TEST(event_time, behind_a_merge_keeps_a_watermark_per_input) {
    std::vector<event> const fast{{100, 0}, {200, 0}, {300, 0}};
    std::vector<event> const slow{{1, 0}, {2, 0}, {3, 0}};
    for (std::size_t const batch : {1U, 2U, 65'536U})
        EXPECT_TRUE(late_of(merge(from(fast), from(slow)) | event_time(time_of()), batch).empty());
    std::vector<event> const disordered{{100, 0}, {1, 0}};
    EXPECT_EQ(late_of(merge(from(disordered), from(slow)) | event_time(time_of()), 1),
              (std::vector<std::int64_t>{1}));
}
TEST(event_time, of_a_merge_is_that_of_its_inputs) {
    std::vector<event> const fast{{100, 0}, {200, 0}};
    std::vector<event> const slow{{1, 0}, {2, 0}};
    auto const merged =
        merge(from(fast) | event_time(time_of()), from(slow) | event_time(time_of()));
    static_assert(stream_of<decltype(merged)>::traits.timed);
    for (std::size_t const batch : {1U, 65'536U}) EXPECT_TRUE(late_of(merged, batch).empty());
    static_assert(
        !stream_of<decltype(merge(from(fast) | event_time(time_of()), from(slow)))>::traits.timed);
}
TEST(event_time, may_lie_at_the_ends_of_int64) {
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    std::vector<event> const in{{least, 0}, {least + 1, 0}, {0, 0}, {most, 0}, {most - 1, 0}};
    for (std::size_t const batch : {1U, 65'536U}) {
        std::int64_t counted = 0;
        auto const o = run_by_hand(from(in) | event_time(time_of(), bounded_disorder{duration{5}})
                                       | window_all(tumbling{duration{10}}) | count<"n">()
                                       | to([&](auto const& r) { counted += get<"n">(r); }),
                                   batch);
        EXPECT_EQ(static_cast<std::uint64_t>(counted) + o.of("window").late, 5U);
    }
}
TEST(late_to, takes_a_part_with_stages_and_counts_its_edge) {
    std::vector<event> const in{{5, 1}, {12, 2}, {9, 3}, {8, 4}};
    std::vector<int> late;
    auto const o =
        run_by_hand(from(in) | event_time(time_of()) | window_all(tumbling{duration{10}}) | count()
                    | late_to(filter<"odd">([](event const& e) { return e.n % 2 == 1; })
                              | map(field<"n">) | to<"late">(late))
                    | discard());
    EXPECT_EQ(late, (std::vector<int>{3}));
    EXPECT_EQ(o.of("window").late, 2U);
    EXPECT_EQ(o.of("window").passed, 2U);
    EXPECT_EQ(o.of("odd").in, 2U);
    EXPECT_EQ(o.of("late").in, 1U);
}
}  // namespace
