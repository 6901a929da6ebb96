// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The table of bad input, through JSON lines.

#include <millrace/json.hpp>

#include "integration/bad_input.hpp"

namespace {
using namespace millrace;
using namespace bad_input;
using testing::HasSubstr;

auto make = [](std::string const& in, std::string const& dead, std::string const& late,
               std::string const& out) {
    return file(in) | json<reading>({.time = time_format::epoch_ns})
           | on_error(original() | to<"dead">(file(dead))) | behind_parser(late, out);
};
outcome check_json(std::string const& text, expected const& e) { return check(make, text, e); }
std::string line(std::string const& id, std::string const& at, std::string const& level,
                 std::string const& note = "x") {
    return R"({"id":)" + id + R"(,"at":)" + at + R"(,"level":)" + level + R"(,"note":")" + note
           + "\"}\n";
}

TEST(bad_input_json, empty_file_and_blank_lines) {
    EXPECT_EQ(check_json("", {}).rows, "");
    EXPECT_EQ(check_json("\n\n  \r\n", {}).rows, "");
}
TEST(bad_input_json, no_final_newline) {
    std::string text = line("1", "5", "2.5") + line("1", "6", "1.5");
    text.pop_back();
    EXPECT_EQ(check_json(text, {.records = 2, .rows = 1}).rows, "1,0,1000,2,4,2.5\n");
}
TEST(bad_input_json, line_of_10_MB) {
    std::string const note(10'000'000, 'x');
    auto const o = check_json(line("1", "5", "1") + line("1", "6", "2", note) + line("1", "7", "3"),
                              {.records = 3, .rows = 1});
    EXPECT_EQ(o.rows, "1,0,1000,3,6,3\n");
    auto const over =
        check_json(line("1", "5", "1") + line("1", "6", "2", note + note) + line("1", "7", "3"),
                   {.records = 2, .bad = 1, .rows = 1});
    EXPECT_THAT(reason(over), HasSubstr("longer than .row_max"));
}
TEST(bad_input_json, quote_never_closed) {
    auto const o = check_json(
        line("1", "5", "1") + "{\"id\":1,\"at\":6,\"level\":1,\"note\":\"x\n" + line("1", "7", "3"),
        {.records = 2, .bad = 1, .rows = 1});
    EXPECT_EQ(o.dead, "{\"id\":1,\"at\":6,\"level\":1,\"note\":\"x\n");
}
TEST(bad_input_json, member_that_is_missing) {
    auto const o =
        check_json("{\"id\":1,\"level\":1,\"note\":\"x\"}\n[1,2]\n7\n" + line("1", "7", "3"),
                   {.records = 1, .bad = 3, .rows = 1});
    EXPECT_THAT(reason(o), HasSubstr("at"));
}
TEST(bad_input_json, text_where_a_number_belongs) {
    (void)check_json(line("\"one\"", "5", "1") + line("1", "6", "\"high\"") + line("1", "7", "1"),
                     {.records = 1, .bad = 2, .rows = 1});
}
TEST(bad_input_json, number_out_of_range) {
    (void)check_json(line("9223372036854775808", "5", "1") + line("1", "-9223372036854775809", "1")
                         + line("1", "6", "1e999") + line("1", "7", "1"),
                     {.records = 1, .bad = 3, .rows = 1});
}
TEST(bad_input_json, nan_and_infinity) {
    // JSON has no such numbers.
    (void)check_json(line("1", "5", "NaN") + line("1", "5", "Infinity") + line("1", "5", "-inf")
                         + line("1", "5", "null"),
                     {.records = 1, .bad = 3, .rows = 1});
}
TEST(bad_input_json, invalid_utf8) {
    auto const o = check_json(line("1", "5", "1", "\xff\xfe") + line("1", "6", "1", "\xc3\xa9")
                                  + line("1", "7", "1", "b\xc0"),
                              {.records = 1, .bad = 2, .rows = 1});
    EXPECT_EQ(o.dead, line("1", "5", "1", "\xff\xfe") + line("1", "7", "1", "b\xc0"));
}
TEST(bad_input_json, timestamps_at_the_ends_of_int64) {
    auto const o = check_json(line("1", "-9223372036854775808", "1")
                                  + line("1", "9223372036854775807", "1") + line("1", "0", "1"),
                              {.records = 3, .late = 1, .rows = 2});
    EXPECT_EQ(o.late, line("1", "0", "1"));
}
TEST(bad_input_json, all_records_late) {
    std::string text = line("7", "1000000", "1");
    for (int i = 0; i < 500; ++i) text += line(std::to_string(i), std::to_string(i), "1");
    (void)check_json(text, {.records = 501, .late = 500, .rows = 1});
}
TEST(bad_input_json, one_key_only) {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += line("1", std::to_string(i), "1");
    (void)check_json(text, {.records = 20'000, .rows = 20});
}
TEST(bad_input_json, a_million_keys) {
    std::string text;
    for (int i = 0; i < 1'000'000; ++i) text += line(std::to_string(i), "5", "1", "");
    (void)check_json(text, {.records = 1'000'000, .rows = 1'000'000});
}

}  // namespace
