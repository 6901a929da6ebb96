// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Random pipelines of one input against the naive reference: the same rows per key in the same
// order, and the same late records, for any batch and number of threads, through `run` and through
// the test driver.

#include "integration/reference.hpp"

namespace {
using namespace millrace;
using namespace reference;

struct one_case {
    explicit one_case(std::uint64_t seed)
        : random(seed), how(random_rules(random)), events(random_events(random, how)) {
        settings = random_settings(random);
        driver_batch = random_batch(random);
    }
    randomness random;
    rules how;
    std::vector<event> events;
    run_settings settings;
    std::size_t driver_batch = 1;
    [[nodiscard]] std::string text() const {
        return "window " + std::to_string(how.window) + ", disorder " + std::to_string(how.disorder)
               + ", lateness " + std::to_string(how.lateness) + ", " + text_of(settings)
               + ", driver's " + std::to_string(driver_batch) + ", events "
               + testing::PrintToString(events);
    }
};

/// `make(events, rows, late)` gives the pipeline; sinks are `to<"rows">` and, in order, the late
/// ones before it.
template <bool KeepsLate, class Make>
void check(one_case const& c, outcome const& expected, Make make) {
    SCOPED_TRACE(c.text());
    results rows;
    std::vector<event> late;
    auto const r = run(make(c.events, collect{&rows}, late), c.settings);
    expect_complete(r, c.events.size());
    EXPECT_EQ(rows, expected.rows);
    EXPECT_EQ(r.late, expected.late.size());
    if constexpr (KeepsLate) {
        EXPECT_EQ(in_order(late), in_order(expected.late));
    }

    results driven;
    driver d{make(std::vector<event>{}, collect{}, late), {.batch = c.driver_batch}};
    d.in().push_all(c.events);
    EXPECT_TRUE(adds_up(d.report())) << to_text(d.report());
    d.end();
    collect const keep{&driven};
    for (auto const& row : d.template out<"rows">()) keep(row);
    EXPECT_EQ(driven, expected.rows);
    EXPECT_EQ(d.report().late, expected.late.size());
    if constexpr (KeepsLate) {
        EXPECT_EQ(d.template out<"late">(), expected.late);
    }
    expect_complete(d.report(), c.events.size());
}

TEST(one_input, keyed_window_without_lateness) {
    for_seeds([](std::uint64_t seed) {
        one_case c(seed);
        c.how.lateness = 0;
        check<false>(c, windows(c.events, c.how, by_key), [&](auto events, collect rows, auto&) {
            return from(std::move(events)) | timed_by(c.how) | key_by(field<&event::key>)
                   | window(panes_of(c.how)) | all_aggregates() | to<"rows">(rows);
        });
    });
}

TEST(one_input, keyed_window_with_lateness_and_late_records) {
    for_seeds([](std::uint64_t seed) {
        one_case const c(seed);
        check<true>(c, windows(c.events, c.how, by_key),
                    [&](auto events, collect rows, auto& late) {
                        return from(std::move(events)) | timed_by(c.how)
                               | key_by(field<&event::key>) | window(panes_of(c.how))
                               | all_aggregates() | allowed_lateness(duration{c.how.lateness})
                               | late_to(to<"late">(late)) | to<"rows">(rows);
                    });
    });
}

TEST(one_input, window_over_all_records) {
    for_seeds([](std::uint64_t seed) {
        one_case const c(seed);
        check<true>(
            c, windows(c.events, c.how, one_for_all), [&](auto events, collect rows, auto& late) {
                return from(std::move(events)) | timed_by(c.how) | window_all(panes_of(c.how))
                       | all_aggregates() | allowed_lateness(duration{c.how.lateness})
                       | late_to(to<"late">(late)) | to<"rows">(rows);
            });
    });
}

TEST(one_input, filter_map_and_flat_map_before_event_time) {
    for_seeds([](std::uint64_t seed) {
        one_case c(seed);
        auto const third = static_cast<std::int32_t>(c.random.in(0, 2));
        auto const most = static_cast<std::int32_t>(c.random.in(0, 3));
        auto keep = [third](event const& e) { return e.key % 3 != third; };
        auto change = [](event e) {
            e.v = -e.v;
            e.key /= 2;
            return e;
        };
        auto many = [most](event const& e, emitter<event>& emit) {
            for (std::int32_t i = 0; i < most; ++i)
                emit(event{e.t - i * (e.t > 0 ? 3 : -3), e.key + i % 2, e.v, e.id});
        };
        std::vector<event> before;
        for (event const& e : c.events) {
            if (!keep(e)) continue;
            event const n = change(e);
            for (std::int32_t i = 0; i < most; ++i)
                before.push_back({n.t - i * (n.t > 0 ? 3 : -3), n.key + i % 2, n.v, n.id});
        }
        check<true>(c, windows(before, c.how, by_key), [&](auto events, collect rows, auto& late) {
            return from(std::move(events)) | filter<"kept">(keep) | map(change) | flat_map<3>(many)
                   | timed_by(c.how) | key_by(field<&event::key>) | window(panes_of(c.how))
                   | all_aggregates() | allowed_lateness(duration{c.how.lateness})
                   | late_to(to<"late">(late)) | to<"rows">(rows);
        });
    });
}

TEST(one_input, function_that_may_throw_as_an_aggregate) {
    for_seeds([](std::uint64_t seed) {
        one_case const c(seed);
        check<true>(
            c, windows(c.events, c.how, by_key), [&](auto events, collect rows, auto& late) {
                return from(std::move(events)) | timed_by(c.how) | key_by(field<&event::key>)
                       | window(panes_of(c.how))
                       | aggregate(fold<"n">(std::int64_t{0},
                                             [](std::int64_t n, event const&) { return n + 1; }),
                                   sum<"sum">(field<&event::v>),
                                   millrace::min<"least">(field<&event::v>),
                                   millrace::max<"most">(field<&event::v>))
                       | allowed_lateness(duration{c.how.lateness}) | late_to(to<"late">(late))
                       | to<"rows">(rows);
            });
    });
}

}  // namespace
