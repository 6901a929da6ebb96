// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The table of bad input, through CSV: a test a row.

#include "integration/bad_input.hpp"

namespace {
using namespace millrace;
using namespace bad_input;
using testing::HasSubstr;

auto make = [](std::string const& in, std::string const& dead, std::string const& late,
               std::string const& out) {
    return file(in) | csv<reading>({.time = time_format::epoch_ns})
           | on_error(original() | to<"dead">(file(dead))) | behind_parser(late, out);
};
outcome check_csv(std::string const& text, expected const& e) { return check(make, text, e); }
std::string const heading = "id,at,level,note\n";

TEST(bad_input, empty_file) {
    // A file without a header has no columns: that is data, not nothing.
    auto const o = check_csv("", {});
    EXPECT_EQ(o.rows, "");
}
TEST(bad_input, header_only) {
    auto const o = check_csv(heading, {});
    EXPECT_EQ(o.rows, "");
    (void)check_csv("id,at,level,note", {});
}
TEST(bad_input, no_final_newline) {
    auto const o = check_csv(heading + "1,5,2.5,a\n1,6,1.5,b", {.records = 2, .rows = 1});
    EXPECT_EQ(o.rows, "1,0,1000,2,4,2.5\n");
}
TEST(bad_input, line_of_10_MB) {
    std::string const note(10'000'000, 'x');
    auto const o =
        check_csv(heading + "1,5,1,a\n1,6,2," + note + "\n1,7,3,c\n", {.records = 3, .rows = 1});
    EXPECT_EQ(o.rows, "1,0,1000,3,6,3\n");
    // Longer than .row_max: a bad row, and the next one is read.
    auto const over = check_csv(heading + "1,5,1,a\n1,6,2," + note + note + "\n1,7,3,c\n",
                                {.records = 2, .bad = 1, .rows = 1});
    EXPECT_THAT(reason(over), HasSubstr("longer than .row_max"));
}
TEST(bad_input, line_of_10_MB_that_is_late_keeps_its_bytes) {
    std::string const line = "1,6,2," + std::string(10'000'000, 'x');
    auto const o =
        check_csv(heading + "1,50000,1,a\n" + line + "\n", {.records = 2, .late = 1, .rows = 1});
    EXPECT_EQ(o.late, line + "\n");
}
TEST(bad_input, quote_never_closed) {
    auto const o =
        check_csv(heading + "1,5,1,a\n1,6,2,\"b\n1,7,3,c\n", {.records = 1, .bad = 1, .rows = 1});
    EXPECT_THAT(reason(o), HasSubstr("a quote is never closed"));
}
TEST(bad_input, wrong_column_count) {
    auto const o =
        check_csv(heading + "1,5,1\n1,6,2,b\n1,7,3,c,d\n\n", {.records = 1, .bad = 2, .rows = 1});
    EXPECT_EQ(o.dead, "1,5,1\n1,7,3,c,d\n");
    EXPECT_THAT(reason(o), HasSubstr("the row has 3 fields where the file has 4"));
}
TEST(bad_input, text_where_a_number_belongs) {
    auto const o = check_csv(heading + "one,5,1,a\n1,6,high,b\n1,soon,1,c\n1,8,1,d\n",
                             {.records = 1, .bad = 3, .rows = 1});
    EXPECT_EQ(o.dead, "one,5,1,a\n1,6,high,b\n1,soon,1,c\n");
    EXPECT_THAT(reason(o), HasSubstr("'id'"));
}
TEST(bad_input, number_out_of_range) {
    auto const o = check_csv(
        heading + "9223372036854775808,5,1,a\n1,6,1e999,b\n1,-9223372036854775809,1,c\n-5,6,1,d\n",
        {.records = 1, .bad = 3});
    EXPECT_EQ(o.all.stages[4].counts.filtered, 1U);
}
TEST(bad_input, nan_and_infinity) {
    // They are values of a double, so they are read; sum and max carry them as IEEE 754 does.
    auto const o = check_csv(heading + "1,5,nan,a\n2,6,inf,b\n3,7,-inf,c\n3,7,4,c\n4,8,NA,d\n",
                             {.records = 5, .rows = 4});
    EXPECT_THAT(o.rows, HasSubstr("2,0,1000,1,inf,inf\n"));
    EXPECT_THAT(o.rows, HasSubstr("3,0,1000,2,-inf,4\n"));
    EXPECT_THAT(o.rows, HasSubstr("4,0,1000,1,,\n"));
    EXPECT_THAT(o.rows, HasSubstr("1,0,1000,1,nan,nan\n"));
}
TEST(bad_input, invalid_utf8) {
    // CSV says nothing of encodings: text is bytes, and goes through as it came.
    auto const o = check_csv(heading + "1,5000,1,a\n1,6,1,\xff\xfe\n1,7,2,b\xc0\n\xff,7,3,c\n",
                             {.records = 3, .bad = 1, .late = 2, .rows = 1});
    EXPECT_EQ(o.late, "1,6,1,\xff\xfe\n1,7,2,b\xc0\n");
    EXPECT_EQ(o.dead, "\xff,7,3,c\n");
}
TEST(bad_input, timestamps_at_the_ends_of_int64) {
    auto const o = check_csv(heading
                                 + "1,-9223372036854775808,1,a\n1,-9223372036854775807,1,b\n1,9223372036854775807,1,c\n"
                                   "1,9223372036854775806,1,d\n1,0,1,late\n",
                             {.records = 5, .late = 1, .rows = 2});
    EXPECT_EQ(o.rows,
              "1,-9223372036854775808,-9223372036854775000,2,2,1\n"
              "1,9223372036854775000,9223372036854775807,2,2,1\n");
    EXPECT_EQ(o.late, "1,0,1,late\n");
}
TEST(bad_input, all_records_late) {
    std::string text = heading + "-1,1000000,1,a\n";  // moves time on, if it is not filtered before
    for (int i = 0; i < 500; ++i) text += std::to_string(i) + "," + std::to_string(i) + ",1,x\n";
    auto const none = check_csv(text, {.records = 501, .rows = 500});
    EXPECT_EQ(none.late, "");
    text.replace(heading.size(), 2, "7");
    auto const all = check_csv(text, {.records = 501, .late = 500, .rows = 1});
    EXPECT_EQ(all.rows, "7,1000000,1001000,1,1,1\n");
    EXPECT_EQ(all.late, text.substr(text.find("\n0,") + 1));
}
TEST(bad_input, one_key_only) {
    std::string text = heading;
    for (int i = 0; i < 20'000; ++i) text += "1," + std::to_string(i) + ",1,x\n";
    auto const o = check_csv(text, {.records = 20'000, .rows = 20});
    EXPECT_THAT(o.rows, HasSubstr("1,19000,20000,1000,1000,1\n"));
}
TEST(bad_input, a_million_keys) {
    std::string text = heading;
    text.reserve(20'000'000);
    for (int i = 0; i < 1'000'000; ++i) text += std::to_string(i) + ",5,1,\n";
    (void)check_csv(text, {.records = 1'000'000, .rows = 1'000'000});
}

}  // namespace
