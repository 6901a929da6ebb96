// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/dsl/late_to.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;

struct event {
    std::int64_t t = 0;
    int key = 0;
};
MILLRACE_RECORD(event, t, key);
auto timed() {
    return event_time([](auto const& e) { return time_point{e.t}; });
}

TEST(late_to, gets_late_records_as_they_came_and_in_their_order) {
    std::vector<event> late;
    auto const r = run(from(std::vector<event>{{100, 1}, {3, 2}, {101, 1}, {1, 3}, {2, 1}})
                       | timed() | key_by(field<&event::key>) | window(tumbling{duration{10}})
                       | count<"n">() | late_to(late) | discard());
    ASSERT_EQ(late.size(), 3U);
    EXPECT_EQ(late[0].t, 3);
    EXPECT_EQ(late[1].t, 1);
    EXPECT_EQ(late[2].t, 2);
    EXPECT_EQ(r.late, 3U);
    EXPECT_TRUE(adds_up(r));
}

TEST(late_to, takes_a_part_whose_stages_add_up_too) {
    std::vector<std::int64_t> late;
    auto const r = run(from(std::vector<event>{{100, 1}, {3, 2}, {4, 1}, {5, 3}}) | timed()
                       | key_by(field<&event::key>) | window(tumbling{duration{10}}) | count<"n">()
                       | late_to(filter<"odd">([](event const& e) { return e.t % 2 == 1; })
                                 | map([](event const& e) { return e.t; }) | to<"late">(late))
                       | to<"rows">([](auto const&) {}));
    EXPECT_EQ(late, (std::vector<std::int64_t>{3, 5}));
    EXPECT_TRUE(adds_up(r)) << to_text(r);
    EXPECT_EQ(r.records_out, 1U);  // side outputs are not «out»
    EXPECT_EQ(r.late, 3U);
}

TEST(late_to, may_end_in_a_window_of_its_own) {
    std::vector<std::int64_t> hours;
    auto const r =
        run(from(std::vector<event>{{100, 1}, {3, 2}, {14, 1}, {5, 3}}) | timed()
            | key_by(field<&event::key>) | window(tumbling{duration{10}}) | count<"n">()
            | late_to(key_by(field<&event::key>) | window(global{}) | count<"n">()
                      | to<"late">([&](auto const& row) { hours.push_back(get<"n">(row)); }))
            | discard());
    EXPECT_EQ(hours, (std::vector<std::int64_t>{1, 1, 1}));
    EXPECT_TRUE(adds_up(r)) << to_text(r);
}

TEST(late_to, moves_records_that_can_only_be_moved) {
    struct heavy {
        std::int64_t t;
        std::unique_ptr<int> body;
    };
    std::vector<heavy> in;
    for (std::int64_t const t : {100, 1, 2})
        in.push_back({t, std::make_unique<int>(static_cast<int>(t))});
    std::vector<heavy> late;
    auto const r = run(from(std::move(in)) | timed() | window_all(tumbling{duration{10}})
                       | count<"n">() | late_to(late) | discard());
    ASSERT_EQ(late.size(), 2U);
    EXPECT_EQ(*late[0].body, 1);
    EXPECT_EQ(*late[1].body, 2);
    EXPECT_TRUE(adds_up(r));
}

TEST(late_to, without_it_late_records_are_counted) {
    auto const r =
        run(from(std::vector<event>{{100, 1}, {3, 2}}) | timed() | key_by(field<&event::key>)
            | window(tumbling{duration{10}}) | count<"n">() | discard());
    EXPECT_EQ(r.late, 1U);
    EXPECT_NE(to_text(r).find("1 late"), std::string::npos);
    EXPECT_TRUE(adds_up(r));
}

}  // namespace
