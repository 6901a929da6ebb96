// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Runs that fail half-way: what they say, what they leave (nothing), and that their accounts add up
// all the same.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/io/csv.hpp>
#include <millrace/io/file.hpp>
#include <millrace/io/original.hpp>
#include <millrace/scheduler/run.hpp>

#include "io/scratch.hpp"

namespace {
using namespace millrace;
using millrace_test::content_of;
using millrace_test::scratch;
using strings = std::vector<std::string>;
using testing::HasSubstr;

struct reading {
    int id = 0;
    time_point at;
};
MILLRACE_RECORD(reading, id, at);

std::string rows(int size) {
    std::string out = "id,at\n";
    for (int i = 0; i < size; ++i) out += std::to_string(i) + "," + std::to_string(i) + "\n";
    return out;
}
constexpr csv_options ns{.time = time_format::epoch_ns};
constexpr std::size_t batches[] = {1, 64, 65'536};

void expect_sound(report const& r, exit_code code) {
    EXPECT_EQ(r.code, code) << r.message;
    for (auto const& sentence : lost_records(r)) ADD_FAILURE() << sentence << "\n" << to_text(r);
    std::string const text = to_text(r);
    if (code != exit_code::ok) {
        EXPECT_THAT(text,
                    HasSubstr("failed with exit code " + std::to_string(static_cast<int>(code))));
        EXPECT_THAT(text, HasSubstr(r.message));
        EXPECT_FALSE(r.message.empty());
    }
}

auto windows(duration size, std::string const& in, std::string const& late,
             std::string const& out) {
    return file(in) | csv<reading>(ns) | event_time(field<&reading::at>)
           | key_by(field<&reading::id>) | window(tumbling{size}) | aggregate(count<"n">())
           | allowed_lateness(duration{50}) | late_to(original() | to<"late">(file(late))) | csv()
           | to<"rows">(file(out));
}

TEST(failing_run, zero_size_window_is_refused_and_leaves_nothing) {
    scratch dir;
    std::string const in = dir.put("in", rows(10));
    for (std::int64_t const size : {0, -5}) {
        auto const r = run(windows(duration{size}, in, dir / "late", dir / "out"));
        expect_sound(r, exit_code::configuration);
        EXPECT_EQ(static_cast<int>(r.code), 78);
        EXPECT_EQ(
            r.message,
            "millrace: window: the size of a window is not positive. Give tumbling{…} a duration of at "
            "least 1 ns.");
        EXPECT_EQ(dir.names(), strings{"in"});
    }
}

TEST(failing_run, full_disk_ends_it_and_leaves_nothing_of_any_sink) {
    for (int const size : {10, 100'000}) {  // met at the end, and half-way
        for (std::size_t const batch : batches) {
            scratch dir;
            std::string const in = dir.put("in", rows(size));
            auto const r =
                run(windows(duration{10}, in, dir / "late", "/dev/full"), {.batch = batch});
            expect_sound(r, exit_code::io);
            EXPECT_THAT(r.message, HasSubstr("/dev/full"));
            EXPECT_EQ(dir.names(), strings{"in"});
        }
    }
}
TEST(failing_run, full_disk_under_a_tee_or_a_dead_letter_is_the_same) {
    scratch dir;
    std::string const in = dir.put("in", rows(200'000));
    auto const teed =
        run(file(in) | csv<reading>(ns) | tee(csv() | to<"a">(file(dir / "a")))
            | tee(csv() | to<"full">(file("/dev/full"))) | csv() | to<"b">(file(dir / "b")));
    expect_sound(teed, exit_code::io);
    EXPECT_EQ(dir.names(), strings{"in"});
    auto const dead =
        run(file(in) | csv<reading>(ns) | map([](reading const&) -> reading { throw 1; })
            | on_error(csv() | to<"dead">(file("/dev/full"))) | csv() | to<"b">(file(dir / "b")));
    expect_sound(dead, exit_code::io);
    EXPECT_EQ(dir.names(), strings{"in"});
}
TEST(failing_run, sink_that_throws_half_way_leaves_no_half_file) {
    for (std::size_t const batch : batches) {
        scratch dir;
        std::string const in = dir.put("in", rows(1000));
        int left = 500;
        auto const r = run(file(in) | csv<reading>(ns) | tee(csv() | to<"copy">(file(dir / "copy")))
                               | to([&](reading const&) {
                                     if (--left == 0) throw std::runtime_error("no more room");
                                 }),
                           {.batch = batch});
        expect_sound(r, exit_code::data);
        EXPECT_THAT(r.message, HasSubstr("no more room"));
        EXPECT_EQ(r.records_out, 499U + 500U);
        EXPECT_EQ(r.dead, 1U);
        EXPECT_EQ(dir.names(), strings{"in"});
    }
}
TEST(failing_run, keeps_what_stood_at_the_name_before) {
    scratch dir;
    std::string const in = dir.put("in", rows(1000));
    std::string const out = dir.put("out", "of yesterday\n");
    auto const r = run(file(in) | csv<reading>(ns) | map([](reading const& x) {
                           if (x.id == 999) throw std::runtime_error("the last");
                           return x;
                       })
                       | csv() | to(file(out)));
    expect_sound(r, exit_code::data);
    EXPECT_EQ(content_of(out), "of yesterday\n");
    EXPECT_EQ(dir.names(), (strings{"in", "out"}));
}
TEST(failing_run, bad_row_without_a_policy_stops_it_and_names_the_line) {
    scratch dir;
    std::string const in = dir.put("in", "id,at\n1,1\nx,2\n3,3\n");
    auto const r = run(file(in) | csv<reading>(ns) | csv() | to(file(dir / "out")));
    expect_sound(r, exit_code::data);
    EXPECT_THAT(r.message, HasSubstr("'id'"));
    EXPECT_EQ(dir.names(), strings{"in"});
}
TEST(failing_run, inputs_that_cannot_be_read) {
    scratch dir;
    auto const missing = run(file(dir / "none") | csv<reading>(ns) | csv() | to(file(dir / "out")));
    expect_sound(missing, exit_code::no_input);
    EXPECT_THAT(missing.message, HasSubstr("none"));
    auto const directory = run(file(dir.path()) | csv<reading>(ns) | csv() | to(file(dir / "out")));
    EXPECT_FALSE(directory.ok());
    expect_sound(directory, directory.code);
    auto const columns = run(file(dir.put("in", "id,when\n1,1\n")) | csv<reading>(ns) | csv()
                             | to(file(dir / "out")));
    expect_sound(columns, exit_code::data);
    EXPECT_THAT(columns.message, HasSubstr("at"));
    EXPECT_EQ(dir.names(), strings{"in"});
}

// The user's function in the middle of a job from a file to files.
enum class at { first, last, every };
struct plan_of_failure {
    at when;
    std::size_t batch;
};
class user_function : public testing::TestWithParam<std::tuple<at, std::size_t>> {
protected:
    static constexpr int size = 300;
    scratch dir;
    std::string in = dir.put("in", rows(size));
    std::uint64_t failures = std::get<0>(GetParam()) == at::every ? size : 1;
    auto risky() {
        return map<"risky">([when = std::get<0>(GetParam())](reading const& r) {
            if (when == at::every || r.id == (when == at::first ? 0 : size - 1))
                throw std::runtime_error("refused");
            return r;
        });
    }
    run_settings settings{.batch = std::get<1>(GetParam())};
};
TEST_P(user_function, dropped) {
    auto const r = run(
        file(in) | csv<reading>(ns) | risky() | on_error(drop) | csv(ns) | to(file(dir / "out")),
        settings);
    expect_sound(r, exit_code::ok);
    EXPECT_EQ(r.records_out, size - failures);
    EXPECT_THAT(to_text(r), HasSubstr(std::to_string(failures) + " dropped (map<\"risky\"> "
                                      + std::to_string(failures) + ")"));
    EXPECT_EQ(dir.names(), (strings{"in", "out"}));
}
TEST_P(user_function, stopping) {
    auto const r =
        run(file(in) | csv<reading>(ns) | risky() | csv(ns) | to(file(dir / "out")), settings);
    expect_sound(r, exit_code::data);
    EXPECT_THAT(r.message, HasSubstr("risky: refused"));
    EXPECT_EQ(dir.names(), strings{"in"});
}
TEST_P(user_function, to_a_dead_letter_file_with_the_original_line) {
    auto const r = run(file(in) | csv<reading>(ns) | risky()
                           | on_error(original() | to<"dead">(file(dir / "dead"))) | csv(ns)
                           | to(file(dir / "out")),
                       settings);
    expect_sound(r, exit_code::ok);
    EXPECT_EQ(r.dead, failures);
    std::string const all = content_of(dir / "dead") + content_of(dir / "out");
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), size + 1);
    EXPECT_EQ(dir.names(), (strings{"dead", "in", "out"}));
}
TEST_P(user_function, to_a_dead_letter_of_the_source) {
    auto const r =
        run(file(in) | csv<reading>(ns) | on_error(original() | to<"dead">(file(dir / "dead")))
                | risky() | csv(ns) | to(file(dir / "out")),
            settings);
    // The policy of a parser is for its rows; a stage behind it has its own, or stops.
    expect_sound(r, exit_code::data);
    auto const of_source = run(file(in) | on_error(original() | to<"dead">(file(dir / "dead")))
                                   | csv<reading>(ns) | risky() | csv(ns) | to(file(dir / "out")),
                               settings);
    expect_sound(of_source, exit_code::ok);
    EXPECT_EQ(of_source.dead, failures);
}
INSTANTIATE_TEST_SUITE_P(records, user_function,
                         testing::Combine(testing::Values(at::first, at::last, at::every),
                                          testing::Values(std::size_t{1}, std::size_t{7},
                                                          std::size_t{1024})));

}  // namespace
