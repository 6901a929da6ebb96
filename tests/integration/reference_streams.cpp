// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Random pipelines of several inputs, forks and chained windows against the naive reference. With
// several inputs the order of arrival is not fixed, so rows are compared after folding; what is
// late is late at its own input, no other.

#include "integration/reference.hpp"

namespace {
using namespace millrace;
using namespace reference;

struct many_inputs {
    explicit many_inputs(std::uint64_t seed, std::size_t size)
        : random(seed), how(random_rules(random)) {
        for (std::size_t k = 0; k < size; ++k) {
            rules r = how;
            if (random.in(0, 1) == 0) r.disorder = random.in(0, 200);
            of_input.push_back(r);
            events.push_back(random_events(random, r, static_cast<std::int32_t>(k) * 10'000));
            records += events.back().size();
        }
        settings = random_settings(random);
        driver_batch = random_batch(random);
    }
    randomness random;
    rules how;
    std::vector<rules> of_input;
    std::vector<std::vector<event>> events;
    std::size_t records = 0;
    run_settings settings;
    std::size_t driver_batch = 1;
    [[nodiscard]] std::string text() const {
        std::string out = "window " + std::to_string(how.window) + ", lateness "
                          + std::to_string(how.lateness) + ", " + text_of(settings) + ", driver's "
                          + std::to_string(driver_batch);
        for (std::size_t k = 0; k < events.size(); ++k)
            out += "\ndisorder " + std::to_string(of_input[k].disorder) + ", events "
                   + testing::PrintToString(events[k]);
        return out;
    }
};

/// Windows over records that are all on time: one row per pane and key.
template <class KeyOf>
results final_rows(std::vector<event> const& events, std::int64_t window, KeyOf key_of) {
    std::map<std::int64_t, std::map<wide, result>> panes;
    for (event const& e : events) {
        wide const start = start_of(e.t, window);
        result& r = panes[key_of(e)][start];
        r.start = narrow(start);
        r.end = narrow(start + window);
        fold(r, e);
    }
    results out;
    for (auto const& [key, of_key] : panes)
        for (auto const& [start, r] : of_key) out[key].push_back(r);
    return out;
}
struct split_by_lateness {
    std::vector<event> on_time;
    std::vector<event> late;
};
split_by_lateness judged(many_inputs const& c) {
    split_by_lateness out;
    for (std::size_t k = 0; k < c.events.size(); ++k) {
        rules r = c.of_input[k];
        r.lateness = c.how.lateness;
        outcome const o = windows(c.events[k], r, by_key);
        out.late.insert(out.late.end(), o.late.begin(), o.late.end());
        for (event const& e : c.events[k])
            if (std::find(o.late.begin(), o.late.end(), e) == o.late.end())
                out.on_time.push_back(e);
    }
    out.late = in_order(out.late);
    return out;
}

/// Pushes the records of all inputs in a random order, and ends each input where it is empty.
template <class D>
void push_in_turns(D& d, many_inputs& c) {
    std::vector<std::size_t> at(c.events.size(), 0);
    std::vector<std::size_t> open;
    for (std::size_t k = 0; k < at.size(); ++k) open.push_back(k);
    while (!open.empty()) {
        auto const which =
            static_cast<std::size_t>(c.random.in(0, static_cast<std::int64_t>(open.size()) - 1));
        std::size_t const k = open[which];
        bool const ends = at[k] == c.events[k].size();
        [&]<std::size_t... K>(std::index_sequence<K...>) {
            ((k == K
                  ? (ends ? d.template in<K>().end() : d.template in<K>().push(c.events[K][at[K]]))
                  : void()),
             ...);
        }(std::make_index_sequence<D::inputs>{});
        if (ends)
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
        else
            ++at[k];
    }
}

template <class Make>
void check_inputs(many_inputs& c, Make make) {
    SCOPED_TRACE(c.text());
    auto const expected = judged(c);
    auto const expected_rows = final_rows(expected.on_time, c.how.window, by_key);
    results rows;
    std::vector<event> late;
    auto const r = run(make(c.events, collect{&rows}, late), c.settings);
    expect_complete(r, c.records);
    EXPECT_EQ(folded(rows), expected_rows);
    EXPECT_EQ(in_order(late), expected.late);

    driver d{make(std::vector<std::vector<event>>(c.events.size()), collect{}, late),
             {.batch = c.driver_batch}};
    push_in_turns(d, c);
    d.end();
    results driven;
    collect const keep{&driven};
    for (auto const& row : d.template out<"rows">()) keep(row);
    EXPECT_EQ(folded(driven), expected_rows);
    EXPECT_EQ(in_order(d.template out<"late">()), expected.late);
    expect_complete(d.report(), c.records);
}

TEST(several_inputs, merged_with_a_time_each) {
    for_seeds([](std::uint64_t seed) {
        many_inputs c(seed, 2);
        check_inputs(c, [&](auto events, collect rows, auto& late) {
            return merge(from(std::move(events[0])) | timed_by(c.of_input[0]),
                         from(std::move(events[1])) | timed_by(c.of_input[1]))
                   | key_by(field<&event::key>) | window(panes_of(c.how)) | all_aggregates()
                   | allowed_lateness(duration{c.how.lateness}) | late_to(to<"late">(late))
                   | to<"rows">(rows);
        });
    });
}

TEST(several_inputs, merged_before_their_time) {
    for_seeds([](std::uint64_t seed) {
        many_inputs c(seed, 3);
        for (rules& r : c.of_input) r.disorder = c.how.disorder;
        check_inputs(c, [&](auto events, collect rows, auto& late) {
            return merge(from(std::move(events[0])), from(std::move(events[1])),
                         from(std::move(events[2])))
                   | timed_by(c.how) | key_by(field<&event::key>) | window(panes_of(c.how))
                   | all_aggregates() | allowed_lateness(duration{c.how.lateness})
                   | late_to(to<"late">(late)) | to<"rows">(rows);
        });
    });
}

struct one_stream {
    explicit one_stream(std::uint64_t seed)
        : inputs(seed, 1), how(inputs.of_input[0]), events(inputs.events[0]) {
        how.lateness = inputs.how.lateness;
    }
    many_inputs inputs;
    rules how;
    std::vector<event>& events;
};

TEST(one_stream, forked_and_joined_keeps_order_and_time) {
    for_seeds([](std::uint64_t seed) {
        one_stream c(seed);
        SCOPED_TRACE(c.inputs.text());
        auto even = [](event const& e) { return e.v % 2 == 0; };
        auto odd = [](event const& e) { return e.v % 2 != 0; };
        auto negate = [](event e) {
            e.v = -e.v;
            return e;
        };
        std::vector<event> changed = c.events;
        for (event& e : changed)
            if (odd(e)) e = negate(e);
        auto const expected = windows(changed, c.how, by_key);
        results rows;
        std::vector<event> late;
        std::vector<event> copies;
        auto const r = run(from(c.events) | timed_by(c.how) | tee(to<"copies">(copies))
                               | merge(filter(even), filter(odd) | map(negate))
                               | key_by(field<&event::key>) | window(panes_of(c.how))
                               | all_aggregates() | allowed_lateness(duration{c.how.lateness})
                               | late_to(to<"late">(late)) | to<"rows">(collect{&rows}),
                           c.inputs.settings);
        expect_complete(r, c.events.size());
        EXPECT_EQ(copies, c.events);
        EXPECT_EQ(rows, expected.rows);
        EXPECT_EQ(in_order(late), in_order(expected.late));
    });
}

TEST(one_stream, windows_of_windows) {
    for_seeds([](std::uint64_t seed) {
        one_stream c(seed);
        SCOPED_TRACE(c.inputs.text());
        std::int64_t const outer = c.inputs.random.of<std::int64_t>({1, 5, c.how.window, 100'000});
        auto const inner = windows(c.events, c.how, by_key);
        std::vector<event> between;
        for (auto const& [key, of_key] : inner.rows)
            for (result const& r : of_key)
                between.push_back({r.end - 1, static_cast<std::int32_t>(key % 3),
                                   static_cast<std::int32_t>(r.count), 0});
        auto const expected = final_rows(between, outer, by_key);
        auto make = [&](auto events, collect rows) {
            return from(std::move(events)) | timed_by(c.how) | key_by(field<&event::key>)
                   | window(panes_of(c.how)) | all_aggregates()
                   | allowed_lateness(duration{c.how.lateness})
                   | key_by([](auto const& row) { return get<"key">(row) % 3; })
                   | window(tumbling{duration{outer}})
                   | aggregate(count<"n">(), sum<"sum">(field<"n">),
                               millrace::min<"least">(field<"n">),
                               millrace::max<"most">(field<"n">))
                   | to<"rows">(rows);
        };
        results rows;
        auto const r = run(make(c.events, collect{&rows}), c.inputs.settings);
        expect_complete(r, c.events.size());
        EXPECT_EQ(rows, expected);
        EXPECT_EQ(r.late, inner.late.size());

        driver d{make(std::vector<event>{}, collect{}), {.batch = c.inputs.driver_batch}};
        d.in().push_all(c.events);
        d.end();
        results driven;
        collect const keep{&driven};
        for (auto const& row : d.out()) keep(row);
        EXPECT_EQ(driven, expected);
        expect_complete(d.report(), c.events.size());
    });
}

// The rows of one part come behind records that arrived with them: a pane that an allowed late
// record has drawn out is due again when such a row falls into it.
TEST(one_stream, records_joined_with_the_rows_of_their_windows) {
    for_seeds([](std::uint64_t seed) {
        one_stream c(seed);
        SCOPED_TRACE(c.inputs.text());
        rules inner = c.how;
        inner.window = std::max<std::int64_t>(
            1, c.how.window / static_cast<std::int64_t>(c.inputs.random.in(1, 4)));
        inner.lateness = 0;
        auto even = [](event const& e) { return e.id % 2 == 0; };
        auto odd = [](event const& e) { return e.id % 2 != 0; };
        auto const reduced = windows(c.events, inner, by_key, even);
        auto const direct = windows(c.events, c.how, by_key, odd);
        std::vector<event> joined;
        for (auto const& [key, of_key] : reduced.rows)
            for (result const& r : of_key)
                joined.push_back({r.end - 1, static_cast<std::int32_t>(key),
                                  static_cast<std::int32_t>(r.sum), 0});
        for (event const& e : c.events)
            if (odd(e) && std::find(direct.late.begin(), direct.late.end(), e) == direct.late.end())
                joined.push_back(e);
        auto const expected = final_rows(joined, c.how.window, by_key);
        results rows;
        auto const r =
            run(from(c.events) | timed_by(c.how)
                    | merge(filter(even) | key_by(field<&event::key>) | window(panes_of(inner))
                                | reduce([](event a, event const& b) {
                                      a.v += b.v;
                                      return a;
                                  }),
                            filter(odd))
                    | key_by(field<&event::key>) | window(panes_of(c.how)) | all_aggregates()
                    | allowed_lateness(duration{c.how.lateness}) | to<"rows">(collect{&rows}),
                c.inputs.settings);
        expect_complete(r, c.events.size());
        EXPECT_EQ(folded(rows), expected);
        EXPECT_EQ(r.late, reduced.late.size() + direct.late.size());
    });
}

}  // namespace
