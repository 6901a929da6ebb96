// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Where partitions run: on named, pinned threads; several on one core; and all on one where a
// pipeline can't be divided.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/io/csv.hpp>
#include <millrace/io/file.hpp>
#include <millrace/scheduler/core_map.hpp>
#include <millrace/scheduler/divisible.hpp>
#include <millrace/scheduler/run.hpp>

#include "io/scratch.hpp"

namespace {
using namespace millrace;

std::vector<int> up_to(int n) {
    std::vector<int> out;
    for (int i = 0; i < n; ++i) out.push_back(i);
    return out;
}
constexpr auto itself = [](int x) { return x; };

struct pair {
    int key = 0;
    int value = 0;
};
MILLRACE_RECORD(pair, key, value);

/// The threads that ran a stage: name and processors.
struct witnesses {
    std::mutex mutex;
    std::map<std::string, std::vector<unsigned>> threads;
    void note() {
        char name[16] = {};
        ::pthread_getname_np(::pthread_self(), name, sizeof name);
        std::lock_guard const lock(mutex);
        if (threads.count(name) == 0) threads[name] = detail::allowed_cpus();
    }
};
std::string own_name() {
    char name[16] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return name;
}

TEST(placement, threads_are_named_and_pinned_and_the_callers_is_put_back) {
    auto const allowed = detail::allowed_cpus();
    auto const before = own_name();
    auto const numbers = up_to(10'000);
    witnesses seen;
    std::vector<unsigned> const cores(allowed.begin(),
                                      allowed.begin() + (allowed.size() < 2 ? 1 : 2));
    auto const r =
        run(from(numbers) | key_by(itself) | inspect([&](int) { seen.note(); }) | discard(),
            {.cores = cores});
    EXPECT_TRUE(r.ok()) << r.message;
    ASSERT_EQ(seen.threads.size(), cores.size());
    for (std::size_t c = 0; c < cores.size(); ++c)
        EXPECT_EQ(seen.threads["millrace-" + std::to_string(c)], (std::vector<unsigned>{cores[c]}));
    EXPECT_EQ(detail::allowed_cpus(), allowed);
    EXPECT_EQ(own_name(), before);
}
/// The processors of the threads of this process that have a name, as the kernel writes them.
std::vector<std::string> processors_of(std::string const& name) {
    std::vector<std::string> out;
    for (auto const& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string own;
        std::getline(std::ifstream(task.path() / "comm"), own);
        if (own != name) continue;
        std::ifstream status(task.path() / "status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("Cpus_allowed_list:"))
                out.push_back(line.substr(line.find_first_of("0123456789")));
    }
    return out;
}
TEST(placement, threads_that_help_a_pinned_one_with_files_are_not_pinned) {
    millrace_test::scratch const directory;
    directory.put("numbers", "key,value\n1,2\n");
    std::vector<std::string> helpers;
    auto const allowed = detail::allowed_cpus();
    auto const r = run(file(directory / "numbers") | csv<pair>() | inspect([&](pair const&) {
                           helpers = processors_of("millrace-files");
                       }) | discard(),
                       {.cores = {allowed.back()}, .io = io_tier::epoll});
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(helpers, (std::vector<std::string>(2, cpu_list_text(allowed))));
    EXPECT_EQ(detail::allowed_cpus(), allowed);
}
TEST(placement, oversubscribed_threads_are_not_pinned) {
    auto const allowed = detail::allowed_cpus();
    auto const numbers = up_to(10'000);
    witnesses seen;
    auto const r =
        run(from(numbers) | key_by(itself) | inspect([&](int) { seen.note(); }) | discard(),
            {.oversubscribed = 3});
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(seen.threads.size(), 3U);
    for (auto const& [name, cpus] : seen.threads) EXPECT_EQ(cpus, allowed) << name;
}
TEST(placement, without_cores_nothing_is_renamed_or_pinned) {
    auto const numbers = up_to(100);
    witnesses seen;
    (void)run(from(numbers) | key_by(itself) | inspect([&](int) { seen.note(); }) | discard());
    ASSERT_EQ(seen.threads.size(), 1U);
    EXPECT_EQ(seen.threads.begin()->first, own_name());
    EXPECT_EQ(seen.threads.begin()->second, detail::allowed_cpus());
}

// --- more partitions than cores ---

struct event {
    std::int64_t t = 0;
    int key = 0;
    int value = 0;
};
MILLRACE_RECORD(event, t, key, value);

TEST(placement, partitions_that_share_cores_give_the_same_results) {
    std::vector<event> events;
    for (int i = 0; i < 20'000; ++i) events.push_back({i / 10, i * 7919 % 97, i});
    using rows = std::multiset<std::vector<std::int64_t>>;
    auto const results = [&](run_settings const& settings) {
        rows out;
        auto const r = run(from(events) | event_time([](event const& e) { return time_point{e.t}; })
                               | key_by(field<&event::key>) | window(tumbling(nanoseconds(100)))
                               | aggregate(count<"n">(), sum<"total">(field<&event::value>))
                               | to([&](auto const& row) {
                                     out.insert({get<"key">(row), get<"window_start">(row).ns,
                                                 static_cast<std::int64_t>(get<"n">(row)),
                                                 static_cast<std::int64_t>(get<"total">(row))});
                                 }),
                           settings);
        EXPECT_TRUE(r.ok()) << r.message;
        EXPECT_TRUE(adds_up(r)) << to_text(r);
        EXPECT_EQ(r.records_in, events.size());
        return out;
    };
    rows const expected = results({});
    EXPECT_EQ(expected.size(), 20U * 97U);
    unsigned const first = detail::allowed_cpus().at(0);
    EXPECT_EQ(results({.cores = {first}, .partitions = 3}), expected);
    EXPECT_EQ(results({.partitions = 5}), expected);
    EXPECT_EQ(results({.partitions = 7, .oversubscribed = 3}), expected);
    EXPECT_EQ(results({.partitions = 128, .oversubscribed = 2, .lane_slots = 16}), expected);
    EXPECT_EQ(results({.cores = {first}, .partitions = 2, .wait = wait_policy::spin}), expected);
    EXPECT_EQ(results({.cores = {first}, .partitions = 2, .wait = wait_policy::wait}), expected);
}

// --- pipelines that stay on one ---

/// The partitions on which a pipeline's stage behind key_by ran, by thread.
template <class P>
void expect_one_thread(P pipeline, witnesses& seen, std::uint64_t count) {
    auto const r = run(std::move(pipeline), {.oversubscribed = 3});
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_TRUE(adds_up(r));
    EXPECT_EQ(r.records_in, count);
    EXPECT_EQ(seen.threads.size(), 1U);
}
TEST(placement, nothing_is_divided_where_nothing_would_be_gained) {
    auto const numbers = up_to(1000);
    witnesses seen;
    auto p = from(numbers) | filter([](int x) { return x % 2 == 0; })
             | inspect([&](int) { seen.note(); }) | discard();
    static_assert(undivided<decltype(p)> == undivided_by::no_need);
    expect_one_thread(std::move(p), seen, 1000);
    auto gathers = from(numbers) | key_by(itself) | to([](int) {});
    static_assert(undivided<decltype(gathers)> == undivided_by::no_need);
}
TEST(placement, a_function_that_cannot_be_copied_keeps_all_on_one) {
    auto const numbers = up_to(1000);
    witnesses seen;
    auto p = from(numbers) | key_by(itself) | map([&seen, owned = std::make_unique<int>(3)](int x) {
                 seen.note();
                 return x + *owned;
             })
             | discard();
    static_assert(undivided<decltype(p)> == undivided_by::a_function);
    expect_one_thread(std::move(p), seen, 1000);
    // In front of the exchange it runs on one partition anyway.
    auto in_front = from(numbers)
                    | map([owned = std::make_unique<int>(3)](int x) { return x + *owned; })
                    | key_by(itself) | map(itself) | discard();
    static_assert(undivided<decltype(in_front)> == undivided_by::nothing);
}
TEST(placement, a_record_that_views_its_input_keeps_all_on_one) {
    std::vector<std::string> const texts(1000, "text");
    witnesses seen;
    auto p = from(texts) | key_by([](std::string const& s) { return s.size(); })
             | map([](std::string const& s) { return std::string_view(s); })
             | inspect([&](std::string_view) { seen.note(); }) | discard();
    static_assert(undivided<decltype(p)> == undivided_by::a_view);
    expect_one_thread(std::move(p), seen, 1000);
}
TEST(placement, what_can_be_divided_is) {
    auto const numbers = up_to(10'000);
    witnesses seen;
    auto p = from(numbers) | key_by(itself) | inspect([&](int) { seen.note(); }) | discard();
    static_assert(undivided<decltype(p)> == undivided_by::nothing);
    auto const r = run(std::move(p), {.oversubscribed = 3});
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(seen.threads.size(), 3U);
    // Known to be one when it is compiled.
    witnesses one;
    (void)run(from(numbers) | key_by(itself) | inspect([&](int) { one.note(); }) | discard(),
              cores<1>, {.partitions = 3});
    EXPECT_EQ(one.threads.size(), 1U);
}

TEST(placement, of_more_partitions_than_lanes_have_memory_for_is_refused_with_what_is_allowed) {
    std::vector<std::string> const texts(10, "text");
    auto const r = run(from(texts) | key_by([](std::string const& s) { return s; })
                           | aggregate(count<"n">()) | discard(),
                       {.oversubscribed = 64, .lane_slots = run_settings::lane_slots_max});
    EXPECT_EQ(r.code, exit_code::configuration);
    EXPECT_EQ(r.records_in, 0U);
    auto const at = r.message.find("Take at most ");
    ASSERT_NE(at, std::string::npos) << r.message;
    auto const most = static_cast<unsigned>(std::stoul(r.message.substr(at + 13)));
    EXPECT_GE(most, 1U);
    EXPECT_LT(most, 64U);
}
TEST(placement, partitions_that_would_get_nothing_are_not_opened) {
    auto const numbers = up_to(1000);
    witnesses seen;
    auto p = from(numbers) | key_by(itself) | inspect([&](int) { seen.note(); }) | discard();
    static_assert(!detail::feeds_all_partitions<decltype(p)>);
    // Lanes between 128 would be refused.
    auto const r =
        run(std::move(p), {.partitions = 128, .lane_slots = run_settings::lane_slots_max});
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.records_in, 1000U);
    EXPECT_EQ(seen.threads.size(), 1U);
    auto copies = from(numbers) | broadcast() | map(itself) | discard();
    static_assert(detail::feeds_all_partitions<decltype(copies)>);
}
}  // namespace
