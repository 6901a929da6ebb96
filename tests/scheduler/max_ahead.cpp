// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// A record whose event time is too far ahead of the clock is a bad one (SEMANTICS 6).

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/scheduler/run.hpp>
#include <millrace/scheduler/test_driver.hpp>

namespace {
using namespace millrace;

struct event {
    std::int64_t t = 0;
    int key = 0;
};
MILLRACE_RECORD(event, t, key);
auto time_of() {
    return [](event const& e) { return time_point{e.t}; };
}
constexpr time_point noon{seconds(43'200).ns};
std::int64_t after_noon(duration d) { return (noon + d).ns; }

/// A range that says that it came over the network.
struct arriving : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "arriving";
    static constexpr auto name = fixed_string{""};
    static constexpr bool from_network = true;
    using record = event;
    std::vector<event> const* events;

    struct reader {
        std::vector<event> const* events;
        std::size_t next = 0;
        template <class Push>
        source_state poll(std::size_t n, Push&& push) {
            for (; n > 0 && next < events->size(); --n) push((*events)[next++]);
            return next < events->size() ? source_state::more : source_state::ended;
        }
    };
    template <class Env>
    auto open_source(Env&) const {
        return reader{events};
    }
};
std::vector<event> const nothing;

template <class Timed>
auto counted(Timed timed) {
    return std::move(timed) | on_error(to<"bad">([](dead_letter<event> const&) {}))
           | window_all(tumbling{seconds(10)}) | count<"n">()
           | late_to(to<"late">([](event const&) {})) | to<"rows">([](auto const&) {});
}

TEST(max_ahead, makes_a_bad_record_of_one_that_is_too_far_ahead_and_moves_no_watermark) {
    driver d{from(nothing) | counted(event_time(time_of(), monotonic{}, max_ahead{seconds(5)}))};
    d.set_clock(noon);
    d.in().push({noon.ns, 1});
    d.in().push({after_noon(seconds(5)), 2});
    d.in().push({after_noon(seconds(5)) + 1, 3});
    d.in().push({after_noon(minutes(60)), 4});
    ASSERT_EQ(d.out<"bad">().size(), 2U);
    EXPECT_EQ(d.out<"bad">()[0].record->key, 3);
    EXPECT_EQ(d.out<"bad">()[1].record->key, 4);
    EXPECT_EQ(d.out<"bad">()[1].stage, "event_time");
    EXPECT_NE(d.out<"bad">()[1].reason.find("max_ahead"), std::string::npos);
    d.in().push({after_noon(seconds(5)), 5});
    EXPECT_TRUE(d.out<"late">().empty());
    EXPECT_TRUE(adds_up(d.report()));
}
TEST(max_ahead, follows_the_clock) {
    driver d{from(nothing) | counted(event_time(time_of(), monotonic{}, max_ahead{seconds(5)}))};
    d.set_clock(noon);
    d.in().push({after_noon(seconds(6)), 1});
    EXPECT_EQ(d.out<"bad">().size(), 1U);
    d.set_clock(noon + seconds(1));
    d.in().push({after_noon(seconds(6)), 2});
    EXPECT_EQ(d.out<"bad">().size(), 1U);
}
TEST(max_ahead, is_a_minute_and_the_disorder_for_what_comes_over_the_network) {
    driver d{detail::lift(arriving{{}, &nothing})
             | counted(event_time(time_of(), bounded_disorder{seconds(10)}))};
    d.set_clock(noon);
    d.in().push({after_noon(seconds(70)), 1});
    EXPECT_TRUE(d.out<"bad">().empty());
    d.in().push({after_noon(seconds(70)) + 1, 2});
    EXPECT_EQ(d.out<"bad">().size(), 1U);
}
TEST(max_ahead, believes_a_source_in_memory_unless_told) {
    driver d{from(nothing) | counted(event_time(time_of(), monotonic{}))};
    d.set_clock(noon);
    d.in().push({time_point::max().ns - 1, 1});
    EXPECT_TRUE(d.out<"bad">().empty());
}
TEST(max_ahead, can_be_taken_away) {
    driver d{detail::lift(arriving{{}, &nothing})
             | counted(event_time(time_of(), monotonic{}, max_ahead{duration::max()}))};
    d.set_clock(noon);
    d.in().push({time_point::max().ns, 1});
    EXPECT_TRUE(d.out<"bad">().empty());
}
TEST(max_ahead, is_measured_from_the_clock_of_the_machine_in_a_run) {
    std::int64_t const now = detail::read_clock(CLOCK_REALTIME);
    std::vector<event> const events{{now, 1}, {now + minutes(30).ns, 2}, {now, 3}};
    std::vector<int> bad;
    std::vector<int> late;
    auto const r =
        run(detail::lift(arriving{{}, &events}) | event_time(time_of())
            | on_error(to([&](dead_letter<event> const& l) { bad.push_back(l.record->key); }))
            | window_all(tumbling{minutes(1)}) | count<"n">()
            | late_to([&](event const& e) { late.push_back(e.key); }) | discard());
    EXPECT_EQ(bad, std::vector<int>{2});
    EXPECT_TRUE(late.empty());
    EXPECT_TRUE(adds_up(r));
}
}  // namespace
