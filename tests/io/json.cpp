// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/json.hpp>

#include "format_harness.hpp"

using namespace millrace;
using namespace format_test;

struct event {
    std::int64_t id = 0;
    std::string_view type;
    std::optional<double> amount;
};
MILLRACE_RECORD(event, id, type, amount);

struct point {
    int x = 0;
    std::optional<double> y;
    friend bool operator==(point const&, point const&) = default;
};
MILLRACE_RECORD(point, x, y);
struct shape {
    text<8> name;
    point from;
    std::optional<point> to;
    friend bool operator==(shape const&, shape const&) = default;
};
MILLRACE_RECORD(shape, name, from, to);

struct when {
    time_point at;
};
MILLRACE_RECORD(when, at);

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
    shape nested;
    friend bool operator==(everything const&, everything const&) = default;
};
MILLRACE_RECORD(everything, i8, u8, i16, u16, i32, u32, i64, u64, f, d, b, c, e, s, t, at, took, oi,
                os, od, nested);

namespace {

/// Spaces and a line end behind the last line, so that every line is tried by the guess first.
std::string const room = "\n" + std::string(80, ' ');

std::string show_event(event const& e) {
    return std::to_string(e.id) + "|" + std::string{e.type} + "|"
           + (e.amount ? std::to_string(*e.amount) : "-");
}
/// Parses three ways, which must agree: by the guess, by simdjson alone, and with the line at the
/// end of the input.
result events(std::string const& text) {
    auto const out = parse<event>(json<event>(), text, show_event);
    EXPECT_EQ(out, parse<event>(json<event>({.guess = false}), text, show_event));
    EXPECT_EQ(out.rows, parse<event>(json<event>(), text + room, show_event).rows);
    return out;
}
outcome one(std::string const& line) {
    auto const r = events(line);
    EXPECT_EQ(r.rows.size(), 1U) << line;
    return r.rows.empty() ? outcome{} : r.rows[0];
}
std::string reason_of_id(std::string const& id) {
    return one("{\"id\":" + id + ",\"type\":\"t\"}").reason;
}
std::string amount(std::string const& text) {
    return one("{\"id\":1,\"type\":\"t\",\"amount\":" + text + "}").record;
}

/// Text that is valid UTF-8, or not.
std::string random_string(std::mt19937_64& random, std::size_t size_max, bool valid) {
    static constexpr std::string_view pieces[] = {"a",    "Z",    "\"", "\\", "/",  "\n",   "\t",
                                                  "\x01", "\x7F", "é",  "€",  "😀", "\x1F", " "};
    std::string out;
    while (random() % 8 != 0U) {
        std::string piece{pieces[random() % std::size(pieces)]};
        if (!valid && random() % 3 == 0U) piece = static_cast<char>(0x80 + random() % 0x80);
        if (out.size() + piece.size() > size_max) break;
        out += piece;
    }
    return out;
}

everything random_record(std::mt19937_64& random) {
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
    r.d = random_finite<double>(random);
    r.b = random() % 2 != 0U;
    r.c = static_cast<char>(random() % 0x80);
    r.e = static_cast<colour>(random_integer<std::int16_t>(random));
    r.s = random_string(random, 100, true);
    r.t = text<12>{std::string_view{random_string(random, 12, true)}};
    r.at = time_point{random_integer<std::int64_t>(random)};
    r.took = duration{random_integer<std::int64_t>(random)};
    if (random() % 2 != 0U) r.oi = random_integer<std::int64_t>(random);
    if (random() % 2 != 0U) r.os = random_string(random, 20, true);
    if (random() % 2 != 0U) r.od = random_finite<double>(random);
    r.nested.name = "n";
    r.nested.from = {random_integer<int>(random), random_finite<double>(random)};
    if (random() % 2 != 0U) r.nested.to = point{random_integer<int>(random), {}};
    return r;
}

}  // namespace

TEST(json, finds_members_by_name_in_any_order_and_skips_others) {
    EXPECT_EQ(one(R"({"id":7,"type":"click","amount":1.5})").record, "7|click|1.500000");
    EXPECT_EQ(
        one(R"({"x":[1,{"id":9}],"amount":1.5,"y":"z","type":"click","id":7,"w":null})").record,
        "7|click|1.500000");
    EXPECT_EQ(one("\t{ \"id\" : 7 , \"type\" : \"click\" }  \r").record, "7|click|-");
}

TEST(json, takes_null_and_missing_as_the_empty_optional_only) {
    EXPECT_EQ(amount("null"), "1|t|-");
    EXPECT_EQ(one(R"({"id":1,"type":"t"})").record, "1|t|-");
    EXPECT_EQ(one(R"({"id":null,"type":"t"})").reason,
              "field 'id' is null where a value is needed");
    EXPECT_EQ(one(R"({"id":1})").reason, "field 'type' is missing");
    EXPECT_EQ(one("{}").reason, "field 'type' is missing");
}

TEST(json, takes_the_last_of_equal_names) {
    EXPECT_EQ(one(R"({"id":1,"type":"a","id":2})").record, "2|a|-");
    EXPECT_EQ(one(R"({"id":1,"type":"a","amount":2,"amount":null})").record, "1|a|-");
}

TEST(json, undoes_escapes) {
    EXPECT_EQ(one(R"({"id":1,"type":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\uDE00"})").record,
              "1|\"\\/\b\f\n\r\tAé€😀|-");
    EXPECT_EQ(one(R"({"\u0069d":1,"type":"t"})").record, "1|t|-") << "also in keys";
    for (auto const* bad : {R"(\ud83d)", R"(\ude00)", R"(\ud83dx)", R"(\ud83d\u0041)"})
        EXPECT_EQ(one(std::string{"{\"id\":1,\"type\":\""} + bad + "\"}").reason,
                  "field 'type' is not a well-formed string");
    for (auto const* bad : {R"(\x)", R"(\u12g4)", R"(\u12)", R"(\)"})
        EXPECT_NE(one(std::string{"{\"id\":1,\"type\":\""} + bad + "\"}").reason, "") << bad;
}

TEST(json, refuses_invalid_utf8_and_control_characters_anywhere) {
    EXPECT_EQ(one("{\"id\":1,\"type\":\"é😀\"}").record, "1|é😀|-");
    for (auto const* bad :
         {"\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x01", "\x1F"}) {
        EXPECT_NE(one("{\"id\":1,\"type\":\"" + std::string{bad} + "\"}").reason, "");
        EXPECT_NE(one("{\"id\":1,\"type\":\"t\",\"skipped\":\"" + std::string{bad} + "\"}").reason,
                  "");
        EXPECT_NE(one("{\"id\":1,\"type\":\"t\",\"" + std::string{bad} + "\":1}").reason, "");
    }
}

TEST(json, refuses_what_is_no_integer) {
    EXPECT_EQ(reason_of_id("9223372036854775807"), "");
    EXPECT_EQ(reason_of_id("-9223372036854775808"), "");
    EXPECT_EQ(reason_of_id("12345678"), "");
    EXPECT_EQ(reason_of_id("123456789012345"), "");
    EXPECT_EQ(reason_of_id("1234567890123456"), "");
    EXPECT_EQ(reason_of_id("9223372036854775808"), "field 'id' is out of the range of its type");
    EXPECT_EQ(reason_of_id("123456789012345678901234567890"),
              "field 'id' is out of the range of its type");
    for (auto const* text : {"1.5", "1.0", "1e2", "12345678.5", "1E2"})
        EXPECT_EQ(reason_of_id(text), "field 'id' is not an integer") << text;
    for (auto const* text : {"\"1\"", "true", "[1]", "{}"})
        EXPECT_EQ(reason_of_id(text), "field 'id' is not a number") << text;
    for (auto const* text :
         {"01", "-", "+1", "1x", "--1", "0x1", "", "00000000001", "nan", "12345678x"})
        EXPECT_NE(reason_of_id(text), "") << text;
}

TEST(json, reads_numbers_exactly) {
    auto const exact = [](std::string const& text) {
        double seen = 0;
        auto const keep = [&](event const& e) { return seen = e.amount.value_or(NAN), "x"; };
        (void)parse<event>(json<event>(),
                           "{\"id\":1,\"type\":\"t\",\"amount\":" + text + "}" + room, keep);
        return seen;
    };
    for (auto const* text : {"0.1",
                             "-0.1",
                             "123.45",
                             "0.5",
                             "1.5e3",
                             "1e22",
                             "1e23",
                             "5e-324",
                             "1.7976931348623157e308",
                             "9007199254740993",
                             "0.000001",
                             "1234567.5",
                             "12.34567",
                             "123456.7",
                             "3.14159265358979323846",
                             "100",
                             "-7",
                             "0",
                             "123456789.125",
                             "2.2250738585072011e-308",
                             "1E5",
                             "1e+2",
                             "0.30000000000000004",
                             "17.10"})
        EXPECT_EQ(exact(text), std::strtod(text, nullptr)) << text;
    EXPECT_TRUE(std::signbit(exact("-0.0")));
    EXPECT_EQ(one(R"({"id":1,"type":"t","amount":1e999})").reason,
              "field 'amount' is out of the range of its type");
    for (auto const* text :
         {"1.", ".5", "01.5", "1e", "1e+", "-.5", "00.5", "NaN", "Infinity", "1.5.5", "1.5x"})
        EXPECT_EQ(amount(text), "") << text;
}

TEST(json, refuses_malformed_lines_whole_even_where_they_are_skipped) {
    for (auto const* text : {R"({"id":1,"type":"t","z":[1,2})",
                             R"({"id":1,"type":"t","z":tru})",
                             R"({"id":1,"type":"t","z":01})",
                             R"({"id":1,"type":"t",})",
                             R"({"id":1 "type":"t"})",
                             R"({"id":1,"type":"t"}})",
                             R"({"id":1,"type":"t"} x)",
                             R"({"id":1,"type":"t")",
                             R"([1])",
                             R"("x")",
                             "1",
                             "null",
                             R"({"id":1,"type":"t","z":{"a"}})",
                             R"({"id":1,"type":"t","z":{"a":}})",
                             R"({"id":1,"type":"t","z":[1,]})",
                             R"({"id":1,,"type":"t"})",
                             R"({"id":1,"type":"t","z":"\q"})",
                             R"({"id":1,"type":t})",
                             R"({id:1,"type":"t"})",
                             R"({"id":1,"type":"t"}{"id":1,"type":"t"})",
                             "x",
                             "{",
                             "{\"",
                             R"({"id":1,"type":"t","z":1.})",
                             R"({"id":1,"type":"t","z":-})",
                             R"({"id":1,"type":"t","z":nul})",
                             R"({"id":1,"type":"t","z":truee})"})
        EXPECT_NE(one(text).reason, "") << text;
}

TEST(json, bounds_the_depth_of_what_it_skips) {
    auto const nested = [](std::size_t n) {
        return "{\"id\":1,\"type\":\"t\",\"z\":" + std::string(n, '[') + std::string(n, ']') + "}";
    };
    EXPECT_EQ(one(nested(900)).record, "1|t|-");
    EXPECT_NE(one(nested(100'000)).reason, "");
}

TEST(json, takes_files_of_all_ends_and_skips_blank_lines) {
    EXPECT_EQ(events("").counted, 0U);
    EXPECT_EQ(events("\n \n\r\n").counted, 0U);
    auto const r =
        events("\xEF\xBB\xBF{\"id\":1,\"type\":\"a\"}\r\n\n  \n{\"id\":2,\"type\":\"b\"}");
    ASSERT_EQ(r.rows.size(), 2U);
    EXPECT_EQ(r.rows[0].original, R"({"id":1,"type":"a"})");
    EXPECT_EQ(r.rows[0].position, 1U);
    EXPECT_EQ(r.rows[1].position, 4U);
}

TEST(json, refuses_a_line_above_the_limit_and_goes_on_behind_it) {
    std::string const good = "{\"id\":1,\"type\":\"a\"}\n";
    std::string const text =
        good + "{\"id\":2,\"type\":\"" + std::string(300, 'x') + "\"}\n" + good + good;
    for (std::size_t const size : {std::size_t{1}, std::size_t{64}, std::size_t{200}, text.size()})
        for (bool const guess : {false, true}) {
            auto const r = parse_pieces<event>(json<event>({.row_max = 100, .guess = guess}),
                                               cut(text, size), show_event);
            ASSERT_EQ(r.rows.size(), 4U) << size;
            EXPECT_EQ(r.rows[1].reason,
                      "the line is longer than .row_max; only its beginning is kept");
            EXPECT_EQ(r.rows[1].original.size(), 100U);
            EXPECT_EQ(r.rows[1].position, 2U);
            EXPECT_EQ(r.rows[2].record, "1|a|-");
            EXPECT_EQ(r.rows[3].position, 4U);
        }
}

TEST(json, takes_a_line_of_ten_megabytes) {
    std::string const text =
        "{\"id\":1,\"type\":\"" + std::string(10'000'000, 'x') + "\"}\n{\"id\":2,\"type\":\"b\"}\n";
    for (std::size_t const size : {std::size_t{65'536}, text.size()}) {
        auto const r = parse_pieces<event>(json<event>(), cut(text, size), show_event);
        ASSERT_EQ(r.rows.size(), 2U);
        EXPECT_EQ(r.rows[0].record.size(), 10'000'004U);
        EXPECT_EQ(r.rows[1].record, "2|b|-");
    }
}

TEST(json, guesses_lines_like_the_one_before) {
    int env = 0;
    auto op = json<event>().open<stream<chunk>>(env);
    std::string text;
    for (int i = 0; i < 1000; ++i)
        text += "{\"id\":" + std::to_string(i) + ", \"x\":\"y\", \"type\":\"t\""
                + (i % 3 == 0 ? "" : ", \"amount\": 2.5") + "}\n";
    result out;
    feed_pieces<event>(op, {text + room}, 256, show_event, out);
    ASSERT_EQ(out.rows.size(), 1000U);
    EXPECT_EQ(out.rows[999].record, "999|t|-");
    EXPECT_EQ(op.guessed(), 1000U) << "the branch was taken, also for members that come and go";
}

TEST(json, reads_and_writes_nested_records) {
    std::vector<shape> const shapes{{"line", {1, 2.5}, point{-3, {}}}, {"dot", {4, {}}, {}}};
    std::string const text = write<shape>(json(), shapes);
    EXPECT_EQ(text,
              "{\"name\":\"line\",\"from\":{\"x\":1,\"y\":2.5},\"to\":{\"x\":-3,\"y\":null}}\n"
              "{\"name\":\"dot\",\"from\":{\"x\":4,\"y\":null},\"to\":null}\n");
    for (bool const guess : {false, true}) {
        std::vector<shape> back;
        auto const keep = [&](shape const& s) { return back.push_back(s), "x"; };
        (void)parse<shape>(json<shape>({.guess = guess}), text + room, keep);
        EXPECT_EQ(back, shapes);
    }
    auto const show = [](shape const&) { return "good"; };
    auto const r = parse<shape>(json<shape>(), R"({"name":"a","from":7})" + room, show);
    ASSERT_EQ(r.rows.size(), 1U);
    EXPECT_EQ(r.rows[0].reason, "field 'from' is not an object");
}

TEST(json, takes_counts_since_the_epoch_where_told) {
    auto const show = [](when const& w) { return std::to_string(w.at.ns); };
    auto const r =
        parse<when>(json<when>({.time = time_format::epoch_ms}),
                    "{\"at\":1357016400000}\n{\"at\":-1}\n{\"at\":9300000000000000}" + room, show);
    ASSERT_EQ(r.rows.size(), 3U);
    EXPECT_EQ(r.rows[0].record, "1357016400000000000");
    EXPECT_EQ(r.rows[1].record, "-1000000");
    EXPECT_EQ(r.rows[2].reason, "field 'at' is out of the range of its type");
    EXPECT_EQ(write<when>(json({.time = time_format::epoch_s}),
                          {{time_point{-1}}, {time_point{1'999'999'999}}}),
              "{\"at\":-1}\n{\"at\":1}\n");
    auto const refused = parse<when>(json<when>(), "{\"at\":1357016400000}" + room, show);
    EXPECT_EQ(refused.rows.at(0).reason, "field 'at' is not a string");
}

TEST(json, writes_null_for_what_json_has_not_and_replaces_invalid_utf8) {
    auto const inf = std::numeric_limits<double>::infinity();
    EXPECT_EQ(
        write<event>(json(), {{1, "a\xFF\xE2\x82z", inf}, {2, "\x01\"\\\n", std::nan("")}}),
        "{\"id\":1,\"type\":\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\",\"amount\":null}\n{\"id\":2,\"type\":\"\\u0001\\\"\\\\\\n\",\"amount\":null}\n");
}

TEST(json, is_in_order_when_the_record_or_the_bad_row_throws) {
    struct thrower {
        std::vector<std::int64_t> seen;
        void operator()(event&& e, std::string_view, std::uint64_t) {
            seen.push_back(e.id);
            throw 1;
        }
        void bad(std::string_view, std::string_view, std::uint64_t) {
            seen.push_back(-1);
            throw 2;
        }
    };
    for (bool const guess : {false, true}) {
        thrower emit;
        int env = 0;
        auto op = json<event>({.guess = guess}).open<stream<chunk>>(env);
        std::string const text = "{\"id\":1,\"type\":\"\"}\nx\n{\"id\":3,\"type\":\"\"}" + room;
        op.feed({text, "test", true});
        for (int i = 0; i < 3; ++i) EXPECT_THROW((void)op.parse(10, emit), int);
        EXPECT_EQ(op.parse(10, emit), 0U);
        EXPECT_EQ(emit.seen, (std::vector<std::int64_t>{1, -1, 3}));
        EXPECT_EQ(op.rows(), 3U);
        EXPECT_EQ(op.bad(), 1U);
    }
}

TEST(json, reads_the_same_at_every_split) {
    std::string const text =
        "\xEF\xBB\xBF{\"id\":1,\"type\":\"a\\n\",\"amount\":1.25}\r\n\n{\"id\":22,\"type\":\"é\",\"x\":[{}]}\n{\"id\":3.5}\nx\n"
        "{\"type\":\"\",\"id\":4}\n{\"id\":5,\"type\":\"\xFF\"}\n{\"id\":6,\"type\":\"last\"}";
    auto const whole = events(text);
    ASSERT_EQ(whole.rows.size(), 7U);
    for (std::size_t size = 1; size < text.size(); ++size)
        for (std::size_t const batch : {std::size_t{1}, std::size_t{256}})
            ASSERT_EQ(parse_pieces<event>(json<event>(), cut(text, size), show_event, batch), whole)
                << size;
    for (std::size_t at = 0; at <= text.size(); ++at) {
        std::vector<std::string_view> const two{std::string_view{text}.substr(0, at),
                                                std::string_view{text}.substr(at)};
        ASSERT_EQ(parse_pieces<event>(json<event>(), two, show_event), whole) << at;
    }
}

TEST(json, reads_back_what_it_wrote) {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random{seed};
        std::vector<everything> records;
        for (int i = 0; i < 3; ++i) records.push_back(random_record(random));
        std::string const text = write<everything>(json(), records);
        ASSERT_TRUE(detail::is_utf8(text));
        for (bool const guess : {false, true}) {
            std::vector<everything> back;
            auto const keep = [&](everything const& r) { return back.push_back(r), "x"; };
            auto const r = parse_pieces<everything>(json<everything>({.guess = guess}),
                                                    cut(text, 1 + random() % 3000), keep);
            for (auto const& row : r.rows) ASSERT_EQ(row.reason, "") << row.original;
            ASSERT_EQ(back, records) << text;
        }
    }
}

TEST(json, replaces_each_invalid_byte_and_nothing_else) {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random{seed};
        std::string const before = random_string(random, 60, false);
        std::string expected;
        for (std::size_t at = 0; at < before.size();) {
            auto const size =
                detail::utf8_sequence(before.data() + at, before.data() + before.size());
            expected += size == 0 ? "\xEF\xBF\xBD" : before.substr(at, size);
            at += size == 0 ? 1 : size;
        }
        std::string const text = write<event>(json(), {{1, before, {}}});
        EXPECT_EQ(one(text).record, "1|" + expected + "|-");
    }
}

TEST(json, agrees_with_simdjson_on_ten_thousand_mutations) {
    std::mt19937_64 random{7};
    constexpr std::string_view spice = "{}[],:\"\\ \n0-1.e9tfnu\xC3";
    std::string original;
    for (int i = 0; i < 4; ++i)
        original += "{\"id\":" + std::to_string(random() % 100000)
                    + ",\"k\":[1,{\"z\":\"q\"}],\"type\":\"" + (i % 2 != 0 ? "a\\u00e9" : "click")
                    + "\",\"s\":\"0123456789abcdefghi\",\"n\":17,\"amount\":"
                    + std::to_string(random() % 1000) + ".25}\n";
    std::size_t bad = 0, good = 0;
    for (int i = 0; i < 10'000; ++i) {
        std::string text = original;
        for (auto edits = 1 + random() % 3; edits > 0; --edits) mutate(text, random, spice);
        text = original + original + text
               + room;  // the guess has seen lines like it, and no line is near the end
        auto const guessed = parse<event>(json<event>(), text, show_event);
        ASSERT_EQ(guessed, parse<event>(json<event>({.guess = false}), text, show_event))
            << "mutation " << i;
        ASSERT_EQ(guessed,
                  parse_pieces<event>(json<event>(), cut(text, 1 + random() % 400), show_event))
            << "mutation " << i;
        bad += guessed.bad;
        good += guessed.counted - guessed.bad;
    }
    EXPECT_GT(bad, 5'000U);
    EXPECT_GT(good, 5'000U);
}

TEST(json, survives_mutations_of_every_type) {
    std::mt19937_64 random{8};
    constexpr std::string_view spice = "{}[],:\"\\ \n0-1.e9tfnuTZ";
    std::vector<everything> records;
    for (int i = 0; i < 2; ++i) records.push_back(random_record(random));
    std::string const original = write<everything>(json(), records);
    auto const show = [](everything const& r) {
        return r.s + std::to_string(r.i64) + std::to_string(r.at.ns) + std::to_string(r.d);
    };
    for (int i = 0; i < 10'000; ++i) {
        std::string text = original;
        for (auto edits = 1 + random() % 2; edits > 0; --edits) mutate(text, random, spice);
        text = original + text + room;
        auto const guessed = parse<everything>(json<everything>(), text, show);
        ASSERT_EQ(guessed, parse<everything>(json<everything>({.guess = false}), text, show))
            << "mutation " << i;
    }
}
