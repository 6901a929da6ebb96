// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/io/csv.hpp>
#include <millrace/io/file.hpp>
#include <millrace/scheduler/program.hpp>
#include <millrace/scheduler/run.hpp>

#include "io/scratch.hpp"

namespace {
using namespace millrace;
using millrace_test::content_of;
using millrace_test::scratch;
using testing::HasSubstr;

struct event {
    std::int64_t t = 0;
    int key = 0;
};
MILLRACE_RECORD(event, t, key);

TEST(run, reports_what_came_in_and_went_out_and_how_long_it_took) {
    std::vector<int> out;
    auto const r = run(from(std::vector<int>{1, 2, 3, 4})
                       | filter<"odd">([](int x) { return x % 2 != 0; }) | to(out));
    EXPECT_TRUE(r.ok());
    EXPECT_EQ(r.message, "");
    EXPECT_EQ(r.records_in, 4U);
    EXPECT_EQ(r.records_out, 2U);
    EXPECT_EQ(out, (std::vector<int>{1, 3}));
    EXPECT_GT(r.wall_ns, 0);
    EXPECT_GE(r.cpu_ns, 0);
    ASSERT_EQ(r.stages.size(), 3U);
    EXPECT_EQ(r.stages[1].word, "filter");
    EXPECT_EQ(r.stages[1].name, "odd");
    EXPECT_EQ(r.stages[1].counts.filtered, 2U);
    EXPECT_EQ(r.stages[1].record, "int32");
}
TEST(run, is_the_same_with_any_batch) {
    for (std::size_t const batch :
         {std::size_t{1}, std::size_t{3}, std::size_t{1024}, std::size_t{65'536}}) {
        std::vector<int> out;
        auto const r = run(from(std::vector<int>{1, 2, 3}) | to(out), {.batch = batch});
        EXPECT_TRUE(r.ok());
        EXPECT_EQ(out, (std::vector<int>{1, 2, 3}));
    }
}
TEST(run, of_nothing_is_a_success) {
    std::vector<int> const none;
    auto const r = run(from(none) | discard());
    EXPECT_TRUE(r.ok());
    EXPECT_EQ(r.records_in, 0U);
    EXPECT_TRUE(adds_up(r));
}
TEST(run, refuses_a_batch_out_of_range_before_anything_is_read) {
    std::vector<int> out;
    for (std::size_t const batch : {std::size_t{0}, std::size_t{65'537}}) {
        auto const r = run(from(std::vector<int>{1}) | to(out), {.batch = batch});
        EXPECT_EQ(r.code, exit_code::configuration);
        EXPECT_EQ(r.message, "millrace: run: .batch is not between 1 and 65536.");
    }
    EXPECT_TRUE(out.empty());
}
TEST(run, says_what_a_generator_threw) {
    auto const r =
        run(generate([]() -> std::optional<int> { throw std::runtime_error("the sensor is gone"); })
            | discard());
    EXPECT_EQ(r.code, exit_code::software);
    EXPECT_THAT(r.message, HasSubstr("the sensor is gone"));
    EXPECT_TRUE(adds_up(r));
    auto const odd = run(generate([]() -> std::optional<int> { throw 3; }) | discard());
    EXPECT_EQ(odd.code, exit_code::software);
    EXPECT_THAT(odd.message, HasSubstr("no std::exception"));
}
TEST(run, counts_bytes_and_side_outputs_apart) {
    scratch dir;
    std::string const text = "t,key\n1,1\n100,1\n2,1\n";
    auto const r = run(file(dir.put("in", text)) | csv<event>()
                       | event_time([](event const& e) { return time_point{e.t}; })
                       | key_by(field<&event::key>) | window(tumbling{duration{10}}) | count<"n">()
                       | late_to(csv() | to<"late">(file(dir / "late"))) | csv()
                       | to<"out">(file(dir / "out")));
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.bytes_in, text.size());
    EXPECT_EQ(r.bytes_out, content_of(dir / "late").size() + content_of(dir / "out").size());
    EXPECT_EQ(r.records_in, 3U);
    EXPECT_EQ(r.records_out, 2U);
    EXPECT_EQ(r.late, 1U);
    EXPECT_EQ(content_of(dir / "late"), "t,key\n2,1\n");
}
TEST(run, takes_a_pipeline_that_was_stored_and_extended) {
    std::vector<int> out;
    auto clean = filter([](int x) { return x > 1; }) | map([](int x) { return 10 * x; });
    auto source = from(std::vector<int>{1, 2, 3});
    auto whole = std::move(source) | clean | to(out);
    EXPECT_TRUE(run(std::move(whole)).ok());
    EXPECT_EQ(out, (std::vector<int>{20, 30}));
}

// --- run(argc, argv, …)
// ---------------------------------------------------------------------------------------------

struct program_output {
    int code;
    std::string out;
    std::string err;
};
template <class Made>
program_output program(std::vector<char const*> arguments, Made made) {
    arguments.insert(arguments.begin(), "job");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    int const code = run(static_cast<int>(arguments.size()), arguments.data(), std::move(made));
    return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}
struct job_config {
    int top = 3;
    duration window = seconds(1);
};
MILLRACE_RECORD(job_config, top, window);
std::vector<int> const one_to_nine{1, 2, 3, 4, 5, 6, 7, 8, 9};
auto job(job_config const& c) {
    return from(one_to_nine) | filter<"top">([top = c.top](int x) { return x <= top; })
           | to([](int x) { std::printf("%d\n", x); });
}

TEST(program, runs_with_the_defaults_of_its_configuration) {
    auto const p = program({}, job);
    EXPECT_EQ(p.code, 0);
    EXPECT_EQ(p.out, "1\n2\n3\n");  // standard output is the user's
    EXPECT_THAT(p.err, HasSubstr("filter<\"top\">"));
    EXPECT_THAT(p.err, HasSubstr("read   9 records"));
}
TEST(program, takes_its_configuration_and_the_batch_from_the_command_line) {
    auto const p = program({"--top", "1", "--window=5min", "--batch", "1"}, job);
    EXPECT_EQ(p.code, 0) << p.err;
    EXPECT_EQ(p.out, "1\n");
}
TEST(program, refuses_what_it_does_not_know_with_64) {
    auto const p = program({"--tpo", "1"}, job);
    EXPECT_EQ(p.code, 64);
    EXPECT_EQ(p.out, "");
    EXPECT_THAT(p.err, HasSubstr("--top"));
}
TEST(program, explains_instead_of_running) {
    auto const p = program({"--explain=text"}, job);
    EXPECT_EQ(p.code, 0);
    EXPECT_THAT(p.out, HasSubstr("filter"));
    EXPECT_THAT(p.out, testing::Not(HasSubstr("\n1\n")));
    EXPECT_EQ(p.err, "");
    EXPECT_THAT(program({"--explain=json"}, job).out, HasSubstr("{"));
    EXPECT_THAT(program({"--explain=dot"}, job).out, HasSubstr("digraph"));
    EXPECT_THAT(program({"--explain=mermaid"}, job).out, HasSubstr("flowchart"));
}
TEST(program, helps_and_tells_its_version_on_standard_output) {
    EXPECT_THAT(program({"--help"}, job).out, HasSubstr("--window"));
    EXPECT_THAT(program({"--version"}, job).out, HasSubstr(std::string(library_version)));
}
TEST(program, ends_with_the_code_of_what_ended_it) {
    auto failing = [] {
        return from(one_to_nine) | map([](int) -> int { throw std::runtime_error("never"); })
               | discard();
    };
    auto const p = program({}, failing);
    EXPECT_EQ(p.code, 65);
    EXPECT_THAT(p.err, HasSubstr("failed with exit code 65"));
    EXPECT_THAT(p.err, HasSubstr("map: never"));
    auto const refusing = [](job_config const&) -> decltype(job({})) {
        throw failure(exit_code::configuration, "millrace: job: not today.");
    };
    auto const r = program({}, refusing);
    EXPECT_EQ(r.code, 78);
    EXPECT_EQ(r.err, "millrace: job: not today.\n");
}
TEST(program, that_never_began_says_one_sentence) {
    auto const throwing = [](job_config const&) -> decltype(job({})) {
        throw std::runtime_error("no such market");
    };
    auto const p = program({}, throwing);
    EXPECT_EQ(p.code, 70);
    EXPECT_EQ(p.err, "millrace: program: no such market. It was thrown before the run began.\n");
    auto const q = program({"--cores=65535"}, job);
    EXPECT_EQ(q.code, 78);
    EXPECT_THAT(q.err, testing::StartsWith(
                           "failed with exit code 78\nmillrace: cores: processor 65535 may"));
    auto const without_descriptors = [] {
        rlimit const few{3, 3};
        ::setrlimit(RLIMIT_NOFILE, &few);
        char const* const name = "job";
        return run(1, &name, from(one_to_nine) | discard());
    };
    EXPECT_EXIT(
        std::_Exit(without_descriptors()), testing::ExitedWithCode(78),
        "millrace: run: signals can't be listened to: .*\\. Raise the limits of descriptors");
}
TEST(program, takes_a_pipeline_as_it_is) {
    auto const p = program({"--batch=2"}, from(one_to_nine) | discard());
    EXPECT_EQ(p.code, 0);
    EXPECT_THAT(p.err, HasSubstr("wrote  9 records"));
    EXPECT_EQ(program({"--top=1"}, from(one_to_nine) | discard()).code, 64);
}

}  // namespace
