// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Whole plans as text. They are the same on both compilers.

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/dsl/explain.hpp>
#include <millrace/model/bytes.hpp>

namespace {
using namespace millrace;

struct departure {
    text<3> origin;
    text<2> carrier;
    time_point scheduled;
    std::optional<int> delay;
};
MILLRACE_RECORD(departure, origin, carrier, scheduled, delay);

// Formats and files as the plan knows them, without the room that holds the real ones.
struct archive_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::bytes;
    static constexpr std::string_view word = "archive";
    static constexpr auto name = fixed_string{""};
    static constexpr bool replayable = true;
    using record = chunk;
};
struct parser_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::parser;
    static constexpr std::string_view word = "lines";
    static constexpr auto name = fixed_string{""};
    template <class In, bool Aloud = false>
    static consteval auto accept() {
        return accepted<stream<departure, no_key, In::traits>>{};
    }
};
struct writer_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::writer;
    static constexpr std::string_view word = "lines";
    static constexpr auto name = fixed_string{""};
    template <class In, bool Aloud = false>
    static consteval auto accept() {
        return accepted<stream<bytes, no_key, In::traits>>{};
    }
};
struct whole_output {
    static constexpr std::string_view word = "archive";
    static constexpr bool atomic_output = true;
    void operator()(bytes const&) const {}
};
template <fixed_string Name>
auto written() {
    return writer_stage{} | to<Name>(whole_output{});
}

// [delays]
auto const delays =
    archive_stage{} | parser_stage{} | on_error(written<"dead">())
    | filter<"departed">([](departure const& d) { return d.delay.has_value(); })
    | event_time(field<&departure::scheduled>, bounded_disorder{minutes(30)})
    | key_by(field<&departure::origin>, field<&departure::carrier>) | window(tumbling{hours(1)})
    | aggregate(count<"flights">(), mean<"mean_delay">(field<&departure::delay>))
    | allowed_lateness(seconds(90)) | late_to(written<"late">()) | written<"results">();
// [delays]

constexpr auto even = [](int n) { return n % 2 == 0; };
constexpr auto next = [](int n) { return n + 1; };
constexpr auto twice = [](int n) { return std::vector<int>{n, n}; };
auto numbers() { return from(std::vector<int>{1, 2, 3}); }

std::string content_of(std::string const& path) {
    std::ifstream file(MILLRACE_TEST_ROOT "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(explain, shows_a_keyed_window_with_its_side_outputs) {
    EXPECT_EQ(explain(delays, explain_format::text, {.batch = 256}),
              content_of("tests/dsl/explain.txt"));
}

TEST(explain, shows_a_straight_line) {
    EXPECT_EQ("\n"
                  + explain(numbers() | filter<"even">(even) | map(next) | flat_map<8>(twice)
                            | discard()),
              R"(
plan        5 stages in 1 loop, 0 exchanges, 1 source, 1 sink, 0 keyed stages, 0 copies a record
guarantee   at most once: what a failed run had not written is lost
bounds      sinks get at most 8192 records of a batch of 1024

loop 0
   0  from                  -> 1   int32
   1  filter "even"  0-1    -> 2   int32
   2  map            1-1    -> 3   int32
   3  flat_map       0-8    -> 4   int32
   4  discard                      int32
)");
}

TEST(explain, shows_a_tee) {
    EXPECT_EQ(
        "\n"
            + explain(numbers() | tee(filter<"even">(even) | discard<"evens">(), discard<"copy">())
                      | discard<"all">()),
        R"(
plan        6 stages in 1 loop, 0 exchanges, 1 source, 3 sinks, 0 keyed stages, 2 copies a record
guarantee   at most once: what a failed run had not written is lost
bounds      sinks get at most 3072 records of a batch of 1024

loop 0
   0  from                    -> 1   int32
   1  tee              1-1    -> 5   int32
        part -> 2
        part -> 4
   2  filter "even"    0-1    -> 3   int32
   3  discard "evens"                int32
   4  discard "copy"                 int32
   5  discard "all"                  int32
)");
}

TEST(explain, shows_a_split_with_the_names_of_its_ways) {
    EXPECT_EQ("\n"
                  + explain(numbers()
                            | split(when<"even">(even, map(next) | discard<"evens">()),
                                    otherwise(discard<"odds">()))),
              R"(
plan        5 stages in 1 loop, 0 exchanges, 1 source, 2 sinks, 0 keyed stages, 0 copies a record
guarantee   at most once: what a failed run had not written is lost
bounds      sinks get at most 1024 records of a batch of 1024

loop 0
   0  from                    -> 1   int32
   1  split            0-1           int32
        part "even" -> 2
        part -> 4
   2  map              1-1    -> 3   int32
   3  discard "evens"                int32
   4  discard "odds"                 int32
)");
}

TEST(explain, shows_a_merge_of_pipelines) {
    EXPECT_EQ("\n" + explain(merge(numbers(), numbers() | map<"shifted">(next)) | discard()), R"(
plan        5 stages in 1 loop, 0 exchanges, 2 sources, 1 sink, 0 keyed stages, 0 copies a record
guarantee   at most once: what a failed run had not written is lost
bounds      sinks get at most 2048 records of a batch of 1024 from each source

loop 0
   0  from                  -> 3   int32
   1  from                  -> 2   int32
   2  map "shifted"  1-1    -> 3   int32
   3  merge          1-1    -> 4   int32
   4  discard                      int32
)");
}

TEST(explain, shows_a_merge_of_parts_on_both_sides_of_an_exchange) {
    auto const keyed = key_by<"parity">(even) | reduce<"sums">([](int a, int b) { return a + b; });
    EXPECT_EQ("\n" + explain(numbers() | merge(keyed, map<"plain">(next)) | discard()), R"(
plan        7 stages in 2 loops, 1 exchange, 1 source, 1 sink, 1 keyed stage, 1 copy a record
guarantee   at most once: what a failed run had not written is lost
bounds      sinks get at most 2048 records of a batch of 1024

loop 0
   0  from                    -> 1   int32
   1  merge            1-1           int32
        part -> 2
        part -> 4
   2  key_by "parity"  1-1    -> 3   int32
        exchange by parity to loop 1: at most 1024 records of 4 bytes a batch
   4  map "plain"      1-1    -> 5   int32
        hands over to loop 1: at most 1024 records of 4 bytes a batch

loop 1
   3  reduce "sums"    1-1    -> 5   int32
        keyed by parity
        keeps one record per key, 12 bytes each
   5  merge            1-1    -> 6   int32
   6  discard                        int32
)");
}

TEST(explain, shows_policies_and_the_loop_of_a_sources_dead_letters) {
    EXPECT_EQ("\n"
                  + explain(numbers() | on_error(discard<"dead">()) | map(next) | on_error(drop)
                                | key_by(even) | count() | discard<"counts">(),
                            explain_format::text, {.partitions = 4}),
              R"(
plan        6 stages in 3 loops, 1 exchange, 1 source, 2 sinks, 1 keyed stage, 0 copies a record
guarantee   at most once: what a failed run had not written is lost
bounds      sinks get at most 1024 records of a batch of 1024

loop 0, 4 partitions
   0  from                     -> 2   int32
        dead letters -> 1 in loop 2
   2  map               1-1    -> 3   int32
        on error drop
   3  key_by            1-1    -> 4   int32
        exchange by key to loop 1: at most 1024 records of 4 bytes a batch

loop 1, 4 partitions
   4  aggregate         1-1    -> 5   row<key, count>
        keyed by key
        keeps one accumulator per key, 16 bytes each
   5  discard "counts"                row<key, count>

loop 2, 4 partitions
   1  discard "dead"                  dead_letter
)");
}

TEST(explain, shows_windows_of_all_kinds) {
    auto const timed = numbers() | event_time([](int n) { return time_point{n}; });
    EXPECT_EQ(
        "\n" + explain(timed | window_all(tumbling_of<milliseconds(1500)>{}) | count() | discard()),
        R"(
plan        4 stages in 1 loop, 0 exchanges, 1 source, 1 sink, 0 keyed stages, 0 copies a record
guarantee   at most once: what a failed run had not written is lost
bounds      sinks get at most 1 record for each pane that is due

loop 0
   0  from                -> 1   int32
   1  event_time  1-1     -> 2   int32
        disorder 0s
        keeps one watermark per input
   2  window      1/pane  -> 3   row<window_start, window_end, count>
        panes of 1500ms
        keeps one accumulator per open pane, 8 bytes each
   3  discard                    row<window_start, window_end, count>
)");
    EXPECT_EQ(
        "\n" + explain(numbers() | window_all(global{}) | sum([](int n) { return n; }) | discard()),
        R"(
plan        3 stages in 1 loop, 0 exchanges, 1 source, 1 sink, 0 keyed stages, 0 copies a record
guarantee   at most once: what a failed run had not written is lost
bounds      sinks get at most 1 record for each pane that is due

loop 0
   0  from             -> 1   int32
   1  window   1/pane  -> 2   row<sum>
        one pane for all time
        keeps one accumulator, to the end, 8 bytes each
   2  discard                 row<sum>
)");
}

// --- the other forms ---
TEST(explain, draws_dot) {
    EXPECT_EQ("\n"
                  + explain(numbers() | on_error(discard()) | map<"say \"hi\\\"">(next)
                                | key_by(even) | count() | discard(),
                            explain_format::dot),
              R"(
digraph plan {
    rankdir=TB;
    node [shape=box];
    subgraph cluster_0 {
        label="loop 0";
        n0 [label="from\nint32"];
        n2 [label="map \"say \"hi\\\"\"\nint32\n1-1"];
        n3 [label="key_by\nint32\n1-1"];
    }
    subgraph cluster_1 {
        label="loop 1";
        n4 [label="aggregate\nrow<key, count>\n1-1\none accumulator per key"];
        n5 [label="discard\nrow<key, count>"];
    }
    subgraph cluster_2 {
        label="loop 2";
        n1 [label="discard\ndead_letter"];
    }
    n0 -> n2;
    n0 -> n1 [label="dead letters", style=dashed];
    n2 -> n3;
    n3 -> n4 [label="key", style=bold];
    n4 -> n5;
}
)");
}

TEST(explain, draws_mermaid) {
    EXPECT_EQ("\n"
                  + explain(numbers() | on_error(discard()) | map<"say \"#<hi>\"">(next)
                                | key_by(even) | count() | discard(),
                            explain_format::mermaid),
              R"(
flowchart TB
    subgraph loop0["loop 0"]
        n0["from<br/>int32"]
        n2["map #quot;say #quot;#35;#lt;hi#gt;#quot;#quot;<br/>int32<br/>1-1"]
        n3["key_by<br/>int32<br/>1-1"]
    end
    subgraph loop1["loop 1"]
        n4["aggregate<br/>row#lt;key, count#gt;<br/>1-1<br/>one accumulator per key"]
        n5["discard<br/>row#lt;key, count#gt;"]
    end
    subgraph loop2["loop 2"]
        n1["discard<br/>dead_letter"]
    end
    n0 --> n2
    n0 -.->|"dead letters"| n1
    n2 --> n3
    n3 ==>|"key"| n4
    n4 --> n5
)");
}

TEST(explain, writes_json) {
    EXPECT_EQ("\n"
                  + explain(numbers() | tee(discard<"all\n">())
                                | event_time([](int n) { return time_point{n}; })
                                | window_all(tumbling{seconds(1)}) | count() | discard(),
                            explain_format::json, {.batch = 10}),
              R"(
{"guarantee": "at most once", "exchanges": 0, "sources": 1, "sinks": 2, "keyed_stages": 0, "copies": 1, "batch": 10, "panes": 1, "keys": 1, "loops": [{"partitions": 1, "stages": [0, 1, 2, 3, 4, 5]}], "stages": [
  {"id": 0, "loop": 0, "word": "from", "record": "int32", "record_bytes": 4, "next": 1, "exchange": false, "keyed": false, "on_error": "stop", "in_max": 10, "out_max": 10, "branches": []},
  {"id": 1, "loop": 0, "word": "tee", "record": "int32", "record_bytes": 4, "next": 3, "rate": {"min": 1, "max": 1, "per_due_pane": 0}, "exchange": false, "keyed": false, "on_error": "stop", "in_max": 10, "out_max": 10, "branches": [{"role": "part", "to": 2}]},
  {"id": 2, "loop": 0, "word": "discard", "name": "all\u000a", "record": "int32", "record_bytes": 4, "next": null, "exchange": false, "keyed": false, "on_error": "stop", "in_max": 10, "out_max": 10, "branches": []},
  {"id": 3, "loop": 0, "word": "event_time", "record": "int32", "record_bytes": 4, "next": 4, "rate": {"min": 1, "max": 1, "per_due_pane": 0}, "exchange": false, "keyed": false, "keeps": "one watermark per input", "entry_bytes": 0, "on_error": "stop", "disorder_ns": 0, "in_max": 10, "out_max": 10, "branches": []},
  {"id": 4, "loop": 0, "word": "window", "record": "row<window_start, window_end, count>", "record_bytes": 24, "next": 5, "rate": {"min": 0, "max": 0, "per_due_pane": 1}, "exchange": false, "keyed": false, "keeps": "one accumulator per open pane", "entry_bytes": 8, "on_error": "stop", "window_ns": 1000000000, "in_max": 10, "out_max": 1, "branches": []},
  {"id": 5, "loop": 0, "word": "discard", "record": "row<window_start, window_end, count>", "record_bytes": 24, "next": null, "exchange": false, "keyed": false, "on_error": "stop", "in_max": 1, "out_max": 1, "branches": []}
]}
)");
}

/// Reads one JSON value; the rest is what is behind it. Stricter readers find no more in it.
class json_reader {
public:
    explicit json_reader(std::string_view text) : rest_(text) {}
    bool whole() { return value() && (skip(), rest_.empty()); }

private:
    void skip() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n'))
            rest_.remove_prefix(1);
    }
    bool take(std::string_view word) {
        skip();
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    bool text() {
        if (!take("\"")) return false;
        while (!rest_.empty() && rest_.front() != '"') {
            if (static_cast<unsigned char>(rest_.front()) < 0x20) return false;
            if (rest_.front() == '\\') {
                std::string_view const kinds = "\"\\u";
                if (rest_.size() < 2 || kinds.find(rest_[1]) == kinds.npos) return false;
                rest_.remove_prefix(1);
            }
            rest_.remove_prefix(1);
        }
        return take("\"");
    }
    bool number() {
        take("-");
        std::size_t digits = 0;
        while (digits < rest_.size() && std::isdigit(static_cast<unsigned char>(rest_[digits])))
            ++digits;
        bool const fine = digits == 1 || (digits > 1 && rest_.front() != '0');
        rest_.remove_prefix(digits);
        return fine;
    }
    bool members(std::string_view end, bool named) {
        if (take(end)) return true;
        do {
            if (named && !(text() && take(":"))) return false;
            if (!value()) return false;
        } while (take(","));
        return take(end);
    }
    bool value() {
        skip();
        if (rest_.empty()) return false;
        if (rest_.front() == '"') return text();
        if (take("{")) return members("}", true);
        if (take("[")) return members("]", false);
        return take("true") || take("false") || take("null") || number();
    }
    std::string_view rest_;
};

TEST(explain, writes_json_that_can_be_read) {
    EXPECT_TRUE(json_reader(explain(delays, explain_format::json)).whole());
    EXPECT_TRUE(
        json_reader(explain(numbers() | map<"\"\\\x01\n">(next) | discard(), explain_format::json))
            .whole());
    EXPECT_FALSE(json_reader("{\"a\": 1,}").whole());
    EXPECT_FALSE(json_reader("{\"a\": 01}").whole());
}

TEST(explain, takes_a_plan_by_itself) {
    using P = std::remove_const_t<decltype(delays)>;
    std::string const text = explain(plan_of<P>.view());
    EXPECT_NE(text.find("exchange by origin, carrier to loop 1"), std::string::npos);
    EXPECT_EQ(text.find("panes of"), std::string::npos);  // that only a value knows
}

TEST(explain, says_nothing_of_what_was_refused) { EXPECT_EQ(explain(rejected{}), ""); }

std::string shown(duration d) {
    std::string out;
    detail::plan_out o(&out, [](void* to, std::string_view piece) {
        static_cast<std::string*>(to)->append(piece);
    });
    o << d;
    return out;
}
TEST(explain, writes_durations_in_the_greatest_unit_that_divides_them) {
    EXPECT_EQ(shown(hours(36)), "36h");
    EXPECT_EQ(shown(seconds(90)), "90s");
    EXPECT_EQ(shown(minutes(90)), "90min");
    EXPECT_EQ(shown(milliseconds(1500)), "1500ms");
    EXPECT_EQ(shown(microseconds(7)), "7us");
    EXPECT_EQ(shown(duration{-1}), "-1ns");
    EXPECT_EQ(shown(duration{}), "0s");
    EXPECT_EQ(shown(duration::max()), "all time");
    EXPECT_EQ(shown(duration{std::numeric_limits<std::int64_t>::min()}), "-9223372036854775808ns");
}

}  // namespace
