// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// A core that serves something live takes memory in small pages, so that no turn is long while
// state grows (SEMANTICS 14); bench/state/live_growth.cpp measures the turns.

#include <cstdint>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/model/live.hpp>
#include <millrace/scheduler/run.hpp>
#include <millrace/state/memory.hpp>

namespace {
using namespace millrace;

struct numbers : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "numbers";
    static constexpr auto name = fixed_string{""};
    using record = int;

    struct reader {
        int next = 0;
        template <class Push>
        source_state poll(std::size_t n, Push&& push) {
            for (; n > 0 && next < 100; --n) push(int{next++});
            return next < 100 ? source_state::more : source_state::ended;
        }
    };
    template <class Env>
    auto open_source(Env&) const {
        return reader{};
    }
};
struct live_numbers : numbers {
    static constexpr bool live = true;
};

template <class Source>
std::set<page_faults> faults_in(Source source, run_settings const& settings) {
    std::mutex mutex;
    std::set<page_faults> seen;
    auto const r = run(detail::lift(source) | key_by([](int n) { return n; }) | inspect([&](int) {
                           std::lock_guard const lock(mutex);
                           seen.insert(detail::faults_of_thread);
                       }) | aggregate(count<"n">())
                           | discard(),
                       settings);
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.records_in, 100U);
    return seen;
}

TEST(live_turns, small_pages_are_taken_on_all_cores_of_a_live_pipeline_only) {
    for (unsigned const threads : {0U, 2U}) {
        EXPECT_THAT(faults_in(live_numbers{}, {.oversubscribed = threads}),
                    testing::ElementsAre(page_faults::small));
        EXPECT_THAT(faults_in(numbers{}, {.oversubscribed = threads}),
                    testing::ElementsAre(page_faults::large));
        EXPECT_EQ(detail::faults_of_thread, page_faults::large) << "the caller's thread keeps it";
    }
}

/// State beyond 32 MiB is updated through logs in a run from memory, and directly in a live one;
/// the results are the same.
TEST(live_turns, give_the_results_of_a_run_from_memory) {
    auto const sum_of = [](auto source) {
        std::uint64_t rows = 0;
        std::uint64_t sum = 0;
        auto const r =
            run(std::move(source) | flat_map<20'000>([](int n, emitter<std::int64_t>& emit) {
                    for (int i = 0; i < 20'000; ++i)
                        emit(static_cast<std::int64_t>(n) * 15'000 + i);
                })
                | event_time([](std::int64_t) { return time_point{1}; })
                | key_by<"key">([](std::int64_t k) { return k; }) | window(tumbling{duration{10}})
                | aggregate(count<"n">()) | to([&](auto const& row) {
                      ++rows;
                      sum += static_cast<std::uint64_t>(get<"key">(row))
                             * static_cast<std::uint64_t>(get<"n">(row));
                  }));
        EXPECT_TRUE(adds_up(r));
        return std::pair{rows, sum};
    };
    EXPECT_EQ(sum_of(detail::lift(live_numbers{})), sum_of(detail::lift(numbers{})));
}
}  // namespace
