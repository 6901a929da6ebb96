// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Which processors a run takes, and what it refuses.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/command_line.hpp>
#include <millrace/scheduler/core_map.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;
using cpus = std::vector<unsigned>;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<int> const numbers{1, 2, 3};
constexpr auto itself = [](int x) { return x; };
report run_on(run_settings const& settings) {
    return run(from(numbers) | key_by(itself) | discard(), settings);
}

// --- refused ---

TEST(cores, one_that_is_not_allowed_is_refused_with_those_that_are) {
    unsigned const none = 100'000;
    auto const r = run_on({.cores = {none}});
    EXPECT_EQ(r.code, exit_code::configuration);
    EXPECT_EQ(r.message,
              "millrace: cores: processor 100000 may not be used by this process. Take "
              "from "
                  + cpu_list_text(detail::allowed_cpus()) + ".");
    EXPECT_EQ(r.records_in, 0U);
}
TEST(cores, a_duplicate_is_refused) {
    unsigned const first = detail::allowed_cpus().at(0);
    auto const r = run_on({.cores = {first, first}});
    EXPECT_EQ(r.code, exit_code::configuration);
    EXPECT_EQ(r.message, "millrace: cores: processor " + std::to_string(first)
                             + " is named twice. Name each once; .partitions may be more.");
}
TEST(cores, more_partitions_than_key_groups_are_refused) {
    auto const many = run_on({.partitions = 129});
    EXPECT_EQ(many.code, exit_code::configuration);
    EXPECT_THAT(many.message, StartsWith("millrace: partitions: "));
    EXPECT_TRUE(run_on({.partitions = 128}).ok());
    auto const threads = run_on({.oversubscribed = 65});
    EXPECT_EQ(threads.code, exit_code::configuration);
    EXPECT_EQ(static_cast<int>(threads.code), 78);
}
TEST(cores, are_refused_also_for_a_pipeline_that_stays_on_one) {
    auto const r = run(from(numbers) | discard(), {.cores = {100'000}});
    EXPECT_EQ(r.code, exit_code::configuration);
    auto const one = run(from(numbers) | discard(), cores<1>, {.cores = {100'000}});
    EXPECT_EQ(one.code, exit_code::configuration);
}

// --- the command line ---

struct line {
    cpus cores;
    exit_code code;
    std::string text;
};
line read(std::string const& list) {
    std::string const option = "--cores=" + list;
    char const* const argv[]{"program", option.c_str()};
    auto const p = parse_command_line(2, argv);
    return {p.settings.cores, p.code, p.text};
}
TEST(cores, are_read_from_the_command_line) {
    EXPECT_EQ(read("0").cores, (cpus{0}));
    EXPECT_EQ(read("0-1").cores, (cpus{0, 1}));
    EXPECT_EQ(read("0-3,6").cores, (cpus{0, 1, 2, 3, 6}));
    EXPECT_EQ(read("6,2-2").cores, (cpus{6, 2}));
    EXPECT_EQ(read("1,1").cores, (cpus{1, 1}));  // refused when it runs
}
TEST(cores, that_are_no_list_are_a_usage_error) {
    for (char const* const wrong : {"", ",", "0,", ",0", "a", "0-", "-1", "3-1", "0--1", "0-1-2",
                                    "0 1", "0;1", "0-4294967295", "4294967295",
                                    "4294967290-4294967295", "65536", "4294967296", "1.5", "0x1"}) {
        auto const l = read(wrong);
        EXPECT_EQ(l.code, exit_code::usage) << wrong;
        EXPECT_THAT(l.text, HasSubstr("processors such as 0-3,6")) << wrong;
        EXPECT_TRUE(l.cores.empty()) << wrong;
    }
}
TEST(cores, are_shown_as_they_are_written) {
    EXPECT_EQ(cpu_list_text({}), "");
    EXPECT_EQ(cpu_list_text({4}), "4");
    EXPECT_EQ(cpu_list_text({0, 1, 2, 3, 6}), "0-3,6");
    EXPECT_EQ(cpu_list_text({1, 3, 5, 6}), "1,3,5-6");
}

// --- what is taken by default ---

TEST(quota, counts_whole_processors_and_at_least_one) {
    using detail::processors_of_cpu_max;
    EXPECT_EQ(processors_of_cpu_max("max 100000\n"), 0U);
    EXPECT_EQ(processors_of_cpu_max(""), 0U);
    EXPECT_EQ(processors_of_cpu_max("\n"), 0U);
    EXPECT_EQ(processors_of_cpu_max("200000 100000\n"), 2U);
    EXPECT_EQ(processors_of_cpu_max("150000 100000\n"), 1U);
    EXPECT_EQ(processors_of_cpu_max("399999 100000\n"), 3U);
    EXPECT_EQ(processors_of_cpu_max("50000 100000\n"), 1U);
    EXPECT_EQ(processors_of_cpu_max("1000 100000\n"), 1U);
    EXPECT_EQ(processors_of_cpu_max("100000\n"), 0U);  // no period
    EXPECT_EQ(processors_of_cpu_max("100000 0\n"), 0U);
    EXPECT_EQ(processors_of_cpu_max("-1 100000\n"), 0U);
    EXPECT_EQ(detail::processors_of_quota(-1, 100'000), 0U);  // version 1: no limit
    EXPECT_EQ(detail::processors_of_quota(250'000, 100'000), 2U);
}
TEST(quota, cuts_the_affinity_mask) {
    auto const allowed = detail::allowed_cpus();
    auto const taken = default_cores();
    ASSERT_FALSE(taken.empty());
    ASSERT_LE(taken.size(), allowed.size());
    EXPECT_TRUE(std::equal(taken.begin(), taken.end(), allowed.begin()));
    EXPECT_EQ(detail::cut_to_quota({0, 1, 2, 5}, 0), (cpus{0, 1, 2, 5}));
    EXPECT_EQ(detail::cut_to_quota({0, 1, 2, 5}, 3), (cpus{0, 1, 2}));
    EXPECT_EQ(detail::cut_to_quota({0, 1}, 3), (cpus{0, 1}));
}

// --- the map ---

TEST(core_map, gives_each_core_a_partition_unless_told) {
    unsigned const first = detail::allowed_cpus().at(0);
    auto const own = detail::map_cores({}, true);
    EXPECT_TRUE(own.own_thread);
    EXPECT_EQ(own.cores(), 1U);
    EXPECT_EQ(own.partitions, 1U);
    EXPECT_EQ(own.cpus, (std::vector<int>{-1}));

    auto const one = detail::map_cores({.cores = {first}}, true);
    EXPECT_FALSE(one.own_thread);
    EXPECT_EQ(one.cpus, (std::vector<int>{static_cast<int>(first)}));
    EXPECT_EQ(one.partitions, 1U);

    auto const shared = detail::map_cores({.partitions = 5, .oversubscribed = 2}, true);
    EXPECT_EQ(shared.cores(), 2U);
    EXPECT_EQ(shared.partitions, 5U);
    for (unsigned p = 0; p < 5; ++p) EXPECT_EQ(shared.core_of(p), p % 2);
}
TEST(core_map, takes_no_more_cores_than_there_are_partitions) {
    EXPECT_EQ(detail::map_cores({.partitions = 2, .oversubscribed = 4}, true).cores(), 2U);
    auto const alone = detail::map_cores({.partitions = 4, .oversubscribed = 4}, false);
    EXPECT_EQ(alone.cores(), 1U);
    EXPECT_EQ(alone.partitions, 1U);
}

}  // namespace
