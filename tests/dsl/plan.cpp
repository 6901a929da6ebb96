// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/dsl/plan.hpp>

namespace {
using namespace millrace;

// [record]
struct departure {
    text<3> origin;
    text<2> carrier;
    time_point scheduled;
    std::optional<int> delay;
};
MILLRACE_RECORD(departure, origin, carrier, scheduled, delay);
// [record]

bool has_left(departure const& d) { return d.delay.has_value(); }

// A source that can be read again, and a sink that is there as a whole or not at all: what a file
// is.
struct archive_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "archive";
    static constexpr auto name = fixed_string{""};
    static constexpr bool replayable = true;
    using record = departure;
    bool piped = false;
    [[nodiscard]] bool streams() const { return piped; }
};
struct whole_output {
    static constexpr bool atomic_output = true;
    template <class R>
    void operator()(R const&) const {}
};

// --- totals ---

// [keyed]
auto const delays = archive_stage{} | filter<"departed">(has_left)
                    | event_time(field<&departure::scheduled>, bounded_disorder{minutes(30)})
                    | key_by(field<&departure::origin>, field<&departure::carrier>)
                    | window(tumbling{hours(1)})
                    | aggregate(count<"flights">(), max<"max_delay">(field<&departure::delay>))
                    | late_to(to<"late">(whole_output{})) | to<"results">(whole_output{});

using keyed_plan = std::remove_const_t<decltype(delays)>;
static_assert(plan_of<keyed_plan>.exchanges == 1);
static_assert(plan_of<keyed_plan>.loops == 2);
static_assert(plan_of<keyed_plan>.keyed_stages == 1);
static_assert(plan_of<keyed_plan>.copies == 0);
static_assert(plan_of<keyed_plan>.guarantee == guarantee::all_or_nothing);
// [keyed]
static_assert(plan_of<keyed_plan>.stages == 7 && plan_of<keyed_plan>.sources == 1
              && plan_of<keyed_plan>.sinks == 2);
static_assert(plan_of<keyed_plan const&>.exchanges == 1);

// [bounds]
// Each of 256 records goes into a pane or is late, and each of 10 panes that are due gives a row.
static_assert(plan_of<keyed_plan>.emits_max({.batch = 256, .panes = 10}) == 266);
static_assert(plan_of<keyed_plan>.emits_max({.batch = 256, .panes = 10, .keys = 50}) == 756);
static_assert(plan_of<keyed_plan>.exchanged_max({.batch = 256}) == 256);
static_assert(plan_of<keyed_plan>.exchanged_bytes_max({.batch = 256}) == 256 * sizeof(departure));
// [bounds]
static_assert(plan_of<keyed_plan>.state_bytes_max({.panes = 2, .keys = 100})
              == 200 * plan_of<keyed_plan>.stage[4].keeps.entry_bytes);

// [stages]
constexpr auto const& window_of_hours = plan_of<keyed_plan>.stage[4];
static_assert(window_of_hours.word == "window" && window_of_hours.loop == 1);
static_assert(window_of_hours.record
              == "row<origin, carrier, window_start, window_end, flights, max_delay>");
static_assert(window_of_hours.key == "origin, carrier");
static_assert(window_of_hours.keeps.what == "one accumulator per key and open pane");
static_assert(window_of_hours.rate == stage_rate{.min = 0, .max = 0, .per_due_pane = 1});
// [stages]

// --- guarantee ---
template <class P>
constexpr guarantee guarantee_of = plan_of<P>.guarantee;
using counted_only = decltype(archive_stage{} | discard());
using into_function = decltype(archive_stage{} | to([](departure const&) {}));
static_assert(guarantee_of<counted_only>
              == guarantee::all_or_nothing);  // counting leaves nothing behind
static_assert(guarantee_of<into_function> == guarantee::at_most_once);
using from_memory = decltype(from(std::vector<departure>{}) | to(whole_output{}));
static_assert(guarantee_of<from_memory> == guarantee::at_most_once);

TEST(plan, weakens_the_guarantee_where_a_value_is_a_stream) {
    EXPECT_EQ(plan(archive_stage{} | discard()).guarantee, guarantee::all_or_nothing);
    EXPECT_EQ(plan(archive_stage{{}, true} | discard()).guarantee, guarantee::at_most_once);
}

// --- loops ---
constexpr auto key_of = [](int n) { return n % 8; };
constexpr auto add = [](int a, int b) { return a + b; };
constexpr auto next = [](int n) { return n + 1; };

using twice_keyed = decltype(from(std::vector<int>{}) | key_by(key_of) | reduce(add) | map(next)
                             | key_by(key_of) | reduce<"again">(add) | discard());
static_assert(plan_of<twice_keyed>.loops == 3 && plan_of<twice_keyed>.exchanges == 2);
static_assert(plan_of<twice_keyed>.stage[1].loop == 0);  // a key_by ends its loop
static_assert(plan_of<twice_keyed>.stage[2].loop == 1);
static_assert(plan_of<twice_keyed>.stage[5].loop == 2);

// One way is keyed, the other is not: they come together behind the exchange, so no loop feeds one
// before it.
using half_keyed = decltype(from(std::vector<int>{})
                            | merge(key_by(key_of) | reduce(add), map<"plain">(next)) | discard());
static_assert(plan_of<half_keyed>.loops == 2);
static_assert(plan_of<half_keyed>.stage[3].word == "reduce"
              && plan_of<half_keyed>.stage[3].loop == 1);
static_assert(plan_of<half_keyed>.stage[4].name == "plain"
              && plan_of<half_keyed>.stage[4].loop == 0);
static_assert(plan_of<half_keyed>.stage[5].word == "merge"
              && plan_of<half_keyed>.stage[5].loop == 1);

// A source's dead letters come from both loops, so their sink is a loop behind both.
using guarded_source = decltype(from(std::vector<int>{}) | on_error(discard<"dead">())
                                | key_by(key_of) | reduce(add) | discard<"results">());
static_assert(plan_of<guarded_source>.loops == 3);
static_assert(plan_of<guarded_source>.stage[1].name == "dead"
              && plan_of<guarded_source>.stage[1].loop == 2);
static_assert(plan_of<guarded_source>.emits_max({.batch = 100}) == 100);
using guarded_stage = decltype(from(std::vector<int>{}) | map(next) | on_error(discard<"dead">())
                               | key_by(key_of) | reduce(add) | discard());
static_assert(plan_of<guarded_stage>.loops == 2);

TEST(plan, lists_every_stage_once_in_the_order_of_loops) {
    constexpr auto p = plan_of<half_keyed>;
    std::vector<bool> seen(p.stages);
    std::size_t listed = 0;
    for (std::size_t l = 0; l < p.loops; ++l) {
        EXPECT_EQ(p.loop[l].first, listed);
        for (std::size_t k = 0; k < p.loop[l].count; ++k, ++listed) {
            std::size_t const id = p.order[p.loop[l].first + k];
            EXPECT_FALSE(seen[id]);
            EXPECT_EQ(p.stage[id].loop, l);
            seen[id] = true;
        }
    }
    EXPECT_EQ(listed, p.stages);
}

// --- rates and bounds ---
constexpr auto twice = [](int n) { return std::vector<int>{n, n}; };
constexpr auto even = [](int n) { return n % 2 == 0; };

using bursts =
    decltype(from(std::vector<int>{}) | flat_map<2>(twice) | flat_map<3>(twice) | discard());
static_assert(plan_of<bursts>.emits_max({.batch = 10}) == 60);
static_assert(plan_of<bursts>.stage[2].rate == stage_rate{.min = 0, .max = 3});

// [forks]
// Every part of a tee gets each record: of three that share it, all but the last see it as const.
using teed =
    decltype(from(std::vector<int>{}) | tee(discard<"a">(), discard<"b">()) | discard<"c">());
static_assert(plan_of<teed>.copies == 2);
static_assert(plan_of<teed>.emits_max({.batch = 10}) == 30);

// A split sends each record one way.
using parted = decltype(from(std::vector<int>{})
                        | split(when<"even">(even, flat_map<5>(twice) | discard<"a">()),
                                otherwise(discard<"b">())));
static_assert(plan_of<parted>.copies == 0);
static_assert(plan_of<parted>.emits_max({.batch = 10}) == 50);
// [forks]

using two_sources = decltype(merge(from(std::vector<int>{}), from(std::vector<int>{})) | discard());
static_assert(plan_of<two_sources>.sources == 2 && plan_of<two_sources>.loops == 1);
static_assert(plan_of<two_sources>.emits_max({.batch = 10}) == 20);  // a batch of each
static_assert(plan_of<two_sources>.stage[2].in_max == 2048);

using updated =
    decltype(from(std::vector<int>{}) | event_time([](int n) { return time_point{n}; })
             | window_all(tumbling{seconds(1)}) | count() | allowed_lateness(seconds(5))
             | flat_map<4>([](auto const&) { return std::vector<int>{1}; }) | discard());
static_assert(plan_of<updated>.stage[2].rate == stage_rate{.min = 0, .max = 1, .per_due_pane = 1});
static_assert(plan_of<updated>.stage[2].keeps.what == "one accumulator per open pane");
static_assert(plan_of<updated>.emits_max({.batch = 10, .panes = 3, .keys = 99})
              == 52);  // it has no keys

TEST(plan, stops_counting_at_the_greatest_number) {
    using many =
        decltype(from(std::vector<int>{}) | flat_map<4'000'000'000>(twice)
                 | flat_map<4'000'000'000>(twice) | flat_map<4'000'000'000>(twice) | discard());
    EXPECT_EQ(plan_of<many>.emits_max(), std::numeric_limits<std::uint64_t>::max());
}

TEST(plan, bounds_dead_letters_of_a_source_by_what_could_have_come_out) {
    auto const p = plan(from(std::vector<int>{}) | on_error(discard<"dead">()) | map(next)
                            | tee(map(next) | discard<"a">()) | discard<"b">(),
                        {.batch = 10});
    EXPECT_EQ(p.stage[1].name, "dead");
    EXPECT_EQ(p.stage[1].in_max, 20U);  // both ways of a tee may fail
    EXPECT_EQ(p.emits_max({.batch = 10}), 20U);
}

// --- values ---
TEST(plan, knows_durations_only_from_values) {
    // [values]
    auto const p = plan(delays, {.batch = 256, .partitions = 2});
    // [values]
    EXPECT_EQ(plan_of<keyed_plan>.stage[4].window, std::nullopt);
    EXPECT_EQ(p.stage[4].window, hours(1));
    EXPECT_EQ(p.stage[4].lateness, std::nullopt);
    EXPECT_EQ(p.stage[2].disorder, minutes(30));
    EXPECT_EQ(p.stage[4].in_max, 256U);
    EXPECT_EQ(p.stage[4].out_max, 1U);
    EXPECT_EQ(p.loop[1].partitions, 2U);
    auto const monotonic_plan = plan(from(std::vector<int>{})
                                     | event_time([](int n) { return time_point{n}; }) | discard());
    EXPECT_EQ(monotonic_plan.stage[1].disorder, duration{});
}

TEST(plan, leaves_a_pipeline_that_can_only_be_moved_as_it_is) {
    auto owner = std::make_unique<int>(7);
    auto p = from(std::vector<int>{1, 2}) | map([o = std::move(owner)](int n) { return n + *o; })
             | discard();
    EXPECT_EQ(plan(p).stages, 3U);
    EXPECT_EQ(p.stages.at<0>().range.size(), 2U);
    EXPECT_EQ(p.stages.at<1>().function(1), 8);
}

TEST(plan, reads_values_inside_guards_branches_and_inputs) {
    auto const counted =
        event_time([](int n) { return time_point{n}; }, bounded_disorder{seconds(2)})
        | window_all(tumbling{minutes(5)}) | count() | allowed_lateness(seconds(9)) | on_error(drop)
        | discard<"counts">();
    auto const p = plan(merge(from(std::vector<int>{}), from(std::vector<int>{}) | map(next))
                        | tee(counted) | discard<"all">());
    ASSERT_EQ(p.stage[6].word, "window");
    EXPECT_EQ(p.stage[6].window, minutes(5));
    EXPECT_EQ(p.stage[6].lateness, seconds(9));
    EXPECT_EQ(p.stage[6].errors, error_policy::drops);
    EXPECT_EQ(p.stage[5].disorder, seconds(2));
}

// --- names of records ---
enum class colour : std::uint8_t { red };
struct plain {};
static_assert(record_name<departure>() == "departure");
static_assert(record_name<plain>() == "record");
static_assert(record_name<int>() == "int32" && record_name<long>() == "int64"
              && record_name<long long>() == "int64");
static_assert(record_name<std::int8_t>() == "int8"
              && record_name<std::uint16_t const&>() == "uint16");
static_assert(record_name<double>() == "double" && record_name<float>() == "float");
static_assert(record_name<bool>() == "bool" && record_name<char>() == "char"
              && record_name<colour>() == "enum");
static_assert(record_name<std::string>() == "string"
              && record_name<std::string_view>() == "string_view");
static_assert(record_name<text<16>>() == "text<16>" && record_name<text<300>>() == "text<300>");
static_assert(record_name<time_point>() == "time_point" && record_name<duration>() == "duration");
static_assert(record_name<bytes>() == "bytes" && record_name<chunk>() == "chunk");
static_assert(record_name<std::optional<std::vector<int>>>() == "optional<vector<int32>>");
static_assert(record_name<std::vector<std::vector<bool>>>() == "vector<vector<bool>>");
static_assert(record_name<std::pair<int, std::string>>() == "pair<int32, string>");
static_assert(record_name<std::unique_ptr<departure const>>() == "unique_ptr<departure>");
static_assert(record_name<std::shared_ptr<int>>() == "shared_ptr<int32>");
static_assert(record_name<row<>>() == "row<>");
static_assert(record_name<row<column<"a", int>, column<"b", text<3>>>>() == "row<a, b>");
static_assert(record_name<dead_letter<departure>>() == "dead_letter");

// --- refused ---
static_assert(plan_of<rejected>.exchanges == 1 && 2 == plan_of<rejected>.exchanges);
static_assert(plan_of<rejected>.copies != 0 && plan_of<rejected>.loops < 2
              && 7 >= plan_of<rejected>.sinks);
static_assert(plan_of<rejected>.guarantee == guarantee::exactly_once);
static_assert(plan_of<rejected>.emits_max({.batch = 3}) == 12);
static_assert(plan_of<rejected>.stage[100].word == "map");
static_assert(plan(rejected{}).exchanges == 1);

}  // namespace
