// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The naive reference: the textbook definition of a window over sorted records, in 128 bits, that
// knows nothing of batches. And what random cases share: data with disorder, parameters, seeds.
//
// MILLRACE_SEED=n replays from seed n on (MILLRACE_CASES=1: that one case only).

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <map>
#include <ostream>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>
#include <millrace/test.hpp>

namespace reference {

struct event {
    std::int64_t t = 0;
    std::int32_t key = 0;
    std::int32_t v = 0;
    std::int32_t id = 0;
    friend bool operator==(event const&, event const&) = default;
};
MILLRACE_RECORD(event, t, key, v, id);
inline void PrintTo(event const& e, std::ostream* out) {
    *out << "{t " << e.t << ", key " << e.key << ", v " << e.v << ", #" << e.id << "}";
}
inline millrace::time_point time_of(event const& e) { return millrace::time_point{e.t}; }

/// What a window gives for one key. `sum` wraps as int64 does.
struct result {
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::int64_t count = 0;
    std::int64_t sum = 0;
    std::int64_t least = 0;
    std::int64_t most = 0;
    friend bool operator==(result const&, result const&) = default;
};
inline void PrintTo(result const& r, std::ostream* out) {
    *out << "[" << r.start << ", " << r.end << ") n " << r.count << " sum " << r.sum << " min "
         << r.least << " max " << r.most;
}
using results = std::map<std::int64_t, std::vector<result>>;  // by key, in the order of emission

/// The rules, as parameters. A negative lateness: no `allowed_lateness` at all.
struct rules {
    std::int64_t window = 10;
    std::int64_t disorder = 0;
    std::int64_t lateness = 0;
};

__extension__ using wide = __int128;
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

inline wide start_of(std::int64_t t, std::int64_t window) {
    wide rest = static_cast<wide>(t) % window;
    if (rest < 0) rest += window;
    return static_cast<wide>(t) - rest;
}
inline std::int64_t narrow(wide x) {
    return static_cast<std::int64_t>(std::clamp<wide>(x, lowest, highest));
}

/// For each record, the watermark before it: the maximum event time of the records before it, less
/// the disorder.
inline std::vector<wide> watermarks(std::vector<event> const& in, std::int64_t disorder) {
    std::vector<wide> out;
    wide newest = static_cast<wide>(lowest) * 4;
    for (event const& e : in) {
        out.push_back(newest - disorder);
        newest = std::max<wide>(newest, e.t);
    }
    return out;
}

inline void fold(result& r, event const& e) {
    r.least = r.count == 0 ? e.v : std::min<std::int64_t>(r.least, e.v);
    r.most = r.count == 0 ? e.v : std::max<std::int64_t>(r.most, e.v);
    ++r.count;
    r.sum += e.v;
}

/// What ends at the end of time stays open until the input ends.
inline bool passed(wide end, wide mark) { return end <= mark && end < highest; }

struct outcome {
    results rows;
    std::vector<event> late;
};

/// One stream: sorted by pane and key; each pane's first row comes when a watermark first passes
/// its end, then an updated one for each allowed late record. `takes` says which records reach the
/// window behind `event_time`.
template <class KeyOf, class Takes>
outcome windows(std::vector<event> const& in, rules const& r, KeyOf key_of, Takes takes) {
    auto const marks = watermarks(in, r.disorder);
    wide const lateness = std::max<std::int64_t>(r.lateness, 0);
    outcome out;
    std::map<std::pair<wide, std::int64_t>, std::vector<std::size_t>> panes;
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (!takes(in[i])) continue;
        wide const start = start_of(in[i].t, r.window);
        if (passed(start + r.window, marks[i] - lateness))
            out.late.push_back(in[i]);
        else
            panes[{start, key_of(in[i])}].push_back(i);
    }
    struct emission {
        std::size_t when;  // in front of the record 2n, behind it 2n + 1
        wide start;
        std::int64_t key;
        result row;
    };
    std::vector<emission> emitted;
    for (auto const& [pane, records] : panes) {
        wide const end = pane.first + r.window;
        std::size_t due = 0;
        while (due < in.size() && !passed(end, marks[due])) ++due;
        result row;
        row.start = narrow(pane.first);
        row.end = narrow(end);
        std::size_t k = 0;
        for (; k < records.size() && records[k] < due; ++k) fold(row, in[records[k]]);
        if (k > 0) emitted.push_back({2 * due, pane.first, pane.second, row});
        for (; k < records.size(); ++k) {
            fold(row, in[records[k]]);
            emitted.push_back({2 * records[k] + 1, pane.first, pane.second, row});
        }
    }
    std::sort(emitted.begin(), emitted.end(), [](emission const& a, emission const& b) {
        return std::tie(a.when, a.start, a.key) < std::tie(b.when, b.start, b.key);
    });
    for (emission const& e : emitted) out.rows[e.key].push_back(e.row);
    return out;
}

template <class KeyOf>
outcome windows(std::vector<event> const& in, rules const& r, KeyOf key_of) {
    return windows(in, r, key_of, [](event const&) { return true; });
}

/// The last row of each pane and key: what a changelog folds to.
inline results folded(results const& rows) {
    results out;
    for (auto const& [key, of_key] : rows) {
        std::map<std::int64_t, result> last;
        for (result const& r : of_key) last[r.start] = r;
        for (auto const& [start, r] : last) out[key].push_back(r);
    }
    return out;
}

// --- random cases
// ---------------------------------------------------------------------------------------------------

struct randomness {
    std::mt19937_64 engine;
    explicit randomness(std::uint64_t seed) : engine(seed) {}
    /// In [low, high].
    std::int64_t in(std::int64_t low, std::int64_t high) {
        auto const span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
        auto const at = span == 0 ? engine() : engine() % span;
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + at);
    }
    template <class T>
    T of(std::initializer_list<T> choice) {
        return *(choice.begin() + in(0, static_cast<std::int64_t>(choice.size()) - 1));
    }
};

inline std::size_t random_batch(randomness& random) {
    auto const most = std::int64_t{1} << random.in(0, 16);
    return static_cast<std::size_t>(random.in(0, 2) == 0 ? most : random.in(1, most));
}

/// On one thread or up to four, with lanes from the smallest on and threads that yield where it
/// hurts (SEMANTICS 26).
inline millrace::run_settings random_settings(randomness& random) {
    millrace::run_settings out;
    out.batch = random_batch(random);
    out.oversubscribed = static_cast<unsigned>(random.of<int>({0, 1, 2, 2, 3, 4}));
    if (out.oversubscribed > 1 && random.in(0, 3) == 0)
        out.partitions = out.oversubscribed + static_cast<unsigned>(random.in(1, 3));
    out.lane_slots = random.of<std::size_t>({1, 2, 4, 64, 1024});
    out.yield_seed = static_cast<std::uint64_t>(random.in(0, 1'000'000));
    return out;
}
inline std::string text_of(millrace::run_settings const& s) {
    return "batch " + std::to_string(s.batch) + ", threads " + std::to_string(s.oversubscribed)
           + ", partitions " + std::to_string(s.partitions) + ", lane slots "
           + std::to_string(s.lane_slots) + ", yields " + std::to_string(s.yield_seed);
}

/// Windows, disorder and lateness that fit together well enough for every kind of record to occur.
inline rules random_rules(randomness& random) {
    rules r;
    r.window = random.of<std::int64_t>(
        {1, 2, 7, 10, 64, 100, 1000, std::int64_t{3600} * 1'000'000'000, highest / 2 + 3});
    if (r.window < 10'000) r.window += random.in(0, r.window);
    std::int64_t const scale = r.window < 10'000 ? r.window : 100;
    r.disorder = random.in(0, 2) == 0 ? 0 : random.in(0, 3 * scale);
    r.lateness = random.in(0, 2) == 0 ? 0 : random.in(0, 4 * scale);
    if (random.in(0, 40) == 0) r.lateness = highest;
    return r;
}

inline std::vector<event> random_events(randomness& random, rules const& r,
                                        std::int32_t first_id = 0) {
    std::vector<event> out;
    auto const size =
        static_cast<std::size_t>(random.in(0, 9) == 0 ? random.in(0, 400) : random.in(0, 60));
    std::int64_t const scale = r.window < 10'000 ? r.window : 100;
    auto const keys = static_cast<std::int32_t>(random.of<std::int64_t>({1, 2, 3, 10, 200}));
    auto const shape = random.in(0, 7);
    std::int64_t base = random.of<std::int64_t>({0, -5 * scale, 1'000'000, -1'000'000'000'000});
    std::int64_t const spread = random.in(1, 4 * scale + r.disorder);
    for (std::size_t i = 0; i < size; ++i) {
        std::int64_t t = 0;
        switch (shape) {
            case 0:  // in order, with equal timestamps
                base += random.in(0, 1) * random.in(0, scale);
                t = base;
                break;
            case 1:  // bounded disorder
            case 2:
                base += random.in(0, scale / 2 + 1);
                t = base - random.in(0, r.disorder);
                break;
            case 3:  // heavy disorder
                base += random.in(0, scale / 2 + 1);
                t = base - random.in(0, 3 * spread);
                break;
            case 4:  // bursts: many of one moment, then a leap
                if (random.in(0, 9) == 0) base += random.in(0, 6 * scale);
                t = base - (random.in(0, 5) == 0 ? random.in(0, spread) : 0);
                break;
            case 5:  // no order at all
                t = base + random.in(0, 10 * spread);
                break;
            case 6:  // the ends of time
                t = random.of<std::int64_t>({lowest, highest, lowest + random.in(0, 3 * scale),
                                             highest - random.in(0, 3 * scale), -1, 0, 1,
                                             random.in(lowest, highest)});
                break;
            default:  // up to one end of time, step by step
                base = base < highest - 20 * scale ? highest - 20 * scale : base;
                base = narrow(static_cast<wide>(base) + random.in(0, scale));
                if (base < 0) base = highest;
                t = base - random.in(0, spread);
        }
        out.push_back({t, static_cast<std::int32_t>(random.in(0, keys - 1)),
                       static_cast<std::int32_t>(random.in(-1000, 1000)),
                       first_id + static_cast<std::int32_t>(i)});
    }
    return out;
}

inline std::uint64_t from_environment(char const* name, std::uint64_t otherwise) {
    char const* const value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

/// Runs `check(seed)` for 2000 seeds, and stops at the first that fails.
template <class Check>
void for_seeds(Check check) {
    std::uint64_t const first = from_environment("MILLRACE_SEED", 1);
    std::uint64_t const cases = from_environment("MILLRACE_CASES", 2000);
    for (std::uint64_t seed = first; seed < first + cases; ++seed) {
        check(seed);
        if (testing::Test::HasFailure()) {
            auto const* const test = testing::UnitTest::GetInstance()->current_test_info();
            ADD_FAILURE() << "replay: MILLRACE_SEED=" << seed
                          << " MILLRACE_CASES=1 --gtest_filter=" << test->test_suite_name() << "."
                          << test->name();
            return;
        }
    }
}

template <class R>
std::int64_t key_of_row(R const& r) {
    if constexpr (requires { get<"key">(r); })
        return get<"key">(r);
    else
        return 0;
}
/// A sink of rows with the columns of `all_aggregates`.
struct collect {
    results* into = nullptr;
    template <class R>
    void operator()(R const& r) const {
        (*into)[key_of_row(r)].push_back({get<"window_start">(r).ns, get<"window_end">(r).ns,
                                          get<"n">(r), get<"sum">(r), get<"least">(r),
                                          get<"most">(r)});
    }
};
inline auto all_aggregates() {
    using namespace millrace;
    return aggregate(count<"n">(), sum<"sum">(field<&event::v>),
                     millrace::min<"least">(field<&event::v>),
                     millrace::max<"most">(field<&event::v>));
}
inline auto timed_by(rules const& r) {
    return millrace::event_time(time_of,
                                millrace::bounded_disorder{millrace::duration{r.disorder}});
}
inline millrace::tumbling panes_of(rules const& r) { return {millrace::duration{r.window}}; }
inline constexpr auto one_for_all = [](event const&) { return std::int64_t{0}; };
inline constexpr auto by_key = [](event const& e) { return std::int64_t{e.key}; };

/// Every stage adds up, none holds a record any more, and the text says so.
/// What came over several partitions has no order among keys.
inline std::vector<event> in_order(std::vector<event> events) {
    std::sort(events.begin(), events.end(), [](event const& a, event const& b) {
        return std::tie(a.id, a.t, a.key, a.v) < std::tie(b.id, b.t, b.key, b.v);
    });
    return events;
}

inline void expect_complete(millrace::report const& r, std::size_t records) {
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.records_in, records);
    for (auto const& sentence : millrace::lost_records(r)) ADD_FAILURE() << sentence;
    for (auto const& stage : r.stages) EXPECT_EQ(stage.counts.held, 0U) << to_text(r);
}

}  // namespace reference
