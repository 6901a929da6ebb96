// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Functions of the user that throw, in stages with state and in forks.

#include "dsl/throwing.hpp"

namespace {
using namespace millrace_test;

TEST_P(throwing, event_time_and_key) {
    auto time = [this](item const& i) { return time_point{maybe_throw(fails, i).id}; };
    auto key = [this](item const& i) { return maybe_throw(fails, i).key; };
    auto safe = [](item const& i) { return time_point{i.id}; };
    expect_dropped(run(from(in) | event_time(time) | on_error(drop) | key_by(field<&item::key>)
                           | window(tumbling{duration{10}}) | count<"n">() | discard(),
                       {.batch = batch}));
    expect_stopped(run(from(in) | event_time(time) | key_by(field<&item::key>)
                           | window(tumbling{duration{10}}) | count<"n">() | discard(),
                       {.batch = batch}));
    expect_dropped(run(from(in) | event_time(safe) | key_by(key) | window(tumbling{duration{10}})
                           | count<"n">() | on_error(drop) | discard(),
                       {.batch = batch}));
    expect_stopped(run(from(in) | event_time(safe) | key_by(key) | window(tumbling{duration{10}})
                           | count<"n">() | discard(),
                       {.batch = batch}));
}
TEST_P(throwing, reduce_leaves_the_state_as_it_was) {
    auto f = [this](item const& a, item const& b) {
        (void)maybe_throw(fails, b);
        return item{a.id + b.id, a.key};
    };
    // The first record of a key is not reduced, so the first record can't fail here: it comes
    // twice.
    in.insert(in.begin(), in.front());
    if (fails.when == at::every) failures = in.size() - 5;  // all but the first of each key
    auto sum_of_rest = [&](auto const& rows) {
        int most = 0;
        for (item const& i : rows) most = std::max(most, i.id);
        return most;
    };
    expect_dropped(run(from(in) | key_by(field<&item::key>) | reduce(f) | on_error(drop) | to(out),
                       {.batch = batch}));
    int const rolled = sum_of_rest(out);
    out.clear();
    expect_dropped(run(from(in) | event_time([](item const&) { return time_point{0}; })
                           | key_by(field<&item::key>) | window(tumbling{duration{10}}) | reduce(f)
                           | on_error(drop) | to(out),
                       {.batch = batch}));
    EXPECT_EQ(sum_of_rest(out), rolled);
}
TEST_P(throwing, predicate_of_a_split_and_its_dead_letters) {
    auto f = [this](item const& i) { return maybe_throw(fails, i).key == 0; };
    std::vector<item> zero;
    auto const r = run(from(in) | split(when<"zero">(f, to(zero)))
                           | on_error(to<"dead">([](auto const&) {})) | to(out),
                       {.batch = batch});
    expect_sound(r);
    EXPECT_EQ(r.dead, failures);
    EXPECT_EQ(zero.size() + out.size(), in.size() - failures);
    expect_dropped(run(from(in) | split(when<"zero">(f, to(zero))) | on_error(drop) | to(out),
                       {.batch = batch}));
    expect_stopped(run(from(in) | split(when<"zero">(f, to(zero))) | to(out), {.batch = batch}));
}
TEST_P(throwing, one_part_of_a_fork) {
    auto f = [this](item const& i) { return maybe_throw(fails, i); };
    std::vector<item> a;
    expect_dropped(run(from(in) | tee(map(f) | on_error(drop) | to(a), to(out)) | discard(),
                       {.batch = batch}));
    EXPECT_EQ(out.size(), in.size());
    // A part that stops the run: the parts behind it have not seen the record, and the accounts say
    // so.
    expect_stopped(
        run(from(in) | tee(to(a), map(f) | to(a), to(out)) | discard(), {.batch = batch}));
    expect_stopped(run(from(in) | tee(to(a), map(f) | to(a)), {.batch = batch}));
    expect_stopped(run(from(in) | tee(to(a), to(out)) | map(f) | discard(), {.batch = batch}));
    expect_stopped(
        run(from(in) | merge(filter([](item const&) { return true; }), map(f)) | discard(),
            {.batch = batch}));
}
TEST_P(throwing, source_policy_holds_for_all_its_stages) {
    auto f = [this](item const& i) { return maybe_throw(fails, i); };
    std::vector<std::string> stages;
    auto const r =
        run(from(in) | on_error([&](auto const& letter) { stages.emplace_back(letter.stage); })
                | map<"first">([](item const& i) { return i; }) | map<"second">(f) | to(out),
            {.batch = batch});
    expect_sound(r);
    EXPECT_EQ(r.dead, failures);
    EXPECT_EQ(stages, std::vector<std::string>(failures, "second"));
}

INSTANTIATE_TEST_SUITE_P(records, throwing,
                         testing::Combine(testing::Values(at::first, at::last, at::every),
                                          testing::Values(std::size_t{1}, std::size_t{7},
                                                          std::size_t{1024})));

}  // namespace
