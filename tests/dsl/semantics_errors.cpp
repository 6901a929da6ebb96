// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Functions of the user that throw, in stages without state.

#include "dsl/throwing.hpp"

namespace {
using namespace millrace_test;

TEST_P(throwing, map) {
    auto f = [this](item const& i) { return maybe_throw(fails, i); };
    expect_dropped(run(from(in) | map(f) | on_error(drop) | to(out), {.batch = batch}));
    EXPECT_EQ(out.size(), in.size() - failures);
    expect_stopped(run(from(in) | map(f) | discard(), {.batch = batch}));
    expect_stopped(run(from(in) | map(f) | on_error(stop) | discard(), {.batch = batch}));
    std::vector<item> dead;
    auto const r = run(from(in) | map<"risky">(f) | on_error([&](auto const& letter) {
                           EXPECT_EQ(letter.reason, "no " + std::to_string(letter.input().id));
                           EXPECT_EQ(letter.stage, "risky");
                           dead.push_back(letter.input());
                       }) | discard(),
                       {.batch = batch});
    expect_sound(r);
    EXPECT_EQ(r.dead, failures);
    EXPECT_EQ(dead.size(), failures);
    EXPECT_EQ(r.records_out, in.size() - failures);
}
TEST_P(throwing, filter_and_inspect) {
    auto f = [this](item const& i) { return maybe_throw(fails, i).id >= 0; };
    expect_dropped(run(from(in) | filter(f) | on_error(drop) | to(out), {.batch = batch}));
    expect_stopped(run(from(in) | filter(f) | to(out), {.batch = batch}));
    expect_dropped(
        run(from(in) | inspect([&](item const& i) { (void)f(i); }) | on_error(drop) | to(out),
            {.batch = batch}));
    expect_stopped(
        run(from(in) | inspect([&](item const& i) { (void)f(i); }) | to(out), {.batch = batch}));
}
TEST_P(throwing, flat_map_half_way) {
    auto f = [this](item const& i, emitter<item>& emit) {
        emit(i);
        emit(maybe_throw(fails, i));
    };
    expect_dropped(run(from(in) | flat_map<2>(f) | on_error(drop) | to(out), {.batch = batch}));
    EXPECT_EQ(out.size(), 2 * (in.size() - failures));
    expect_stopped(run(from(in) | flat_map<2>(f) | to(out), {.batch = batch}));
}
TEST_P(throwing, sink) {
    auto f = [this](item const& i) { (void)maybe_throw(fails, i); };
    expect_dropped(run(from(in) | to(f) | on_error(drop), {.batch = batch}));
    expect_stopped(run(from(in) | to(f), {.batch = batch}));
    auto const r = run(from(in) | to(f) | on_error([](auto const&) {}), {.batch = batch});
    expect_sound(r);
    EXPECT_EQ(r.dead, failures);
}

INSTANTIATE_TEST_SUITE_P(records, throwing,
                         testing::Combine(testing::Values(at::first, at::last, at::every),
                                          testing::Values(std::size_t{1}, std::size_t{7},
                                                          std::size_t{1024})));

}  // namespace
