// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The examples of docs/reference and docs/learn: run, the report, the command line, the test
// driver, records.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/json.hpp>
#include <millrace/millrace.hpp>
#include <millrace/test.hpp>

#include "../../examples/flights/flights.hpp"

#define main quickstart_main  // NOLINT: the program of the first chapter, as it stands
#include "../../examples/quickstart.cpp"
#undef main

using namespace millrace;
using testing::ElementsAre;

namespace {

struct trip {
    text<3> origin = {};
    std::int64_t minutes = 0;
};
MILLRACE_RECORD(trip, origin, minutes);

std::string text_of(char const* path) {
    std::string out;
    std::FILE* const f = std::fopen((std::string(MILLRACE_TEST_ROOT "/") + path).c_str(), "rb");
    if (f == nullptr) return out;
    for (int c = std::fgetc(f); c != EOF; c = std::fgetc(f)) out += static_cast<char>(c);
    std::fclose(f);
    return out;
}

TEST(docs_learn, quickstart) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    EXPECT_EQ(quickstart_main(), 0);
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "292.65\n294.15\n");
    std::string const told = testing::internal::GetCapturedStderr();
    EXPECT_EQ(told.substr(0, told.find("\n\n") + 1), text_of("tests/docs/quickstart.txt"));
}

TEST(docs_reference, run) {
    std::vector<int> out;
    // [run]
    auto pipeline =
        from(std::vector<int>{1, 2, 3}) | filter([](int n) { return n != 2; }) | to(out);
    report const result = run(std::move(pipeline), {.batch = 256});
    if (!result.ok()) std::fprintf(stderr, "%s\n", result.message.c_str());
    // [run]
    EXPECT_TRUE(result.ok());
    EXPECT_THAT(out, ElementsAre(1, 3));
}

TEST(docs_reference, cores) {
    std::vector<trip> const trips{{"EWR", 5}, {"JFK", 7}, {"EWR", 1}};
    std::vector<std::int64_t> out;
    auto const pipeline = from(trips) | key_by(field<&trip::origin>)
                          | aggregate(sum<"minutes">(field<&trip::minutes>))
                          | map([](auto const& r) { return get<"minutes">(r); }) | to(out);
    // [cores]
    report const here = run(pipeline);             // one partition, on this thread
    report const alone = run(pipeline, cores<1>);  // the same, without an exchange in its code
    report const pinned = run(pipeline, {.cores = default_cores()});
    report const three = run(pipeline, {.cores = default_cores(), .partitions = 3});
    // [cores]
    for (report const* r : {&here, &alone, &pinned, &three}) EXPECT_TRUE(r->ok()) << r->message;
    EXPECT_EQ(out.size(), 12U);
    EXPECT_EQ(std::count(out.begin(), out.end(), 6), 4);
}

TEST(docs_reference, report) {
    auto pipeline = from(std::vector<int>{1, 2, 3})
                    | filter<"odd">([](int n) { return n % 2 != 0; }) | discard();
    // [report]
    report const result = run(std::move(pipeline));
    std::uint64_t filtered = 0;
    for (stage_line const& stage : result.stages) filtered += stage.counts.filtered;
    bool const complete = result.ok() && adds_up(result);
    std::string const table = to_text(result);  // what a program prints at its end
    // [report]
    EXPECT_TRUE(complete);
    EXPECT_EQ(filtered, 1U);
    EXPECT_NE(table.find("read   3 records"), std::string::npos);
}

// [configuration]
struct settings {
    std::vector<std::string> input;  // --input a.csv b.csv
    duration window = hours(1);      // --window 90s
    std::optional<int> limit;        // --limit 10
    bool durable = false;            // --durable, --no-durable
    text<3> origin = "EWR";          // --origin JFK
};
MILLRACE_RECORD(settings, input, window, limit, durable, origin);
// [configuration]

TEST(docs_reference, command_line) {
    // [command_line]
    char const* const arguments[] = {"job",   "--input",      "a.csv",
                                     "b.csv", "--window=90s", "--durable"};
    auto const line = parse_command_line<settings>(6, arguments);
    // [command_line]
    ASSERT_EQ(line.next, command_line_next::run);
    EXPECT_THAT(line.configuration.input, ElementsAre("a.csv", "b.csv"));
    EXPECT_EQ(line.configuration.window, seconds(90));
    EXPECT_TRUE(line.configuration.durable);
    EXPECT_FALSE(line.configuration.limit);
}

flights::flight departure(std::int64_t minute, int delay) {
    return {.origin = "EWR",
            .carrier = "UA",
            .time_hour = {},
            .minute = static_cast<int>(minute),
            .dep_delay = delay};
}

// [driver]
TEST(delays, gives_an_hour_when_the_watermark_has_passed_it) {
    driver d{flights::delays({.input = {}, .window = hours(1), .disorder = minutes(30)})};
    auto in = d.in();
    in.push(departure(10, 4));
    in.push(departure(50, 8));
    EXPECT_TRUE(d.out<"hours">().empty());  // the watermark is 50 - 30 = 20 minutes

    d.advance_watermark(time_point{} + hours(1));
    ASSERT_EQ(d.out<"hours">().size(), 1U);
    EXPECT_EQ(d.out<"hours">()[0].flights, 2);
    EXPECT_EQ(d.out<"hours">()[0].mean_delay_min, 6.0);

    in.push(departure(20, 99));
    EXPECT_EQ(d.out<"late">().size(), 1U);
    d.end();
    EXPECT_TRUE(adds_up(d.report()));
}
// [driver]

// [driver_bytes]
TEST(delays, keeps_a_row_that_it_cannot_read) {
    driver d{flights::delays({})};
    auto in = d.bytes_in();
    in.push("origin,carrier,time_hour,minute,dep_delay\n");
    in.push("EWR,UA,2013-01-01T10:00:00Z,15,2\nEWR,UA,soon,15,2\n");
    in.end();
    EXPECT_EQ(d.out<"hours">().size(), 1U);
    ASSERT_EQ(d.out<"dead">().size(), 1U);
    EXPECT_EQ(d.out<"dead">()[0].original, "EWR,UA,soon,15,2");
    EXPECT_EQ(d.out<"dead">()[0].position, 3U);
}
// [driver_bytes]

// [records]
enum class kind : std::uint8_t { bid, ask };

struct venue {
    text<4> code = {};
    int region = 0;
};
MILLRACE_RECORD(venue, code, region);

struct quote {
    text<8> symbol = {};
    kind side = kind::bid;
    venue where = {};             // nested
    std::optional<double> price;  // may be missing
    time_point quoted = {};
};
MILLRACE_RECORD(quote, symbol, side, where, price, quoted);
// [records]

TEST(docs_reference, records) {
    // [described]
    static_assert(described<quote>);
    static_assert(field_count<quote> == 5);
    static_assert(field_index<quote>("price") == 3);

    std::vector<std::string_view> names;
    for_each_field<quote>([&]<class Field>() { names.push_back(Field::name.view()); });
    // [described]
    EXPECT_THAT(names, ElementsAre("symbol", "side", "where", "price", "quoted"));
}

TEST(docs_reference, fields) {
    quote q;
    q.price = 2.5;
    // [fields]
    auto const by_pointer = field<&quote::price>;
    auto const by_name = field<"price">;
    // [fields]
    EXPECT_EQ(by_pointer(q), 2.5);
    EXPECT_EQ(by_name(q), 2.5);
}

// [owning]
struct word {
    std::string_view text;
};
MILLRACE_RECORD(word, text);
static_assert(!owning<word>);
static_assert(owning<quote>);
// [owning]

TEST(docs_reference, text) {
    // [text]
    text<8> symbol = "ACME";  // a literal that does not fit does not compile
    bool const fits =
        symbol.assign("LONGSYMBOL");  // false: it has 10 bytes, and symbol is as it was
    text<8> const cut{std::string_view("LONGSYMBOL")};  // "LONGSYMB"
    // [text]
    EXPECT_FALSE(fits);
    EXPECT_EQ(symbol.view(), "ACME");
    EXPECT_EQ(cut.view(), "LONGSYMB");
}

TEST(docs_reference, time) {
    // [time]
    using namespace millrace::literals;
    duration const half_hour = 30_min;
    duration const same = minutes(30);
    duration const chrono = std::chrono::minutes(30);
    time_point const start = time_point{} + days(1);
    std::int64_t const whole_windows = hours(3) / half_hour;  // 6
    // [time]
    EXPECT_EQ(half_hour, same);
    EXPECT_EQ(half_hour, chrono);
    EXPECT_EQ(start.ns, 86'400'000'000'000);
    EXPECT_EQ(whole_windows, 6);
    // [saturates]
    EXPECT_EQ(time_point::min() - hours(1), time_point::min());
    // [saturates]
}

TEST(docs_reference, row) {
    // [row]
    using flown = row<column<"carrier", text<2>>, column<"flights", std::int64_t>>;
    flown const r{{"UA"}, {12}};
    std::int64_t const flights = get<"flights">(r);
    // [row]
    EXPECT_EQ(flights, 12);
    EXPECT_EQ(get<"carrier">(r).view(), "UA");
}

}  // namespace
