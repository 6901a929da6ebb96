// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// `file(name, partitions{n})`: every row once, wherever the file is cut and on however many
// partitions it is read; a watermark for each input.

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/dsl/explain.hpp>
#include <millrace/io.hpp>
#include <millrace/json.hpp>
#include <millrace/scheduler/run.hpp>

#include "io/scratch.hpp"

namespace {
using namespace millrace;
using millrace_test::content_of;
using millrace_test::scratch;

struct item {
    int id = 0;
    std::string note;
};
MILLRACE_RECORD(item, id, note);
using found = std::vector<std::pair<int, std::string>>;

/// What a run reads, in any order, and what it counts as bad.
template <class Source, class Format>
found read(Source source, Format format, unsigned on, std::uint64_t* bad = nullptr,
           std::uint64_t* bytes = nullptr) {
    found out;
    auto const r = run(source | format | on_error(drop)
                           | to([&](item const& i) { out.emplace_back(i.id, i.note); }),
                       {.batch = 7, .oversubscribed = on, .lane_slots = 4});
    EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
    if (bad != nullptr) *bad = r.bad_rows;
    if (bytes != nullptr) *bytes = r.bytes_in;
    std::sort(out.begin(), out.end());
    return out;
}

struct variant {
    char const* name;
    std::string text;
    bool header = true;
};
std::vector<variant> csv_files() {
    std::string lf = "id,note\n";
    std::string crlf = "id,note\r\n";
    std::string blank = "id,note\n\n";
    std::string headless;
    for (int i = 0; i < 60; ++i) {
        std::string const row =
            std::to_string(i) + "," + std::string(static_cast<std::size_t>(i * 7 % 23), 'x');
        lf += row + "\n";
        crlf += row + "\r\n";
        blank += row + (i % 3 == 0 ? "\n\n\r\n" : "\n");
        headless += row + "\n";
    }
    return {{"lf", lf},
            {"crlf", crlf},
            {"blank lines", blank},
            {"no line end at the end", lf + "77,end"},
            {"order mark", "\xEF\xBB\xBF" + lf},
            {"bad rows", lf + "x,y\n1,2,3\n" + headless + "z"},
            {"no header", headless, false},
            {"nothing but a header", "id,note\n"},
            {"nothing but half a header", "id,note"},
            {"nothing", ""},
            {"one row without a line end", "5,five", false},
            {"a row longer than parts", "id,note\n1," + std::string(900, 'y') + "\n2,b\n"},
            {"quoted fields", "id,note\n1,\"a,b\"\n2,\"c\"\"d\"\n3,\"\"\n4,e\n"}};
}

TEST(file_partitions, give_each_row_of_csv_once) {
    scratch const dir;
    for (variant const& v : csv_files()) {
        std::string const name = dir.put("in.csv", v.text);
        csv_options const options{.header = v.header};
        std::uint64_t bad = 0;
        found const wanted = read(file(name), csv<item>(options), 1, &bad);
        for (unsigned n : {1U, 2U, 3U, 4U, 7U, 50U})
            for (unsigned on : {1U, 2U, 4U})
                for (std::size_t buffer : {3U, 64U, 4096U}) {
                    SCOPED_TRACE(std::string(v.name) + ", partitions{" + std::to_string(n) + "} on "
                                 + std::to_string(on) + ", buffers of " + std::to_string(buffer));
                    std::uint64_t bad_here = 0;
                    std::uint64_t bytes = 0;
                    auto const source =
                        file(name, partitions{n}, {.buffer_bytes = buffer, .read_ahead = 2});
                    ASSERT_EQ(read(source, csv<item>(options), on, &bad_here, &bytes), wanted);
                    ASSERT_EQ(bad_here, bad);
                    ASSERT_EQ(bytes, v.text.size());
                }
    }
}

TEST(file_partitions, give_each_line_of_json_once) {
    scratch const dir;
    std::string text;
    for (int i = 0; i < 200; ++i)
        text += "{\"id\":" + std::to_string(i) + ",\"note\":\""
                + std::string(static_cast<std::size_t>(i % 31), 'n')
                + (i % 2 == 0 ? "\"}\n" : "\"}\r\n");
    std::string const name = dir.put("in.ndjson", text + "{\"id\":999,\"note\":\"\"}");
    found const wanted = read(file(name), json<item>(), 1);
    ASSERT_EQ(wanted.size(), 201U);
    for (unsigned n : {1U, 2U, 5U, 64U, 128U})
        for (unsigned on : {1U, 3U})
            EXPECT_EQ(read(file(name, partitions{n}, {.buffer_bytes = 50}), json<item>(), on),
                      wanted);
}

TEST(file_partitions, of_several_files_are_cut_each) {
    scratch const dir;
    std::string const a = dir.put("a", "id,note\n1,a\n2,b\n3,c\n4,d\n5,e");
    std::string const b = dir.put("b", "note,id\nf,6\ng,7\n");
    std::string const c = dir.put("c", "");
    for (unsigned n : {1U, 2U, 3U})
        for (unsigned on : {1U, 2U})
            EXPECT_EQ(
                read(file({a, b, c}, partitions{n}), csv<item>(), on),
                (found{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}, {5, "e"}, {6, "f"}, {7, "g"}}));
}

TEST(file_partitions, never_take_a_line_end_inside_quotes_for_the_end_of_a_row) {
    scratch const dir;
    std::string text = "id,note\n";
    for (int i = 0; i < 40; ++i)
        text += std::to_string(i) + (i % 20 == 0 ? ",\"two\nlines, 9\n9,x\"\n" : ",one\n");
    std::string const name = dir.put("in.csv", text);
    found const wanted = read(file(name), csv<item>(), 1);
    ASSERT_EQ(wanted.size(), 40U);
    unsigned refused = 0;
    unsigned read_well = 0;
    for (unsigned n = 1; n <= 40; ++n) {
        found out;
        auto const r = run(file(name, partitions{n}) | csv<item>() | on_error(drop)
                               | to([&](item const& i) { out.emplace_back(i.id, i.note); }),
                           {.oversubscribed = 2});
        if (!r.ok()) {
            EXPECT_EQ(r.code, exit_code::data);
            EXPECT_NE(r.message.find("partitions{n} would cut it"), std::string::npos) << r.message;
            ++refused;
            continue;
        }
        std::sort(out.begin(), out.end());
        EXPECT_EQ(out, wanted) << n;
        ++read_well;
    }
    EXPECT_GT(refused, 0U);
    EXPECT_GT(read_well, 1U);
}

// --- time ---

struct event {
    std::int64_t at = 0;
    int key = 0;
};
MILLRACE_RECORD(event, at, key);

/// Four inputs of one file: each has a time of its own, and what is late in it.
std::string events() {
    std::string text = "at,key\n";
    for (int i = 0; i < 400; ++i) {
        int const at = (i * 13 % 100) * 10 + (i % 9 == 0 ? -400 : i % 7);
        text += std::to_string(at + 1000) + "," + std::to_string(i % 5) + "\n";
    }
    return text;
}

TEST(file_partitions, judge_lateness_by_the_watermark_of_each_input) {
    scratch const dir;
    std::string const name = dir.put("in.csv", events());
    auto const rows_on = [&](unsigned on, std::uint64_t& late) {
        std::vector<std::tuple<std::int64_t, int, std::int64_t>> rows;
        auto const r = run(file(name, partitions{4}) | csv<event>()
                               | event_time([](event const& e) { return time_point{e.at}; },
                                            bounded_disorder{duration{300}})
                               | key_by(field<&event::key>) | window(tumbling{duration{100}})
                               | count<"n">() | to([&](auto const& row) {
                                     rows.emplace_back(get<"window_start">(row).ns, get<"key">(row),
                                                       get<"n">(row));
                                 }),
                           {.batch = 3, .oversubscribed = on, .lane_slots = 2});
        EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
        late = r.late;
        std::sort(rows.begin(), rows.end());
        return rows;
    };
    std::uint64_t late = 0;
    auto const wanted = rows_on(1, late);
    ASSERT_GT(wanted.size(), 20U);
    ASSERT_GT(late, 0U);
    for (unsigned on : {2U, 3U, 4U}) {
        std::uint64_t late_here = 0;
        EXPECT_EQ(rows_on(on, late_here), wanted) << on;
        EXPECT_EQ(late_here, late) << on;
    }
}

TEST(file_partitions, hold_no_row_back_that_is_on_time_in_its_own_input) {
    scratch const dir;
    std::string text = "at,key\n";
    // The second half is older than the first: as one input it would be late.
    for (int half : {1000, 0})
        for (int i = 0; i < 100; ++i) text += std::to_string(10'000 + half + i) + ",1\n";
    std::string const name = dir.put("in.csv", text);
    auto const late_of = [&](auto source, unsigned on) {
        std::int64_t counted = 0;
        auto const r =
            run(source | csv<event>() | event_time([](event const& e) { return time_point{e.at}; })
                    | key_by(field<&event::key>) | window(tumbling{duration{10}}) | count<"n">()
                    | to([&](auto const& row) { counted += get<"n">(row); }),
                {.batch = 5, .oversubscribed = on});
        EXPECT_TRUE(r.ok()) << to_text(r);
        EXPECT_EQ(static_cast<std::uint64_t>(counted) + r.late, 200U);
        return r.late;
    };
    EXPECT_EQ(late_of(file(name), 1), 100U);
    EXPECT_EQ(late_of(file(name, partitions{2}), 1), 0U);
    EXPECT_EQ(late_of(file(name, partitions{2}), 2), 0U);
}

TEST(file_partitions, stand_in_the_plan) {
    auto const pipeline = file("in.csv", partitions{4}) | csv<item>() | discard();
    EXPECT_EQ(plan(pipeline).stage[0].inputs, 4U);
    EXPECT_EQ(plan(pipeline).guarantee, guarantee::all_or_nothing);
    EXPECT_NE(explain(pipeline).find("read as 4 inputs, each with a watermark of its own"),
              std::string::npos);
}

// --- refused ---

template <class Source>
report refused(Source source) {
    return run(source | csv<item>() | discard(), {.oversubscribed = 2});
}

TEST(file_partitions, are_between_1_and_128) {
    scratch const dir;
    std::string const name = dir.put("in.csv", "id,note\n1,a\n");
    for (unsigned n : {0U, 129U}) {
        auto const r = refused(file(name, partitions{n}));
        EXPECT_EQ(r.code, exit_code::configuration);
        EXPECT_NE(r.message.find("is not between 1 and 128"), std::string::npos) << r.message;
    }
    EXPECT_EQ(refused(file({}, partitions{2})).code, exit_code::configuration);
}

TEST(file_partitions, ask_for_regular_files) {
    auto const r = refused(file("/dev/null", partitions{2}));
    EXPECT_EQ(r.code, exit_code::configuration);
    EXPECT_NE(r.message.find("no regular file"), std::string::npos) << r.message;
    EXPECT_EQ(refused(file("/nowhere/at/all", partitions{2})).code, exit_code::no_input);
}

TEST(file_partitions, find_the_columns_in_the_first_64_KiB) {
    scratch const dir;
    std::string header = "id,note";
    while (header.size() < 70'000) header += ",another_column";
    auto const commas = static_cast<std::size_t>(std::count(header.begin(), header.end(), ','));
    std::string text = header + "\n";
    for (int i = 0; i < 40; ++i) text += std::to_string(i) + std::string(commas, ',') + "\n";
    std::string const name = dir.put("in.csv", text);
    auto const r = refused(file(name, partitions{2}));
    EXPECT_EQ(r.code, exit_code::data);
    EXPECT_NE(r.message.find("64 KiB"), std::string::npos) << r.message;
    EXPECT_TRUE(refused(file(name, partitions{1})).ok());
}

}  // namespace
