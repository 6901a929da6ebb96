// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/io/csv.hpp>
#include <millrace/io/file.hpp>
#include <millrace/io/original.hpp>
#include <millrace/scheduler/test_driver.hpp>
#include <millrace/test.hpp>

namespace {
using namespace millrace;

struct event {
    std::int64_t t = 0;
    int key = 0;
    friend bool operator==(event const&, event const&) = default;
};
MILLRACE_RECORD(event, t, key);

auto counts(duration lateness = {}) {
    return event_time([](event const& e) { return time_point{e.t}; }, bounded_disorder{duration{5}})
           | key_by(field<&event::key>) | window(tumbling{duration{10}}) | count<"n">()
           | allowed_lateness(lateness) | late_to(to<"late">([](event const&) {}))
           | to<"rows">([](auto const&) {});
}
std::vector<event> const nothing;

TEST(driver, gives_what_has_gone_through_when_push_returns) {
    driver d{from(nothing) | map([](event const& e) { return e.key; }) | to([](int) {})};
    EXPECT_TRUE(d.out().empty());
    d.in().push({1, 7});
    EXPECT_EQ(d.out(), std::vector<int>{7});
    d.in().push_all(std::vector<event>{{1, 8}, {1, 9}});
    EXPECT_EQ(d.out(), (std::vector<int>{7, 8, 9}));
    d.out().clear();  // the user's to clear
    d.in().push({1, 10});
    EXPECT_EQ(d.out(), std::vector<int>{10});
    EXPECT_EQ(d.report().records_in, 4U);
    EXPECT_EQ(d.report().records_out, 4U);
}
TEST(driver, waits_for_the_watermark_as_a_run_does) {
    driver d{from(nothing) | counts()};
    d.in().push({3, 1});
    d.in().push({14, 1});
    EXPECT_TRUE(d.out<"rows">().empty());
    EXPECT_EQ(d.report().stages[3].counts.held, 2U);
    EXPECT_TRUE(adds_up(d.report()));
    d.in().push({15, 1});  // 15 less the disorder is the end of the first pane
    ASSERT_EQ(d.out<"rows">().size(), 1U);
    EXPECT_EQ(get<"n">(d.out<"rows">()[0]), 1);
    d.in().push({9, 1});
    EXPECT_EQ(d.out<"late">(), (std::vector<event>{{9, 1}}));
    d.end();
    EXPECT_EQ(d.out<"rows">().size(), 2U);
    EXPECT_TRUE(adds_up(d.report()));
}
TEST(driver, advances_the_watermark_and_what_comes_behind_it_is_late) {
    driver d{from(nothing) | counts()};
    d.in().push({3, 1});
    d.advance_watermark(time_point{9});
    EXPECT_TRUE(d.out<"rows">().empty());
    d.advance_watermark(time_point{10});
    EXPECT_EQ(d.out<"rows">().size(), 1U);
    d.advance_watermark(time_point{5});  // never back
    d.in().push({4, 1});
    EXPECT_EQ(d.out<"late">().size(), 1U);
    d.in().push({12, 1});
    d.advance_watermark(time_point::max());
    EXPECT_EQ(d.out<"rows">().size(), 2U);
    d.in().push({time_point::max().ns, 1});  // what ends at the end of time stays open
    EXPECT_EQ(d.out<"rows">().size(), 2U);
    d.end();
    EXPECT_EQ(d.out<"rows">().size(), 3U);
    EXPECT_TRUE(adds_up(d.report()));
}
TEST(driver, gives_an_updated_row_for_an_allowed_late_record) {
    driver d{from(nothing) | counts(duration{100})};
    d.in().push({3, 1});
    d.advance_watermark(time_point{50});
    d.in().push({4, 1});
    ASSERT_EQ(d.out<"rows">().size(), 2U);
    EXPECT_EQ(get<"n">(d.out<"rows">()[0]), 1);
    EXPECT_EQ(get<"n">(d.out<"rows">()[1]), 2);
}
TEST(driver, settles_once_a_batch_and_the_results_do_not_know) {
    for (std::size_t const batch :
         {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{100}}) {
        driver d{from(nothing) | counts(), {.batch = batch}};
        for (std::int64_t t = 0; t < 40; ++t) d.in().push({t, 1});
        EXPECT_EQ(d.out<"rows">().size(), batch > 40 ? 0U : 3U);
        d.settle();
        EXPECT_EQ(d.out<"rows">().size(), 3U);
        d.end();
        EXPECT_EQ(d.out<"rows">().size(), 4U);
    }
}
TEST(driver, holds_time_back_until_the_slowest_input_has_ended) {
    driver d{merge(from(nothing), from(nothing) | filter([](event const& e) { return e.key > 0; }))
             | counts()};
    static_assert(decltype(d)::inputs == 2);
    d.in<0>().push({100, 1});
    EXPECT_TRUE(d.out<"rows">().empty());
    d.in<1>().push({0, 2});  // on time at its own input
    d.in<1>().push({50, 2});
    EXPECT_EQ(d.out<"rows">().size(), 1U);
    EXPECT_TRUE(d.out<"late">().empty());
    d.in<1>().end();
    EXPECT_EQ(d.out<"rows">().size(), 2U);
    d.in<0>().end();
    EXPECT_EQ(d.out<"rows">().size(), 3U);
    d.end();
    EXPECT_TRUE(adds_up(d.report()));
    EXPECT_EQ(d.report().records_in, 3U);
}
TEST(driver, finds_sinks_by_name_by_number_and_the_last_one) {
    driver d{
        from(nothing)
        | tee(map([](event const& e) { return e.key; }) | to<"keys">([](int) {}), discard<"all">())
        | map([](event const& e) { return e.t; }) | to([](std::int64_t) {})};
    d.in().push({5, 6});
    EXPECT_EQ(d.out<"keys">(), std::vector<int>{6});
    EXPECT_EQ(&d.out_at<0>(), &d.out<"keys">());
    EXPECT_EQ(d.out<"all">(), (std::vector<event>{{5, 6}}));
    EXPECT_EQ(d.out_at<2>(), std::vector<std::int64_t>{5});
    EXPECT_EQ(&d.out(), &d.out_at<2>());
}
TEST(driver, keeps_dead_letters_with_copies_of_what_they_refer_to) {
    driver d{from(nothing) | map<"risky">([](event const& e) {
                 if (e.key == 2) throw std::runtime_error("no two");
                 return e;
             })
             | on_error(to<"dead">([](auto const&) {})) | discard()};
    d.in().push({1, 1});
    d.in().push({1, 2});
    ASSERT_EQ(d.out<"dead">().size(), 1U);
    auto const& letter = d.out<"dead">()[0];
    EXPECT_EQ(letter.record, (event{1, 2}));
    EXPECT_EQ(letter.reason, "no two");
    EXPECT_EQ(letter.stage, "risky");
    EXPECT_TRUE(adds_up(d.report()));
}
TEST(driver, throws_what_ends_a_run) {
    driver d{from(nothing)
             | map([](event const& e) -> event { throw std::runtime_error(std::to_string(e.key)); })
             | discard()};
    EXPECT_THROW(d.in().push({1, 1}), failure);
    EXPECT_TRUE(adds_up(d.report()));
}
TEST(driver, takes_records_that_can_only_be_moved) {
    driver d{generate([]() -> std::unique_ptr<std::unique_ptr<int>> { return nullptr; })
             | map([](std::unique_ptr<int> p) {
                   ++*p;
                   return p;
               })
             | to([](std::unique_ptr<int> const&) {})};
    d.in().push(std::make_unique<int>(4));
    ASSERT_EQ(d.out().size(), 1U);
    EXPECT_EQ(*d.out()[0], 5);
}

auto of_csv() {
    return file("never opened") | csv<event>()
           | on_error(original() | to<"dead">(file("never made"))) | counts();
}
TEST(driver, cuts_behind_the_parser_and_before_the_writer) {
    driver d{file("never opened") | csv<event>() | filter([](event const& e) { return e.key > 0; })
             | csv() | to<"out">(file("/nowhere/never made"))};
    d.in().push({1, 1});
    d.in().push({1, 0});
    EXPECT_EQ(d.out<"out">(), (std::vector<event>{{1, 1}}));
    d.end();
    EXPECT_TRUE(adds_up(d.report()));
    EXPECT_EQ(d.report().records_in, 2U);
}
TEST(driver, feeds_the_parser_with_bytes_in_pieces_of_any_size) {
    std::string const text = "t,key\n1,1\nx,2\n2,1\n30,1";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        driver d{of_csv()};
        for (std::size_t at = 0; at < text.size(); at += piece)
            d.bytes_in().push(text.substr(at, piece));
        d.bytes_in().end();
        EXPECT_EQ(d.out<"rows">().size(), 2U);
        ASSERT_EQ(d.out<"dead">().size(), 1U);
        EXPECT_EQ(d.out<"dead">()[0].original, "x,2");
        EXPECT_EQ(d.out<"dead">()[0].position, 3U);
        EXPECT_EQ(d.report().bytes_in, text.size());
        EXPECT_EQ(d.report().bad_rows, 1U);
        EXPECT_EQ(d.report().records_in, 3U);
        EXPECT_TRUE(adds_up(d.report()));
    }
}
TEST(driver, mixes_records_and_bytes) {
    driver d{of_csv()};
    d.bytes_in().push("t,key\n1,1\n");
    d.in().push({2, 1});
    d.bytes_in().push("3,1\n");
    d.end();
    ASSERT_EQ(d.out<"rows">().size(), 1U);
    EXPECT_EQ(get<"n">(d.out<"rows">()[0]), 3);
    EXPECT_TRUE(adds_up(d.report()));
}
TEST(driver, is_the_same_pipeline_type_that_runs) {
    using type = decltype(of_csv());
    driver<type> d{of_csv()};
    d.end();
    EXPECT_TRUE(adds_up(d.report()));
}

}  // namespace
