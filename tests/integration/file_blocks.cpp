// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// One file that is parsed on several partitions is still one input (SEMANTICS 10): the same records
// in the same order, the same lines, the same late ones, the same errors, wherever its blocks end.
//
// MILLRACE_SEED=n begins with another seed.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/io.hpp>
#include <millrace/json.hpp>
#include <millrace/scheduler/run.hpp>

#include "io/scratch.hpp"

namespace {
using namespace millrace;
using millrace_test::content_of;
using millrace_test::scratch;

template <class What>
bool comes_true(What&& what) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!what()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return true;
}

struct item {
    int id = 0;
    std::string note;
    bool operator==(item const&) const = default;
};
MILLRACE_RECORD(item, id, note);

/// All that one can see of how a file was read.
struct outcome {
    std::vector<item> items;
    std::vector<std::string> bad;  // position, reason, original
    std::uint64_t bytes = 0;
    exit_code code = exit_code::ok;
    std::string message;
    bool operator==(outcome const&) const = default;
};
template <class Format>
outcome read(std::vector<std::string> const& names, Format format, std::size_t block,
             run_settings const& settings) {
    outcome out;
    auto const r =
        run(file(names, {.buffer_bytes = block}) | format
                | on_error(to([&](dead_letter<bytes> const& l) {
                      out.bad.push_back(std::to_string(l.position) + ": " + std::string(l.reason)
                                        + ": " + std::string(l.original));
                  }))
                | to([&](item const& i) { out.items.push_back(i); }),
            settings);
    EXPECT_TRUE(adds_up(r)) << to_text(r);
    out.bytes = r.ok() ? r.bytes_in : 0;  // a run that fails does so in the middle of a block
    out.code = r.code;
    out.message = r.message;
    return out;
}
template <class Format>
void expect_equal_on_any_number(std::vector<std::string> const& names, Format format) {
    outcome const wanted = read(names, format, 4096, {});
    for (unsigned on : {2U, 3U, 4U})
        for (std::size_t block : {2U, 16U, 33U, 100U, 1000U}) {
            SCOPED_TRACE(std::to_string(on) + " partitions, blocks of " + std::to_string(block));
            auto const got =
                read(names, format, block,
                     {.batch = 5, .oversubscribed = on, .lane_slots = 4, .yield_seed = on});
            ASSERT_EQ(got.items, wanted.items);
            ASSERT_EQ(got.bad, wanted.bad);
            ASSERT_EQ(got, wanted);
        }
}

std::string rows(int count, std::string_view line_end = "\n") {
    std::string out;
    for (int i = 0; i < count; ++i)
        out += std::to_string(i) + "," + std::string(static_cast<std::size_t>(i * 7 % 23), 'x')
               + std::string(line_end);
    return out;
}

TEST(file_blocks, give_the_same_rows_of_csv) {
    scratch const dir;
    std::string const head = "id,note\n";
    std::vector<std::pair<std::string, bool>> const files = {
        {head + rows(80), true},
        {"id,note\r\n" + rows(80, "\r\n"), true},
        {head + rows(40) + "77,end", true},
        {"\xEF\xBB\xBF" + head + rows(30), true},
        {head + rows(20, "\n\n") + "\n\r\n" + rows(20), true},
        {rows(60), false},
        {"5,five", false},
        {head, true},
        {"id,note", true},
        {"", true},
        {"\n\n" + rows(30), false},
        {head + rows(20) + "x,y\n1,2,3\n" + rows(20) + "z\n" + rows(5) + "1\n", true},
        {head + "1," + std::string(3000, 'y') + "\n2,b\n", true},
        {"note,more,id\n" + std::string("a,b,1\n,,2\nc,d,3\n") + std::string(40, '\n'), true}};
    for (auto const& [text, header] : files) {
        SCOPED_TRACE(text.substr(0, 60));
        expect_equal_on_any_number({dir.put("in.csv", text)}, csv<item>({.header = header}));
    }
}

TEST(file_blocks, give_the_same_rows_where_line_ends_stand_in_quotes) {
    scratch const dir;
    std::string text = "id,note\n";
    for (int i = 0; i < 60; ++i)
        text += std::to_string(i)
                + (i % 4 == 0   ? ",\"two\nlines, 9\n9,x\"\n"
                   : i % 7 == 0 ? ",\"a \"\"b\"\" \r\n\n\n\n8,\"\n"
                   : i % 9 == 0 ? ",\"\"\n"
                                : ",one\n");
    expect_equal_on_any_number({dir.put("in.csv", text)}, csv<item>());
    // All of it in one field, and a quote that is never closed.
    expect_equal_on_any_number({dir.put("in.csv", "id,note\n1,\"" + rows(50) + "\"\n2,b\n")},
                               csv<item>());
    expect_equal_on_any_number({dir.put("in.csv", "id,note\n" + rows(30) + "1,\"" + rows(50))},
                               csv<item>());
    expect_equal_on_any_number({dir.put("in.csv", "\"id\",\"note\n\"\n" + rows(30))},
                               csv<item>({.missing = missing_columns::keep}));
    expect_equal_on_any_number(
        {dir.put("in.csv", "id,note\n" + rows(20) + "1,a\"b\nc\"d,\"\n" + rows(20))}, csv<item>());
}

TEST(file_blocks, give_the_same_rows_where_some_are_too_long) {
    scratch const dir;
    std::string const text = "id,note\n" + rows(30) + "1," + std::string(500, 'a') + "\n" + rows(30)
                             + "1,\"" + std::string(100, '\n') + "\"\n" + rows(30);
    for (std::size_t most : {30U, 50U, 150U, 400U})
        expect_equal_on_any_number({dir.put("in.csv", text)}, csv<item>({.row_max = most}));
    expect_equal_on_any_number({dir.put("in.csv", text)},
                               csv<item>({.header = false, .row_max = 30}));
}

TEST(file_blocks, give_the_same_lines_of_json) {
    scratch const dir;
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text += "{\"id\":" + std::to_string(i) + ",\"note\":\""
                + std::string(static_cast<std::size_t>(i % 31), 'n')
                + (i % 2 == 0 ? "\"}\n" : "\"}\r\n");
        if (i % 10 == 0) text += "\n{\"id\":x}\n{\"note\":\"\\u00e9\",\"id\":7}\n  \n";
    }
    expect_equal_on_any_number({dir.put("in", text)}, json<item>());
    expect_equal_on_any_number({dir.put("in", text + "{\"id\":999,\"note\":\"\"}")}, json<item>());
    expect_equal_on_any_number({dir.put("in", text)}, json<item>({.row_max = 25}));
}

TEST(file_blocks, of_several_files_are_one_input_with_a_header_in_each) {
    scratch const dir;
    std::vector<std::string> const names = {
        dir.put("a", "id,note\n" + rows(30) + "5,e"), dir.put("b", ""),
        dir.put("c", "note,x,id\n" + std::string("f,,6\ng,h,7\n")), dir.put("d", "id,note\n"),
        dir.put("e", "id,note\n" + rows(50))};
    expect_equal_on_any_number(names, csv<item>());
    // A later header that won't do ends the run where it stands.
    std::vector<std::string> wrong = names;
    wrong[3] = dir.put("f", "id,nothing\n1,2\n");
    expect_equal_on_any_number(wrong, csv<item>());
    EXPECT_EQ(read(wrong, csv<item>(), 16, {.oversubscribed = 2}).code, exit_code::data);
}

TEST(file_blocks, stop_at_the_first_bad_row_of_the_file) {
    scratch const dir;
    std::string const name = dir.put("in.csv", "id,note\n" + rows(100) + "first\n" + rows(5)
                                                   + "second\n" + rows(100) + "third\n");
    for (unsigned on : {1U, 2U, 4U})
        for (std::size_t block : {16U, 64U, 300U}) {
            auto const r = run(file(name, {.buffer_bytes = block}) | csv<item>() | discard(),
                               {.oversubscribed = on});
            EXPECT_EQ(r.code, exit_code::data);
            EXPECT_NE(r.message.find("(line 102)"), std::string::npos) << r.message;
        }
}

TEST(file_blocks, give_the_same_rows_of_random_bytes) {
    char const* const given = std::getenv("MILLRACE_SEED");
    std::uint64_t const first = given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
    scratch const dir;
    for (std::uint64_t seed = first; seed < first + 60; ++seed) {
        SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
        std::mt19937_64 random(seed);
        static constexpr char const* pieces[] = {
            "1,a\n",        "22,b b\n",       "\"", "\n",     "\r\n", ",",
            "3,\"c\nd\"\n", "4,\"e\"\"f\"\n", "x",  "5,\"\n", "\"\"", "66,longer than others\n"};
        std::string text = random() % 4 == 0 ? "" : "id,note\n";
        std::size_t const size = random() % 600;
        bool const wild = random() % 2 == 0;
        while (text.size() < size) text += pieces[random() % (wild ? 12 : 2)];
        csv_options const options{
            .header = text.starts_with("id"),
            .row_max = random() % 3 == 0 ? std::size_t{20} : std::size_t{1} << 20U};
        std::string const name = dir.put("in.csv", text);
        outcome const wanted = read({name}, csv<item>(options), 4096, {});
        for (int i = 0; i < 6; ++i) {
            std::size_t const block = 1 + random() % 80;
            unsigned const on = 2 + static_cast<unsigned>(random() % 3);
            ASSERT_EQ(read({name}, csv<item>(options), block,
                           {.batch = 1 + random() % 9, .oversubscribed = on, .yield_seed = seed}),
                      wanted)
                << "blocks of " << block << " on " << on;
        }
    }
}

// --- behind the parser ---

// Each value that a parser begins with notes its thread.
std::mutex seen_mutex;
std::set<std::thread::id> seen;
int noted() {
    std::lock_guard const lock(seen_mutex);
    seen.insert(std::this_thread::get_id());
    return 0;
}
struct witness {
    int id = noted();
};
MILLRACE_RECORD(witness, id);

TEST(file_blocks, are_parsed_on_other_threads_than_the_one_that_takes_them) {
    scratch const dir;
    std::string text = "id\n";
    for (int i = 0; i < 5000; ++i) text += std::to_string(i) + "\n";
    std::string const name = dir.put("in.csv", text);
    auto const others = [&] {
        std::lock_guard const lock(seen_mutex);
        return seen.size() > seen.count(std::this_thread::get_id());
    };
    seen.clear();
    int expected = 0;
    bool in_order = true;
    auto const r =
        run(file(name, {.buffer_bytes = 512}) | csv<witness>() | to([&](witness const& w) {
                if (w.id == 0) {
                    EXPECT_TRUE(comes_true(others));
                }
                in_order = in_order && w.id == expected++;
            }),
            {.oversubscribed = 2});
    EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
    EXPECT_TRUE(in_order);
    EXPECT_EQ(expected, 5000);
}

struct event {
    std::int64_t at = 0;
    int key = 0;
};
MILLRACE_RECORD(event, at, key);

TEST(file_blocks, leave_time_as_it_is) {
    scratch const dir;
    std::string text = "at,key\n";
    for (int i = 0; i < 600; ++i)
        text += std::to_string(1000 + i * 5 + (i % 9 == 0 ? -400 : i % 7)) + ","
                + std::to_string(i % 5) + "\n";
    std::string const name = dir.put("in.csv", text);
    auto const rows_on = [&](unsigned on) {
        auto const r = run(file(name, {.buffer_bytes = 200}) | csv<event>()
                               | event_time([](event const& e) { return time_point{e.at}; },
                                            bounded_disorder{duration{100}})
                               | key_by(field<&event::key>) | window(tumbling{duration{100}})
                               | count<"n">() | late_to(original() | to<"late">(file(dir / "late")))
                               | csv() | to(file(dir / "out")),
                           {.batch = 3, .oversubscribed = on, .lane_slots = 2});
        EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
        EXPECT_GT(r.late, 0U);
        auto lines = [](std::string const& of) {
            std::vector<std::string> out;
            for (std::size_t at = 0; at < of.size();) {
                std::size_t const end = of.find('\n', at);
                out.push_back(of.substr(at, end - at));
                at = end + 1;
            }
            std::sort(out.begin(), out.end());
            return out;
        };
        return std::pair(lines(content_of(dir / "out")), lines(content_of(dir / "late")));
    };
    auto const wanted = rows_on(1);
    for (unsigned on : {2U, 3U, 4U}) EXPECT_EQ(rows_on(on), wanted) << on;
}

TEST(file_blocks, keep_the_order_of_the_file_for_a_sink) {
    scratch const dir;
    std::string const text = "id,note\n" + rows(500);
    std::string const name = dir.put("in.csv", text);
    for (unsigned on : {1U, 2U, 4U}) {
        auto const r =
            run(file(name, {.buffer_bytes = 64}) | csv<item>() | csv() | to(file(dir / "out")),
                {.oversubscribed = on});
        EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
        EXPECT_EQ(content_of(dir / "out"), text);
    }
}

TEST(file_blocks, can_be_stopped_anywhere) {
    scratch const dir;
    std::string const name = dir.put("in.csv", "id,note\n" + rows(20'000));
    for (unsigned on : {1U, 2U, 3U})
        for (int until : {1, 700, 5000}) {
            std::atomic<int> taken{0};
            std::atomic<bool> may_go_on{false};
            auto service =
                start(file(name, {.buffer_bytes = 256}) | csv<item>() | key_by(field<&item::id>)
                          | map([](item const& i) { return i.id; }) | to([&](int) {
                                if (++taken == until)
                                    while (!may_go_on) std::this_thread::yield();
                            }),
                      {.batch = 16, .oversubscribed = on, .lane_slots = 16});
            ASSERT_TRUE(comes_true([&] { return taken >= until; }));
            service.stop();
            may_go_on = true;
            auto const r = service.wait();
            EXPECT_TRUE(r.ok() && adds_up(r)) << to_text(r);
            EXPECT_LT(r.records_in, 20'000U);
        }
}

TEST(file_blocks, of_a_file_that_is_gone_are_refused_as_ever) {
    auto const r =
        run(file("/nowhere/at/all.csv") | csv<item>() | discard(), {.oversubscribed = 2});
    EXPECT_EQ(r.code, exit_code::no_input);
}

}  // namespace
