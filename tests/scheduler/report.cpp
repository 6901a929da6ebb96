// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <gtest/gtest.h>

#include <millrace/scheduler/report.hpp>

namespace {

using namespace millrace;

report flights() {
    report r;
    r.records_in = 336'776;
    r.records_out = 184'002;
    r.late = 120;
    r.dropped = {{"bad number", 2}, {"too long", 1}};
    r.dead = 5;
    r.bad_rows = 7;
    r.bytes_in = 29'100'000;
    r.bytes_out = 12'345'678;
    r.wall_ns = 1'240'000'000;
    r.cpu_ns = 980'000'000;
    r.stages = {
        {"csv", "", "flight", {.in = 336'776, .passed = 336'776, .out = 336'776}},
        {"filter",
         "departed",
         "flight",
         {.in = 336'776, .passed = 328'521, .filtered = 8'255, .out = 328'521}},
        {"window",
         "",
         "row",
         {.in = 328'521, .passed = 328'393, .late = 120, .dropped = 3, .dead = 5, .out = 184'002}},
        {"to", "", "row", {.in = 184'002, .passed = 184'002}},
    };
    return r;
}

TEST(report, is_an_aligned_table) {
    EXPECT_TRUE(adds_up(flights()));
    EXPECT_EQ("\n" + to_text(flights()),
              R"(
stage               record       in   passed  filtered  late  dropped  dead  held      out
csv                 flight  336,776  336,776         0     0        0     0     0  336,776
filter<"departed">  flight  336,776  328,521     8,255     0        0     0     0  328,521
window              row     328,521  328,393         0   120        3     5     0  184,002
to                  row     184,002  184,002         0     0        0     0     0        0

read   336,776 records, 7 bad rows, 29.1 MB
wrote  184,002 records, 12.3 MB
lost   120 late, 3 dropped (bad number 2, too long 1), 5 dead
took   1.24 s, 980 ms of CPU, 272 k records/s
)");
}

TEST(report, of_nothing_is_short) {
    EXPECT_TRUE(report{}.ok());
    EXPECT_TRUE(adds_up({}));
    EXPECT_EQ(to_text({}),
              R"(read   0 records, 0 bad rows, 0 B
wrote  0 records, 0 B
lost   0 late, 0 dropped, 0 dead
took   0 ns, 0 ns of CPU
)");
}

TEST(report, ends_with_what_ended_the_run) {
    report r;
    r.code = exit_code::io;
    r.message = "millrace: file: cannot write \"out\": the disk is full. Write elsewhere.";
    EXPECT_FALSE(r.ok());
    EXPECT_TRUE(to_text(r).ends_with(
        "took   0 ns, 0 ns of CPU\nfailed with exit code 74\n"
        "millrace: file: cannot write \"out\": the disk is full. Write elsewhere.\n"));
}

TEST(report, shows_what_sources_and_sinks_count_by_themselves) {
    report r;
    r.stages = {{"udp::listen", "", "frame", {}, {{"datagrams", 12'000}, {"too long", 1}}},
                {"to", "bars", "bytes", {}, {{"datagrams", 7}}}};
    EXPECT_NE(to_text(r).find("\nudp::listen: datagrams 12,000, too long 1\n"
                              "to<\"bars\">: datagrams 7\n\nread   0 records"),
              std::string::npos)
        << to_text(r);
}

TEST(report, names_each_stage_that_loses_records) {
    report r = flights();
    r.stages[1].counts.filtered -= 1;
    r.stages[3].counts.held = 2;
    EXPECT_FALSE(adds_up(r));
    std::vector<std::string> const expected = {
        "millrace: filter<\"departed\"> (stage 1): took 336,776 records and "
        "accounts for 336,775. Report this.",
        "millrace: to (stage 3): took 184,002 records and accounts for 184,004. Report this."};
    EXPECT_EQ(lost_records(r), expected);
    EXPECT_TRUE(to_text(r).ends_with(expected[0] + "\n" + expected[1] + "\n"));
}

TEST(report, counts_every_way_a_record_can_go) {
    report r;
    r.stages = {
        {"x",
         "",
         "",
         {.in = 63, .passed = 1, .filtered = 2, .late = 4, .dropped = 8, .dead = 16, .held = 32}}};
    EXPECT_TRUE(adds_up(r));
}

}  // namespace
