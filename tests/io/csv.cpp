// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/io/csv.hpp>
#include <millrace/io/original.hpp>

#include "format_harness.hpp"

using namespace millrace;
using namespace format_test;

struct flight {
    text<3> origin;
    std::string_view carrier;
    std::optional<int> delay;
    time_point scheduled;
};
MILLRACE_RECORD(flight, origin, carrier, delay, scheduled);

struct number {
    int value = 7;
};
MILLRACE_RECORD(number, value);

struct optional_text {
    std::optional<std::string> value;
};
MILLRACE_RECORD(optional_text, value);

struct point {
    int x = 0;
    double y = 0;
    friend bool operator==(point const&, point const&) = default;
};
MILLRACE_RECORD(point, x, y);
struct shape {
    std::string name;
    point from;
    point to;
};
MILLRACE_RECORD(shape, name, from, to);

enum class colour : std::int16_t { red = -3, green = 9 };
struct everything {
    std::int8_t i8 = 0;
    std::uint8_t u8 = 0;
    std::int16_t i16 = 0;
    std::uint16_t u16 = 0;
    std::int32_t i32 = 0;
    std::uint32_t u32 = 0;
    std::int64_t i64 = 0;
    std::uint64_t u64 = 0;
    float f = 0;
    double d = 0;
    bool b = false;
    char c = 'c';
    colour e = colour::red;
    std::string s;
    text<12> t;
    time_point at;
    duration took;
    std::optional<std::int64_t> oi;
    std::optional<std::string> os;
    std::optional<double> od;
    point nested;
    friend bool operator==(everything const&, everything const&) = default;
};
MILLRACE_RECORD(everything, i8, u8, i16, u16, i32, u32, i64, u64, f, d, b, c, e, s, t, at, took, oi,
                os, od, nested);

namespace {

std::string show_flight(flight const& f) {
    return std::string{f.origin.view()} + "|" + std::string{f.carrier} + "|"
           + (f.delay ? std::to_string(*f.delay) : "-") + "|" + std::to_string(f.scheduled.ns);
}
std::string show_number(number const& n) { return std::to_string(n.value); }
std::string show_optional(optional_text const& t) { return t.value ? "[" + *t.value + "]" : "-"; }

result flights(std::string_view text, csv_options options = {}) {
    return parse<flight>(csv<flight>(options), text, show_flight);
}
result numbers(std::string_view text, csv_options options = {}) {
    return parse<number>(csv<number>(options), text, show_number);
}
std::string reason_of(std::string_view field) {
    auto const r = numbers("value,other\n" + std::string{field} + ",x\n");
    EXPECT_EQ(r.rows.size(), 1U);
    EXPECT_EQ(r.bad, r.rows.at(0).reason.empty() ? 0U : 1U);
    return r.rows.at(0).reason;
}

everything random_record(std::mt19937_64& random) {
    constexpr std::string_view spice = ",\"\n\r \t;NA";
    everything r;
    r.i8 = random_integer<std::int8_t>(random);
    r.u8 = random_integer<std::uint8_t>(random);
    r.i16 = random_integer<std::int16_t>(random);
    r.u16 = random_integer<std::uint16_t>(random);
    r.i32 = random_integer<std::int32_t>(random);
    r.u32 = random_integer<std::uint32_t>(random);
    r.i64 = random_integer<std::int64_t>(random);
    r.u64 = random_integer<std::uint64_t>(random);
    r.f = random_finite<float>(random);
    r.d = random() % 16 == 0 ? std::numeric_limits<double>::infinity()
                             : random_finite<double>(random);
    r.b = random() % 2 != 0U;
    r.c = static_cast<char>(random());
    r.e = static_cast<colour>(random_integer<std::int16_t>(random));
    r.s = random_text(random, 40, spice);
    r.t = text<12>{random_text(random, 12, spice)};
    r.at = time_point{random_integer<std::int64_t>(random)};
    r.took = duration{random_integer<std::int64_t>(random)};
    if (random() % 2 != 0U) r.oi = random_integer<std::int64_t>(random);
    if (random() % 2 != 0U) r.os = random() % 3 == 0 ? "NA" : random_text(random, 10, spice);
    if (random() % 2 != 0U) r.od = random_finite<double>(random);
    r.nested = {random_integer<int>(random), random_finite<double>(random)};
    return r;
}

}  // namespace

TEST(csv, finds_columns_by_name_in_any_order) {
    auto const r =
        flights("delay,unused,scheduled,carrier,origin\n-5,x,2013-01-01T05:00:00Z,UA,EWR\n");
    ASSERT_EQ(r.rows.size(), 1U);
    EXPECT_EQ(r.rows[0].record, "EWR|UA|-5|1357016400000000000");
    EXPECT_EQ(r.rows[0].original, "-5,x,2013-01-01T05:00:00Z,UA,EWR");
    EXPECT_EQ(r.rows[0].position, 2U);
}

TEST(csv, takes_na_and_empty_as_the_empty_optional) {
    auto const r = flights(
        "origin,carrier,delay,scheduled\nEWR,UA,NA,2013-01-01 05:00:00\nEWR,UA,,2013-01-01 05:00:00\n");
    ASSERT_EQ(r.rows.size(), 2U);
    EXPECT_EQ(r.rows[0].record, "EWR|UA|-|1357016400000000000");
    EXPECT_EQ(r.rows[1].record, r.rows[0].record);
}

TEST(csv, takes_quotes_separators_and_line_ends_inside_quotes) {
    auto const r = flights(
        "origin,carrier,delay,scheduled\n\"E\"\"R\",\"a,\nb\",\"3\",\"2013-01-01T05:00:00Z\"\r\nJFK,x,1,2013-01-01T05:00:00Z\n");
    ASSERT_EQ(r.rows.size(), 2U);
    EXPECT_EQ(r.rows[0].record, "E\"R|a,\nb|3|1357016400000000000");
    EXPECT_EQ(r.rows[0].position, 2U);
    EXPECT_EQ(r.rows[1].position, 4U) << "lines are physical lines";
}

TEST(csv, keeps_a_quote_in_the_middle_of_a_field) {
    auto const r = parse<optional_text>(csv<optional_text>(),
                                        "value,x\n5\" pipe,\"q\"\n6,\"a\"\"b\"\n", show_optional);
    ASSERT_EQ(r.rows.size(), 2U);
    EXPECT_EQ(r.rows[0].record, "[5\" pipe]");
    EXPECT_EQ(r.rows[1].record, "[6]");
}

TEST(csv, refuses_text_behind_a_closing_quote) {
    auto const r =
        parse<optional_text>(csv<optional_text>(), "value,x\n\"a\"b,1\n\"c\",2\n", show_optional);
    ASSERT_EQ(r.rows.size(), 2U);
    EXPECT_EQ(r.rows[0].reason, "field 'value' has text behind its closing quote");
    EXPECT_EQ(r.rows[1].record, "[c]");
}

TEST(csv, takes_crlf_and_skips_the_byte_order_mark) {
    auto const r = numbers("\xEF\xBB\xBFvalue,b\r\n1,2\r\n3,4\r\n");
    ASSERT_EQ(r.rows.size(), 2U);
    EXPECT_EQ(r.rows[1].record, "3");
    EXPECT_EQ(r.rows[1].original, "3,4");
}

TEST(csv, takes_the_last_row_without_a_line_end) {
    auto const r = numbers("value\n1\n2");
    ASSERT_EQ(r.rows.size(), 2U);
    EXPECT_EQ(r.rows[1].record, "2");
}

TEST(csv, takes_empty_files_and_headers_alone) {
    EXPECT_EQ(numbers(""), result{});
    EXPECT_EQ(numbers("value"), result{});
    EXPECT_EQ(numbers("value,b\n"), result{});
}

TEST(csv, skips_blank_lines_of_several_columns_and_counts_their_lines) {
    auto const r = numbers("value,b\n\n1,2\n\r\n3,4\n\n");
    ASSERT_EQ(r.rows.size(), 2U);
    EXPECT_EQ(r.rows[0].position, 3U);
    EXPECT_EQ(r.rows[1].position, 5U);
    EXPECT_EQ(r.counted, 2U);
}

TEST(csv, takes_a_blank_line_of_one_column_as_a_row) {
    auto const r = parse<optional_text>(csv<optional_text>(), "value\n\na\n\"\"\n", show_optional);
    ASSERT_EQ(r.rows.size(), 3U);
    EXPECT_EQ(r.rows[0].record, "-");
    EXPECT_EQ(r.rows[2].record, "[]") << "quoted is present";
}

TEST(csv, refuses_rows_of_the_wrong_column_count) {
    auto const r = numbers("value,b\n1\n2,3\n4,5,6\n");
    ASSERT_EQ(r.rows.size(), 3U);
    EXPECT_EQ(r.rows[0].reason, "the row has 1 fields where the file has 2");
    EXPECT_EQ(r.rows[1].record, "2");
    EXPECT_EQ(r.rows[2].reason, "the row has 3 fields where the file has 2");
    EXPECT_EQ(r.rows[2].original, "4,5,6");
    EXPECT_EQ(r.counted, 3U);
    EXPECT_EQ(r.bad, 2U);
}

TEST(csv, refuses_what_is_no_number) {
    EXPECT_EQ(reason_of("12"), "");
    EXPECT_EQ(reason_of("-2147483648"), "");
    EXPECT_EQ(reason_of("2147483648"), "field 'value' is out of the range of its type");
    EXPECT_EQ(reason_of("99999999999999999999999"),
              "field 'value' is out of the range of its type");
    EXPECT_EQ(reason_of(""), "field 'value' is empty where a value is needed");
    for (auto const* text : {"abc", "12 ", " 12", "1.5", "+1", "-", "--1", "1e3", "0x1", "1-",
                             "1234567x", "123456789x", "/", ":"})
        EXPECT_EQ(reason_of(text), "field 'value' is not a number") << text;
}

TEST(csv, takes_nan_and_infinity_as_floating_point) {
    auto const show = [](point const& p) {
        return std::isnan(p.y) ? "nan" : std::isinf(p.y) ? "inf" : "finite";
    };
    auto const r = parse<point>(csv<point>(), "x,y\n1,nan\n1,-inf\n1,1e999\n1,1e-5\n", show);
    ASSERT_EQ(r.rows.size(), 4U);
    EXPECT_EQ(r.rows[0].record, "nan");
    EXPECT_EQ(r.rows[1].record, "inf");
    EXPECT_EQ(r.rows[2].reason, "field 'y' is out of the range of its type");
    EXPECT_EQ(r.rows[3].record, "finite");
}

TEST(csv, refuses_text_longer_than_its_field) {
    auto const r = flights("origin,carrier,delay,scheduled\nEWRX,UA,1,2013-01-01T05:00:00Z\n");
    ASSERT_EQ(r.rows.size(), 1U);
    EXPECT_EQ(r.rows[0].reason, "field 'origin' is longer than its text<N> holds");
}

TEST(csv, keeps_invalid_utf8_as_it_is) {
    auto const r = parse<optional_text>(csv<optional_text>(), "value\n\xFF\xC0z\n", show_optional);
    ASSERT_EQ(r.rows.size(), 1U);
    EXPECT_EQ(r.rows[0].record, "[\xFF\xC0z]");
}

TEST(csv, makes_one_bad_row_of_what_follows_an_open_quote) {
    auto const r =
        parse<optional_text>(csv<optional_text>(), "value\na\n\"b\nc\nd\n", show_optional);
    ASSERT_EQ(r.rows.size(), 2U);
    EXPECT_EQ(r.rows[1].reason, "a quote is never closed; the file is not read behind it");
    EXPECT_EQ(r.rows[1].original, "\"b\nc\nd\n");
    EXPECT_EQ(r.rows[1].position, 3U);
}

TEST(csv, stops_reading_where_an_open_quote_passes_the_limit) {
    std::string text = "value\n\"" + std::string(300, 'x') + "\n" + std::string(300, 'y') + "\nz\n";
    for (std::size_t const size : {std::size_t{1}, std::size_t{64}, text.size()}) {
        auto const r = parse_pieces<optional_text>(csv<optional_text>({.row_max = 100}),
                                                   cut(text, size), show_optional);
        ASSERT_EQ(r.rows.size(), 1U) << size;
        EXPECT_EQ(r.rows[0].reason, "a quote is never closed; the file is not read behind it");
        EXPECT_EQ(r.rows[0].original.size(), 100U);
    }
}

TEST(csv, refuses_a_row_above_the_limit_and_goes_on_behind_it) {
    std::string const text = "value,b\n1,2\n" + std::string(101, '3') + "\n4,5\n"
                             + std::string(60'000, '6') + "\r\n7,8\n";
    for (std::size_t const size :
         {std::size_t{1}, std::size_t{13}, std::size_t{64}, std::size_t{50'000}, text.size()}) {
        auto const r =
            parse_pieces<number>(csv<number>({.row_max = 100}), cut(text, size), show_number);
        ASSERT_EQ(r.rows.size(), 5U) << size;
        EXPECT_EQ(r.rows[1].reason, "the row is longer than .row_max; only its beginning is kept");
        EXPECT_EQ(r.rows[1].original, std::string(100, '3'));
        EXPECT_EQ(r.rows[2].record, "4");
        EXPECT_EQ(r.rows[3].original, std::string(100, '6'));
        EXPECT_EQ(r.rows[4].record, "7");
        EXPECT_EQ(r.rows[4].position, 6U);
        EXPECT_EQ(r.counted, 5U);
    }
}

TEST(csv, takes_a_line_of_ten_megabytes) {
    std::string const big(10'000'000, 'x');
    std::string const text = "value\nbefore\n" + big + "\nafter\n";
    for (std::size_t const size : {std::size_t{65'536}, text.size()}) {
        auto const r =
            parse_pieces<optional_text>(csv<optional_text>(), cut(text, size), show_optional);
        ASSERT_EQ(r.rows.size(), 3U);
        EXPECT_EQ(r.rows[1].record.size(), big.size() + 2);
        EXPECT_EQ(r.rows[2].record, "[after]");
    }
}

TEST(csv, begins_anew_with_each_file) {
    result out;
    int env = 0;
    auto op = csv<number>().open<stream<chunk>>(env);
    feed_pieces<number>(op, {"value,b\n1,2\n3,", "4"}, 256, show_number, out);
    feed_pieces<number>(op, {"b,c,value\n5,6,7\n"}, 256, show_number, out);
    ASSERT_EQ(out.rows.size(), 3U);
    EXPECT_EQ(out.rows[2].record, "7");
    EXPECT_EQ(out.rows[2].position, 2U);
    EXPECT_EQ(op.rows(), 3U);
}

TEST(csv, refuses_a_header_without_a_described_column) {
    try {
        (void)numbers("a,b\n1,2\n");
        FAIL();
    } catch (failure const& f) {
        EXPECT_EQ(f.code(), exit_code::data);
        EXPECT_EQ(
            f.message(),
            "csv: test has no column 'value'. Its columns are a, b; name the field like one of them, or "
            "set .missing = missing_columns::keep.");
    }
    auto const r = numbers("a,b\n1,2\n", {.missing = missing_columns::keep});
    ASSERT_EQ(r.rows.size(), 1U);
    EXPECT_EQ(r.rows[0].record, "7");
}

TEST(csv, refuses_extra_and_doubled_columns_where_told) {
    EXPECT_THROW((void)numbers("value,b\n1,2\n", {.extra = extra_columns::refuse}), failure);
    EXPECT_THROW((void)numbers("value,value\n1,2\n"), failure);
    EXPECT_EQ(numbers("value\n1\n", {.extra = extra_columns::refuse}).rows.size(), 1U);
}

TEST(csv, takes_columns_by_position_without_a_header) {
    auto const r = numbers("1,a\n2,b\n3\n", {.header = false});
    ASSERT_EQ(r.rows.size(), 3U);
    EXPECT_EQ(r.rows[0].record, "1");
    EXPECT_EQ(r.rows[0].position, 1U);
    EXPECT_EQ(r.rows[2].reason, "the row has 1 fields where the file has 2");
}

TEST(csv, takes_another_separator_and_refuses_an_impossible_one) {
    auto const r = numbers("a;value\nx,y;2\n", {.separator = ';'});
    ASSERT_EQ(r.rows.size(), 1U);
    EXPECT_EQ(r.rows[0].record, "2");
    EXPECT_THROW((void)numbers("", {.separator = '"'}), failure);
    EXPECT_THROW((void)numbers("", {.row_max = 0}), failure);
}

TEST(csv, is_in_order_when_the_record_or_the_bad_row_throws) {
    struct thrower {
        std::vector<int> seen;
        void operator()(number&& n, std::string_view, std::uint64_t) {
            seen.push_back(n.value);
            throw 1;
        }
        void bad(std::string_view, std::string_view, std::uint64_t) {
            seen.push_back(-1);
            throw 2;
        }
    } emit;
    int env = 0;
    auto op = csv<number>().open<stream<chunk>>(env);
    op.feed({"value\n1\nx\n3\n", "test", true});
    for (int i = 0; i < 3; ++i) EXPECT_THROW((void)op.parse(10, emit), int);
    EXPECT_EQ(op.parse(10, emit), 0U);
    EXPECT_EQ(emit.seen, (std::vector<int>{1, -1, 3}));
    EXPECT_EQ(op.rows(), 3U);
    EXPECT_EQ(op.bad(), 1U);
}

TEST(csv, flattens_nested_records_into_dotted_columns) {
    std::vector<shape> const shapes{{"line", {1, 2.5}, {-3, 0.1}}};
    std::string const text = write<shape>(csv(), shapes);
    EXPECT_EQ(text, "name,from.x,from.y,to.x,to.y\nline,1,2.5,-3,0.1\n");
    auto const r = parse<shape>(csv<shape>(), text,
                                [](shape const& s) { return s.name + std::to_string(s.to.x); });
    ASSERT_EQ(r.rows.size(), 1U);
    EXPECT_EQ(r.rows[0].record, "line-3");
}

TEST(csv, quotes_only_what_needs_it) {
    std::vector<optional_text> const records{{"plain"}, {"a,b"}, {"q\"q"},      {"n\nn"},
                                             {""},      {"NA"},  {std::nullopt}};
    EXPECT_EQ(write<optional_text>(csv({.header = false}), records),
              "plain\n\"a,b\"\n\"q\"\"q\"\n\"n\nn\"\n\"\"\n\"NA\"\n\n");
}

TEST(csv, reads_the_same_at_every_split) {
    std::string const text =
        "\xEF\xBB\xBForigin,\"carrier\",delay,scheduled\r\nEWR,UA,5,2013-01-01T05:00:00Z\n\n\"J\"\"K\",\"a\n,b\"\"\",NA,2013-01-01 05:00:00\r\n"
        "X,\"y\"z,1,2013-01-01T05:00:00Z\nbad\nLGA,5\"x,,2013-12-31T23:59:59.25+01:00\nLGA,,-7,nonsense\n\"open,1,2\n";
    auto const whole = flights(text);
    ASSERT_EQ(whole.rows.size(), 7U);
    for (std::size_t size = 1; size < text.size(); ++size)
        for (std::size_t const batch : {std::size_t{1}, std::size_t{2}, std::size_t{256}})
            ASSERT_EQ(parse_pieces<flight>(csv<flight>(), cut(text, size), show_flight, batch),
                      whole)
                << size;
    for (std::size_t at = 0; at <= text.size(); ++at) {
        std::vector<std::string_view> const two{std::string_view{text}.substr(0, at),
                                                std::string_view{text}.substr(at)};
        ASSERT_EQ(parse_pieces<flight>(csv<flight>(), two, show_flight), whole) << at;
    }
}

TEST(csv, reads_windows_of_rows_with_and_without_quotes) {
    std::mt19937_64 random{11};
    std::string text = "value,a,b\n";
    std::string expected;
    for (int i = 0; i < 20'000; ++i) {
        text += std::to_string(i) + ",";
        text += random() % 50 == 0 ? "\"x,\n\"\"y\"" : "plain";
        text += random() % 7 == 0 ? ",5\" pipe\n" : ",z\r\n";
    }
    for (std::size_t const size : {std::size_t{1000}, std::size_t{65'536}, text.size()}) {
        auto const r = parse_pieces<number>(csv<number>(), cut(text, size), show_number);
        ASSERT_EQ(r.rows.size(), 20'000U);
        ASSERT_EQ(r.bad, 0U);
        for (std::size_t i = 0; i < r.rows.size(); ++i)
            ASSERT_EQ(r.rows[i].record, std::to_string(i));
    }
}

TEST(csv, reads_back_what_it_wrote) {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random{seed};
        std::vector<everything> records;
        for (int i = 0; i < 3; ++i) records.push_back(random_record(random));
        csv_options const options{.header = random() % 2 != 0U,
                                  .separator = random() % 2 != 0U ? ',' : ';'};
        std::string const text = write<everything>(csv(options), records);
        std::vector<everything> back;
        auto const keep = [&](everything const& r) { return back.push_back(r), "x"; };
        auto const r =
            parse_pieces<everything>(csv<everything>(options), cut(text, 1 + random() % 300), keep);
        for (auto const& row : r.rows) ASSERT_EQ(row.reason, "") << row.original;
        ASSERT_EQ(back, records) << text;
    }
}

TEST(csv, reads_back_nan) {
    std::vector<point> const records{{1, std::numeric_limits<double>::quiet_NaN()}, {2, -0.0}};
    std::vector<point> back;
    auto const keep = [&](point const& p) { return back.push_back(p), "x"; };
    (void)parse<point>(csv<point>(), write<point>(csv(), records), keep);
    ASSERT_EQ(back.size(), 2U);
    EXPECT_TRUE(std::isnan(back[0].y));
    EXPECT_TRUE(std::signbit(back[1].y));
}

TEST(csv, survives_ten_thousand_mutations_and_splits_alike) {
    std::mt19937_64 random{42};
    constexpr std::string_view spice = ",\"\n\r0-NA.eZ:";
    std::vector<everything> records;
    for (int i = 0; i < 4; ++i) records.push_back(random_record(random));
    std::string const original = write<everything>(csv({.header = false}), records);
    auto const show = [](everything const& r) { return r.s + std::to_string(r.i64); };
    csv_options const options{.header = false, .row_max = 600};
    for (int i = 0; i < 10'000; ++i) {
        std::string text = original;
        for (auto edits = 1 + random() % 8; edits > 0; --edits) mutate(text, random, spice);
        auto const whole = parse<everything>(csv<everything>(options), text, show);
        auto const split =
            parse_pieces<everything>(csv<everything>(options), cut(text, 1 + random() % 100), show);
        ASSERT_EQ(split, whole) << "mutation " << i;
        ASSERT_EQ(whole.rows.size(), whole.counted);
    }
}

TEST(original, writes_the_bytes_of_the_source) {
    int env = 0;
    auto op = original().open<stream<number>>(env);
    std::string out;
    context<untimed, traced> ctx;
    ctx.original = "a,b";
    auto emit = [&](bytes const& b, auto const&) {
        out += std::string{b.data} + (b.line ? "\n" : "");
    };
    op.begin(emit);
    op.process(number{}, ctx, emit);
    EXPECT_EQ(out, "a,b\n");
    EXPECT_TRUE(original_stage::needs_origin);
}
