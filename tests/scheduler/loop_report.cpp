// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/loop_report.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;
struct event {
    std::int64_t t = 0;
    int key = 0;
};
MILLRACE_RECORD(event, t, key);
std::vector<event> const events{{100, 1}, {1, 2}, {2, 3}, {101, 4}};
auto no_two = [](event const& e) {
    if (e.key == 2) throw std::runtime_error("two");
    return e;
};
auto timed() {
    return event_time([](event const& e) { return time_point{e.t}; });
}
auto counted_panes() {
    return key_by(field<&event::key>) | window(tumbling{duration{10}}) | count<"n">();
}

TEST(loop_report, counts_what_side_outputs_take_as_late_and_dead_and_not_as_out) {
    auto const r = run(from(events) | map(no_two) | on_error(discard<"dead">()) | timed()
                       | counted_panes() | late_to(discard<"late">()) | discard<"rows">());
    EXPECT_EQ(r.records_in, 4U);
    EXPECT_EQ(r.records_out, 2U);
    EXPECT_EQ(r.late, 1U);
    EXPECT_EQ(r.dead, 1U);
    EXPECT_TRUE(adds_up(r));
}
TEST(loop_report, counts_every_branch_of_a_fork_as_out_and_side_outputs_within_it_as_none) {
    auto const r =
        run(from(events) | timed()
            | tee(discard<"all">(),
                  map(no_two) | on_error(tee(discard()) | discard<"dead">()) | discard<"some">(),
                  counted_panes()
                      | late_to(filter([](event const&) { return true; }) | discard<"late">())
                      | discard<"rows">())
            | discard<"again">());
    EXPECT_EQ(r.records_out, 4U + 3U + 2U + 4U);
    EXPECT_EQ(r.dead, 1U);
    EXPECT_EQ(r.late, 2U);
    EXPECT_TRUE(adds_up(r)) << to_text(r);
}
TEST(loop_report, names_what_dropped_records) {
    auto const r = run(from(events) | map<"risky">(no_two) | on_error(drop) | map(no_two)
                       | on_error(drop) | discard());
    ASSERT_EQ(r.dropped.size(), 1U);
    EXPECT_EQ(r.dropped[0].reason, "map<\"risky\">");
    EXPECT_EQ(r.dropped[0].count, 1U);
}
TEST(loop_report, adds_the_inputs_up) {
    auto const r =
        run(merge(from(events), from(events) | filter([](event const& e) { return e.key > 2; }))
            | discard());
    EXPECT_EQ(r.records_in, 8U);
    EXPECT_EQ(r.records_out, 6U);
    EXPECT_TRUE(adds_up(r));
}
TEST(loop_report, holds_what_is_in_state_when_a_run_is_stopped) {
    auto const r = run(from(events) | timed() | tee(counted_panes() | discard<"rows">())
                       | map([](event const& e) {
                             if (e.key == 4) throw std::runtime_error("four");
                             return e;
                         })
                       | discard());
    EXPECT_EQ(r.code, exit_code::data);
    std::uint64_t held = 0;
    for (auto const& s : r.stages) held += s.counts.held;
    EXPECT_EQ(held, 2U);  // 100 and 101; 1 and 2 were late
    EXPECT_EQ(r.late, 2U);
    EXPECT_TRUE(adds_up(r)) << to_text(r);
}

}  // namespace
