// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <compare>
#include <map>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <millrace/model/row.hpp>
#include <millrace/model/text.hpp>

namespace {
using namespace millrace;

TEST(text, compares_with_literals_views_strings_and_texts_of_other_capacities) {
    text<3> const ewr{"EWR"};
    text<3> const jfk{"JFK"};
    text<4> const wider{"EWR"};
    std::string const string = "EWR";
    std::string_view const view = string;
    EXPECT_TRUE(ewr == "EWR" && "EWR" == ewr && ewr != "JFK" && ewr != "longer than three");
    EXPECT_TRUE(ewr == view && view == ewr && ewr == string && string == ewr);
    EXPECT_TRUE(ewr == ewr && ewr != jfk && ewr < jfk && jfk >= ewr);
    EXPECT_TRUE(ewr == wider && wider == ewr && jfk > wider);
    EXPECT_TRUE(ewr < "JFK" && "A" < ewr && ewr < "longer than three" && ewr <= view);
    EXPECT_TRUE((row<column<"x", text<3>>>{{ewr}} < row<column<"x", text<3>>>{{jfk}}));
    EXPECT_EQ((std::map<text<3>, int>{{jfk, 1}, {ewr, 2}}.begin()->second), 2);
}
TEST(text, refuses_or_cuts_what_is_too_long) {
    text<3> t;
    EXPECT_TRUE(t.empty());
    EXPECT_TRUE(t.assign("abc"));
    EXPECT_FALSE(t.assign("abcd"));
    EXPECT_EQ(t, "abc");
    EXPECT_EQ(text<3>(std::string_view("abcd")), "abc");
    EXPECT_TRUE(t.assign("d"));
    EXPECT_EQ(t.size(), 1U);
    EXPECT_EQ(t.bytes[1], 0);  // unused bytes are zero
}
}  // namespace
