// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One job from a file to files that every row of the table of bad input goes through: by `run` with
// several batches, and by the test driver in pieces of bytes. In each, every stage adds up, and the
// report's text has all of its figures.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/io/csv.hpp>
#include <millrace/io/file.hpp>
#include <millrace/io/original.hpp>
#include <millrace/scheduler/run.hpp>
#include <millrace/test.hpp>

#include "io/scratch.hpp"

namespace bad_input {
using millrace_test::content_of;
using millrace_test::scratch;

struct reading {
    std::int64_t id = 0;
    millrace::time_point at;
    std::optional<double> level;
    std::string note;
};
MILLRACE_RECORD(reading, id, at, level, note);

/// What is behind the parser, whatever the format: late rows keep their line.
inline auto behind_parser(std::string const& late, std::string const& out) {
    using namespace millrace;
    return filter<"known">([](reading const& r) { return r.id >= 0; })
           | event_time(field<&reading::at>, bounded_disorder{duration{100}})
           | key_by(field<&reading::id>) | window(tumbling{duration{1000}})
           | aggregate(count<"n">(), sum<"sum">(field<&reading::level>),
                       millrace::max<"most">(field<&reading::level>))
           | late_to(original() | to<"late">(file(late))) | csv({.time = time_format::epoch_ns})
           | to<"rows">(file(out));
}

struct outcome {
    millrace::report all;
    std::string rows;  ///< the file of results, without its heading
    std::string late;
    std::string dead;
};
struct expected {
    std::uint64_t records = 0;
    std::uint64_t bad = 0;
    std::uint64_t late = 0;
    std::uint64_t rows = 0;
};

/// The accounts: each stage by itself, each edge between two of them, the whole, and the text that
/// prints them.
inline void expect_accounts(millrace::report const& r, expected const& e) {
    std::string const text = to_text(r);
    for (auto const& sentence : millrace::lost_records(r))
        ADD_FAILURE() << sentence << "\n" << text;
    EXPECT_EQ(r.bad_rows, e.bad);
    EXPECT_EQ(r.late, e.late);
    EXPECT_EQ(r.records_in, e.records);  // rows read = records + bad rows
    EXPECT_EQ(r.dead, e.bad);
    auto const stage = [&](std::string_view word,
                           std::string_view name) -> millrace::stage_counts const& {
        for (auto const& s : r.stages)
            if (s.word == word && s.name == name) return s.counts;
        ADD_FAILURE() << "no " << word << " " << name;
        return r.stages.front().counts;
    };
    auto const& filter = stage("filter", "known");
    auto const& time = stage("event_time", "");
    auto const& window = stage("window", "");
    EXPECT_EQ(filter.in, e.records);
    EXPECT_EQ(time.in, filter.in - filter.filtered);
    EXPECT_EQ(window.in, time.in);
    EXPECT_EQ(window.passed, window.in - e.late);
    EXPECT_EQ(window.held, 0U);
    EXPECT_EQ(stage("to", "rows").in, window.out);
    EXPECT_EQ(stage("to", "rows").passed, e.rows);
    EXPECT_EQ(stage("to", "late").passed, e.late);
    EXPECT_EQ(stage("to", "dead").passed, e.bad);
    using millrace::detail::with_commas;
    EXPECT_NE(text.find("read   " + with_commas(r.records_in) + " records, " + with_commas(e.bad)
                        + " bad rows"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("lost   " + with_commas(e.late) + " late"), std::string::npos) << text;
    EXPECT_NE(text.find(with_commas(e.bad) + " dead\n"), std::string::npos) << text;
}

inline std::string without_heading(std::string const& csv) {
    std::size_t const end = csv.find('\n');
    return end == std::string::npos ? "" : csv.substr(end + 1);
}

/// `make(in, dead, late, out)` gives the job. The rows are those of the first batch size; the
/// others have to give them too, in any order between keys.
template <class Make>
outcome check(Make make, std::string const& text, expected const& e) {
    scratch dir;
    std::string const in = dir.put("in", text);
    outcome first;
    for (std::size_t const batch : {std::size_t{1024}, std::size_t{1}, std::size_t{3}}) {
        if (batch == 1 && text.size() > (1U << 20)) continue;
        auto const r = run(make(in, dir / "dead", dir / "late", dir / "out"), {.batch = batch});
        EXPECT_TRUE(r.ok()) << r.message;
        expect_accounts(r, e);
        EXPECT_EQ(r.bytes_in, text.size());
        outcome o{r, without_heading(content_of(dir / "out")), content_of(dir / "late"),
                  content_of(dir / "dead")};
        EXPECT_EQ(dir.names(), (std::vector<std::string>{"dead", "in", "late", "out"}));
        if (batch == 1024)
            first = o;
        else {
            EXPECT_EQ(o.rows.size(), first.rows.size());
            EXPECT_EQ(o.late, first.late);
            EXPECT_EQ(o.dead, first.dead);
        }
    }
    for (std::size_t const piece : {std::size_t{7}, std::size_t{4096}}) {
        if (piece == 7 && text.size() > (1U << 16)) continue;
        millrace::driver d{make(in, dir / "dead2", dir / "late2", dir / "out2"), {.batch = piece}};
        for (std::size_t at = 0; at < text.size(); at += piece)
            d.bytes_in().push(std::string_view(text).substr(at, piece));
        d.bytes_in().end();
        d.end();
        expect_accounts(d.report(), e);
        EXPECT_EQ(d.template out<"rows">().size(), e.rows);
        EXPECT_EQ(d.template out<"late">().size(), e.late);
        EXPECT_EQ(d.template out<"dead">().size(), e.bad);
        if (e.bad > 0 && first.all.bad_rows == e.bad)
            first.all.message = d.template out<"dead">().front().reason;
    }
    return first;
}
/// Why the first bad row was bad, as the driver's dead letter has it.
inline std::string const& reason(outcome const& o) { return o.all.message; }

}  // namespace bad_input
