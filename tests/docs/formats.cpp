// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The examples of docs/reference and docs/learn: files, CSV, JSON lines, original lines, dead
// letters.

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

using namespace millrace;
using testing::ElementsAre;

namespace {

std::string path_of(char const* name) { return testing::TempDir() + "millrace_docs_" + name; }
void write_file(std::string const& path, std::string_view text) {
    std::FILE* const f = std::fopen(path.c_str(), "wb");
    ASSERT_NE(f, nullptr);
    std::fwrite(text.data(), 1, text.size(), f);
    std::fclose(f);
}
std::string read_file(std::string const& path) {
    std::string out;
    if (std::FILE* const f = std::fopen(path.c_str(), "rb")) {
        char buffer[4096];
        while (std::size_t const n = std::fread(buffer, 1, sizeof buffer, f)) out.append(buffer, n);
        std::fclose(f);
    }
    return out;
}

// [station]
struct station {
    text<16> name = {};
    std::optional<double> celsius;
    time_point taken;
};
MILLRACE_RECORD(station, name, celsius, taken);
// [station]

// [station_csv]
constexpr std::string_view stations_csv =
    "taken,name,operator,celsius\n"
    "2013-01-01T10:00:00Z,Newark,NOAA,3.5\n"
    "2013-01-01T10:01:00Z,\"La Guardia\",NOAA,NA\n"
    "yesterday,Kennedy,NOAA,4.0\n";
// [station_csv]

TEST(docs_reference, csv_and_json) {
    std::string const input = path_of("stations.csv");
    std::string const output = path_of("stations.ndjson");
    std::string const dead = path_of("dead.csv");
    write_file(input, stations_csv);
    // [csv_to_json]
    auto pipeline = file(input) | csv<station>() | on_error(original() | to<"dead">(file(dead)))
                    | filter<"measured">([](station const& s) { return s.celsius.has_value(); })
                    | json() | to<"stations">(file(output));
    report const result = run(std::move(pipeline));
    // [csv_to_json]
    ASSERT_TRUE(result.ok()) << result.message;
    EXPECT_EQ(result.bad_rows, 1U);
    EXPECT_EQ(read_file(output),
              "{\"name\":\"Newark\",\"celsius\":3.5,\"taken\":\"2013-01-01T10:00:00Z\"}\n");
    EXPECT_EQ(read_file(dead), "yesterday,Kennedy,NOAA,4.0\n");
}

TEST(docs_reference, csv_reader_and_writer) {
    std::string const input = path_of("semicolons.csv");
    std::string const output = path_of("copy.csv");
    write_file(input, "name;celsius;taken\nNewark;;1357034400000\n");
    // [csv]
    auto pipeline = file(input) | csv<station>({.separator = ';', .time = time_format::epoch_ms})
                    | csv() | to(file(output));
    // [csv]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok()) << result.message;
    EXPECT_EQ(read_file(output), "name,celsius,taken\nNewark,,2013-01-01T10:00:00Z\n");
}

// [nested]
struct position {
    double latitude = 0;
    double longitude = 0;
};
MILLRACE_RECORD(position, latitude, longitude);

struct ping {
    std::string_view vessel;  // views the input: copies nothing
    position where;
    std::optional<int> knots;
};
MILLRACE_RECORD(ping, vessel, where, knots);
// [nested]

TEST(docs_reference, json) {
    std::string const input = path_of("pings.ndjson");
    std::string const output = path_of("slow.ndjson");
    write_file(
        input,
        "{\"vessel\":\"Ada\",\"where\":{\"latitude\":1.5,\"longitude\":2},\"knots\":3,\"crew\":[7,8]}\n"
        "{\"knots\":null,\"where\":{\"longitude\":0,\"latitude\":0},\"vessel\":\"Bea\"}\n");
    // [json]
    auto pipeline = file(input) | json<ping>()
                    | filter<"slow">([](ping const& p) { return p.knots.value_or(0) < 5; }) | json()
                    | to(file(output));
    // [json]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok()) << result.message;
    EXPECT_EQ(read_file(output),
              "{\"vessel\":\"Ada\",\"where\":{\"latitude\":1.5,\"longitude\":2},\"knots\":3}\n"
              "{\"vessel\":\"Bea\",\"where\":{\"latitude\":0,\"longitude\":0},\"knots\":null}\n");
}

TEST(docs_reference, file) {
    std::string const day_1 = path_of("day_1.csv");
    std::string const day_2 = path_of("day_2.csv");
    std::string const output = path_of("both.csv");
    write_file(day_1, "name,celsius,taken\nNewark,1,2013-01-01T10:00:00Z\n");
    write_file(day_2, "taken,name,celsius\n2013-01-02T10:00:00Z,Newark,2\n");
    // [file]
    auto pipeline = file({day_1, day_2})  // one input, in this order; each with a header of its own
                    | csv<station>() | csv() | to(file(output, {.durable = true}));
    // [file]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok()) << result.message;
    EXPECT_EQ(result.records_out, 2U);
}

TEST(docs_reference, file_as_several_inputs) {
    std::string const input = path_of("year.csv");
    std::string const output = path_of("frost.csv");
    write_file(
        input,
        "name,celsius,taken\nNewark,1,2013-01-01T10:00:00Z\nNewark,-2,2013-01-02T10:00:00Z\n");
    // [partitions]
    auto pipeline = file(input, partitions{4})  // four stretches of rows, read side by side
                    | csv<station>() | filter([](station const& s) { return s.celsius < 0; })
                    | csv() | to(file(output));
    // [partitions]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok()) << result.message;
    EXPECT_EQ(result.records_in, 2U);
    EXPECT_EQ(result.records_out, 1U);
}

TEST(docs_reference, file_that_is_missing) {
    std::string const output = path_of("never.csv");
    std::remove(output.c_str());
    report const result = run(file("no-such-file.csv") | csv<station>() | csv() | to(file(output)));
    EXPECT_EQ(result.code, exit_code::no_input);
    EXPECT_EQ(result.message,
              "millrace: file: cannot read \"no-such-file.csv\": no such file. Check the path.");
    EXPECT_EQ(read_file(output), "");
}

TEST(docs_reference, a_failed_run_leaves_no_output) {
    std::string const input = path_of("bad.csv");
    std::string const output = path_of("half.csv");
    std::remove(output.c_str());
    write_file(input, stations_csv);
    // [stop]
    report const result = run(file(input) | csv<station>() | csv() | to(file(output)));
    // [stop]
    EXPECT_EQ(result.code, exit_code::data);
    EXPECT_EQ(
        result.message,
        "millrace: csv: field 'taken' is not a time like 2013-01-01T05:00:00Z (line 4). The run "
        "stops here; on_error(drop) or on_error(sink) behind the stage would go on.");
    std::FILE* const half = std::fopen(output.c_str(), "rb");
    EXPECT_EQ(half, nullptr);
}

TEST(docs_reference, original) {
    std::string const input = path_of("stations_2.csv");
    std::string const late = path_of("late.csv");
    write_file(input, "name,celsius,taken\nA,1,2013-01-01T10:05:00Z\nA,2,2013-01-01T10:00:00Z\n");
    std::vector<std::int64_t> counts;
    // [original]
    auto pipeline = file(input) | csv<station>() | event_time(field<&station::taken>)
                    | key_by(field<&station::name>) | window(tumbling{minutes(1)})
                    | aggregate(count<"n">()) | late_to(original() | to<"late">(file(late)))
                    | to([&](auto const& r) { counts.push_back(get<"n">(r)); });
    // [original]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok()) << result.message;
    EXPECT_THAT(counts, ElementsAre(1));
    EXPECT_EQ(read_file(late), "A,2,2013-01-01T10:00:00Z\n");
}

TEST(docs_reference, dead_letters_as_records) {
    std::string const input = path_of("bad_2.csv");
    std::string const dead = path_of("dead.ndjson");
    write_file(input, stations_csv);
    std::vector<station> kept;
    // [dead_json]
    auto pipeline =
        file(input) | csv<station>() | on_error(json() | to<"dead">(file(dead))) | to(kept);
    // [dead_json]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok()) << result.message;
    EXPECT_EQ(kept.size(), 2U);
    EXPECT_EQ(
        read_file(dead),
        "{\"reason\":\"field 'taken' is not a time like 2013-01-01T05:00:00Z\",\"stage\":\"csv\","
        "\"original\":\"yesterday,Kennedy,NOAA,4.0\",\"position\":4}\n");
}

// [tick]
struct tick {
    text<6> symbol = {};
    time_point traded;
    std::int32_t shares = 0;
    std::optional<double> price;
};
MILLRACE_RECORD(tick, symbol, traded, shares, price);  // 7 + 8 + 4 + 9 bytes
// [tick]

TEST(docs_reference, binary) {
    std::string const day = path_of("day.bin");
    std::vector<tick> ticks(2);
    ticks[0].symbol = "ACME";
    ticks[1].price = 2.5;
    std::vector<tick> read;
    // [binary]
    auto write = from(ticks) | binary() | to(file(day));
    auto read_back = file(day) | binary<tick>() | to(read);
    // [binary]
    ASSERT_TRUE(run(std::move(write)).ok());
    EXPECT_EQ(read_file(day).size(), 2U * 28);
    ASSERT_TRUE(run(std::move(read_back)).ok());
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[0].symbol.view(), "ACME");
    EXPECT_EQ(read[1].price, 2.5);
}

}  // namespace
