// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Windows by hand, each case for several batches: LANGUAGE 7, SEMANTICS 1 and 3.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>
#include <millrace/test.hpp>

namespace {
using namespace millrace;

struct event {
    std::int64_t t = 0;
    int key = 0;
    int v = 1;
};
MILLRACE_RECORD(event, t, key, v);
time_point time_of(event const& e) { return time_point{e.t}; }

using strings = std::vector<std::string>;
constexpr std::size_t batches[] = {1, 2, 3, 5, 64, 65'536};
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

struct rules {
    std::int64_t size = 10;
    std::int64_t disorder = 0;
    std::int64_t lateness = 0;
};
struct outcome {
    strings rows;  ///< `key [start, end) count`, in the order of emission
    std::vector<std::int64_t> late;
    report all;
};
outcome windows(std::vector<event> const& events, rules const& r, std::size_t batch) {
    outcome out;
    std::vector<event> late;
    out.all = run(from(events) | event_time(time_of, bounded_disorder{duration{r.disorder}})
                      | key_by(field<&event::key>) | window(tumbling{duration{r.size}})
                      | aggregate(count<"n">()) | allowed_lateness(duration{r.lateness})
                      | late_to(late) | to([&](auto const& row) {
                            out.rows.push_back(std::to_string(get<"key">(row)) + " ["
                                               + std::to_string(get<"window_start">(row).ns) + ", "
                                               + std::to_string(get<"window_end">(row).ns) + ") "
                                               + std::to_string(get<"n">(row)));
                        }),
                  {.batch = batch});
    for (event const& e : late) out.late.push_back(e.t);
    EXPECT_TRUE(out.all.ok()) << out.all.message;
    EXPECT_TRUE(adds_up(out.all)) << to_text(out.all);
    return out;
}
void expect_rows(std::vector<event> const& events, rules const& r, strings const& rows,
                 std::vector<std::int64_t> const& late = {}) {
    for (std::size_t const batch : batches) {
        auto const out = windows(events, r, batch);
        EXPECT_EQ(out.rows, rows) << "batch " << batch;
        EXPECT_EQ(out.late, late) << "batch " << batch;
        EXPECT_EQ(out.all.late, late.size());
    }
}

TEST(window, closes_when_the_watermark_passes_its_end) {
    expect_rows({{1}, {9}, {10}, {25}}, {}, {"0 [0, 10) 2", "0 [10, 20) 1", "0 [20, 30) 1"});
    expect_rows({{9}, {10}, {9}}, {.disorder = 1}, {"0 [0, 10) 2", "0 [10, 20) 1"});
}

TEST(window, takes_a_record_until_the_watermark_is_at_its_end_and_not_one_longer) {
    expect_rows({{0}, {9}, {8}}, {}, {"0 [0, 10) 3"});
    expect_rows({{0}, {10}, {9}}, {}, {"0 [0, 10) 1", "0 [10, 20) 1"}, {9});
    expect_rows({{0}, {14}, {9}}, {.disorder = 5}, {"0 [0, 10) 2", "0 [10, 20) 1"});
    expect_rows({{0}, {15}, {9}}, {.disorder = 5}, {"0 [0, 10) 1", "0 [10, 20) 1"}, {9});
}

TEST(window, is_late_by_the_end_of_its_pane_and_the_lateness_to_the_nanosecond) {
    expect_rows({{0}, {16}, {9}}, {.lateness = 7}, {"0 [0, 10) 1", "0 [0, 10) 2", "0 [10, 20) 1"});
    expect_rows({{0}, {17}, {9}}, {.lateness = 7}, {"0 [0, 10) 1", "0 [10, 20) 1"}, {9});
    expect_rows({{0}, {16}, {9}}, {.lateness = 6}, {"0 [0, 10) 1", "0 [10, 20) 1"}, {9});
}

TEST(window, an_allowed_late_record_gives_the_row_as_it_stood_and_then_the_new_one) {
    expect_rows({{1}, {2}, {15}, {3}, {4}}, {.lateness = 10},
                {"0 [0, 10) 2", "0 [0, 10) 3", "0 [0, 10) 4", "0 [10, 20) 1"});
}

TEST(window, an_allowed_late_record_of_a_new_key_gives_one_row) {
    expect_rows({{15, 1}, {3, 2}}, {.lateness = 10}, {"2 [0, 10) 1", "1 [10, 20) 1"});
}

TEST(window, an_allowed_late_record_lets_the_later_panes_of_its_key_out_first) {
    // By 25 both panes are due. With a batch of one both rows are out before 3 comes; so they are
    // with any.
    expect_rows({{1}, {12}, {25}, {3}}, {.lateness = 100},
                {"0 [0, 10) 1", "0 [10, 20) 1", "0 [0, 10) 2", "0 [20, 30) 1"});
}

TEST(window, an_allowed_late_record_may_open_a_pane_behind_one_that_is_out) {
    expect_rows({{12}, {25}, {3}}, {.lateness = 100},
                {"0 [10, 20) 1", "0 [0, 10) 1", "0 [20, 30) 1"});
}

TEST(window, drops_what_is_late_without_lateness) {
    expect_rows({{100}, {5}, {6}, {95}, {101}}, {}, {"0 [100, 110) 2"}, {5, 6, 95});
}

TEST(window, is_aligned_to_the_epoch_also_before_it) {
    expect_rows({{-11}, {-10}, {-1}, {0}}, {}, {"0 [-20, -10) 1", "0 [-10, 0) 2", "0 [0, 10) 1"});
}

TEST(window, takes_times_at_both_ends_of_int64) {
    std::string const first =
        "0 [" + std::to_string(lowest) + ", " + std::to_string(lowest + 8) + ") ";
    std::string const last =
        "0 [" + std::to_string(highest - 7) + ", " + std::to_string(highest) + ") ";
    // The watermark of a record at the end of time ends nothing: what ends there stays open until
    // the input does.
    expect_rows({{lowest}, {lowest + 7}, {0}, {highest}, {highest - 3}}, {},
                {first + "2", "0 [0, 10) 1", last + "2"});
    expect_rows({{highest}, {lowest}, {highest}}, {}, {last + "2"}, {lowest});
    expect_rows({{highest}, {highest - 9}, {highest - 3}}, {.lateness = 100},
                {"0 [" + std::to_string(highest - 17) + ", " + std::to_string(highest - 7) + ") 1",
                 last + "2"});
    expect_rows({{lowest}, {lowest + 1}, {lowest}}, {.disorder = 5, .lateness = 5}, {first + "3"});
}

TEST(window, of_a_huge_size_holds_everything_until_the_end) {
    expect_rows({{5}, {highest}, {0}}, {.size = highest, .lateness = highest},
                {"0 [0, " + std::to_string(highest) + ") 2",
                 "0 [" + std::to_string(highest) + ", " + std::to_string(highest) + ") 1"});
}

TEST(window, over_all_records_gives_one_row_a_pane) {
    for (std::size_t const batch : batches) {
        std::vector<std::int64_t> n;
        auto const r = run(from(std::vector<event>{{1, 1}, {2, 2}, {12, 3}}) | event_time(time_of)
                               | window_all(tumbling_of<duration{10}>{}) | aggregate(count<"n">())
                               | to([&](auto const& row) { n.push_back(get<"n">(row)); }),
                           {.batch = batch});
        EXPECT_EQ(n, (std::vector<std::int64_t>{2, 1}));
        EXPECT_TRUE(adds_up(r));
    }
}

TEST(window, global_gives_a_row_a_key_at_the_end) {
    for (std::size_t const batch : batches) {
        std::vector<std::pair<int, std::int64_t>> rows;
        // With event time too: a record at the end of time ends no window that has no end.
        auto const r = run(from(std::vector<event>{{highest, 1}, {2, 2}, {12, 1}})
                               | event_time(time_of) | key_by(field<&event::key>) | window(global{})
                               | aggregate(sum<"v">(field<&event::v>)) | to([&](auto const& row) {
                                     rows.emplace_back(get<"key">(row), get<"v">(row));
                                 }),
                           {.batch = batch});
        std::sort(rows.begin(), rows.end());
        EXPECT_EQ(rows, (std::vector<std::pair<int, std::int64_t>>{{1, 2}, {2, 1}}));
        EXPECT_TRUE(adds_up(r));
    }
}

TEST(window, global_over_all_gives_nothing_for_nothing) {
    std::size_t rows = 0;
    auto const sums = [&] {
        return window_all(global{}) | sum<"v">(field<&event::v>) | to([&](auto const&) { ++rows; });
    };
    EXPECT_TRUE(adds_up(run(from(std::vector<event>{}) | sums())));
    EXPECT_EQ(rows, 0U);
    EXPECT_TRUE(adds_up(run(from(std::vector<event>{{}, {}}) | sums())));
    EXPECT_EQ(rows, 1U);
}

TEST(window, reduces_to_a_record_of_the_same_type) {
    for (std::size_t const batch : batches) {
        std::vector<event> out;
        auto const r =
            run(from(std::vector<event>{{1, 1, 5}, {2, 1, 6}, {3, 2, 7}, {12, 1, 8}})
                    | event_time(time_of) | key_by(field<&event::key>)
                    | window(tumbling{duration{10}}) | reduce([](event const& a, event const& b) {
                          return event{b.t, a.key, a.v + b.v};
                      })
                    | to(out),
                {.batch = batch});
        ASSERT_EQ(out.size(), 3U);
        std::sort(out.begin(), out.end(), [](event const& a, event const& b) { return a.v < b.v; });
        EXPECT_EQ(out[0].v, 7);
        EXPECT_EQ(out[1].v, 8);
        EXPECT_EQ(out[2].v, 11);
        EXPECT_EQ(out[2].t, 2);
        EXPECT_TRUE(adds_up(r));
    }
}

TEST(window, follows_a_strategy_of_the_users_own) {
    // Watermarks in the stream itself: a record of key -1 says what is complete.
    struct punctuated {
        time_point seen = time_point::min();
        void observe(time_point t) { seen = t.ns % 10 == 0 ? t : seen; }
        time_point watermark() const { return seen; }
    };
    for (std::size_t const batch : batches) {
        strings rows;
        auto const r =
            run(from(std::vector<event>{{1}, {25}, {2}, {20}, {3}})
                    | event_time(time_of, punctuated{}) | key_by(field<&event::key>)
                    | window(tumbling{duration{10}}) | aggregate(count<"n">())
                    | to([&](auto const& row) { rows.push_back(std::to_string(get<"n">(row))); }),
                {.batch = batch});
        EXPECT_EQ(rows, (strings{"2", "2"})) << batch;
        EXPECT_EQ(r.late, 1U);
        EXPECT_TRUE(adds_up(r));
    }
}

TEST(window, judges_a_record_by_the_watermark_before_it_and_not_by_its_own) {
    struct eager {  // each record says that its pane is complete
        time_point mark = time_point::min();
        void observe(time_point t) { mark = std::max(mark, t + duration{10}); }
        time_point watermark() const { return mark; }
    };
    for (std::size_t const batch : batches) {
        auto const r = run(from(std::vector<event>{{1}, {2}, {13}, {30}})
                               | event_time(time_of, eager{}) | key_by(field<&event::key>)
                               | window(tumbling{duration{10}}) | count<"n">() | discard(),
                           {.batch = batch});
        EXPECT_EQ(r.late, 1U) << batch;
        EXPECT_EQ(r.records_out, 3U) << batch;
    }
}

TEST(window, refuses_a_size_that_is_not_positive_at_start) {
    for (std::int64_t const size : {std::int64_t{0}, std::int64_t{-1}, lowest}) {
        std::vector<event> const none;
        auto const r = run(from(none) | event_time(time_of) | key_by(field<&event::key>)
                           | window(tumbling{duration{size}}) | count<"n">() | discard());
        EXPECT_EQ(r.code, exit_code::configuration);
        EXPECT_EQ(static_cast<int>(r.code), 78);
        EXPECT_EQ(
            r.message,
            "millrace: window: the size of a window is not positive. Give tumbling{…} a duration of at "
            "least 1 ns.");
    }
}
TEST(window, refuses_a_negative_lateness_at_start) {
    std::vector<event> const none;
    auto const r = run(from(none) | event_time(time_of) | key_by(field<&event::key>)
                       | window(tumbling{seconds(1)}) | count<"n">()
                       | allowed_lateness(duration{-1}) | discard());
    EXPECT_EQ(r.code, exit_code::configuration);
    EXPECT_EQ(r.message, "millrace: allowed_lateness: the duration is negative. Give 0 or more.");
}

}  // namespace
