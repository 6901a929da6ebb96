// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <gtest/gtest.h>

#include <millrace/scheduler/command_line.hpp>

namespace millrace_test {

using namespace millrace;

struct config {
    std::vector<std::string> input{"-"};
    duration window = hours(1);
    duration mean_delay = minutes(30);
    std::string output = "out.json";
    std::optional<std::string> late;
    std::uint8_t retries = 3;
    std::int64_t offset = -5;
    double share = 0.25;
    bool verbose = false;
    text<3> origin = "EWR";
    time_point since;
    std::vector<int> ports;
    std::optional<bool> sure;
};
MILLRACE_RECORD(config, input, window, mean_delay, output, late, retries, offset, share, verbose,
                origin, since, ports, sure);

}  // namespace millrace_test

namespace {

using namespace millrace;
using millrace_test::config;

template <class Config = config>
parsed<Config> parse(std::vector<char const*> arguments) {
    arguments.insert(arguments.begin(), "build/bin/flights");
    return parse_command_line<Config>(static_cast<int>(arguments.size()), arguments.data());
}
std::string wrong(std::vector<char const*> arguments) {
    auto const got = parse(std::move(arguments));
    EXPECT_EQ(got.next, command_line_next::wrong);
    EXPECT_EQ(got.code, exit_code::usage);
    std::string_view const opening = "millrace: command line: ";
    EXPECT_TRUE(got.text.starts_with(opening)) << got.text;
    return got.text.substr(std::min(got.text.size(), opening.size()));
}

TEST(command_line, keeps_the_initialisers_as_defaults) {
    auto const got = parse({});
    EXPECT_EQ(got.next, command_line_next::run);
    EXPECT_EQ(got.code, exit_code::ok);
    EXPECT_EQ(got.text, "");
    EXPECT_EQ(got.configuration.input, std::vector<std::string>{"-"});
    EXPECT_EQ(got.configuration.window, hours(1));
    EXPECT_FALSE(got.configuration.late.has_value());
    EXPECT_EQ(got.settings.batch, 1024U);
    EXPECT_EQ(got.settings.progress, progress_mode::none);
    EXPECT_EQ(got.settings.explain, explain_mode::off);
}

TEST(command_line, reads_every_type_with_a_space_and_with_an_equals_sign) {
    for (bool const equals : {false, true}) {
        std::vector<std::pair<std::string, std::string>> const given = {
            {"--input", "a.csv"},
            {"--window", "90s"},
            {"--mean-delay", "1h30min"},
            {"--output", "-"},
            {"--late", ""},
            {"--retries", "255"},
            {"--offset", "-7"},
            {"--share", "1e-3"},
            {"--origin", "JFK"},
            {"--since", "2013-01-01T05:00:00Z"},
            {"--ports", "80"}};
        std::vector<std::string> words;
        for (auto const& [name, value] : given) {
            words.push_back(equals ? name + "=" + value : name);
            if (!equals) words.push_back(value);
        }
        std::vector<char const*> arguments;
        for (auto const& word : words) arguments.push_back(word.c_str());
        auto const got = parse(arguments);
        ASSERT_EQ(got.text, "");
        config const& c = got.configuration;
        EXPECT_EQ(c.input, std::vector<std::string>{"a.csv"});
        EXPECT_EQ(c.window, seconds(90));
        EXPECT_EQ(c.mean_delay, minutes(90));
        EXPECT_EQ(c.output, "-");
        EXPECT_EQ(c.late, std::optional<std::string>(""));
        EXPECT_EQ(c.retries, 255);
        EXPECT_EQ(c.offset, -7);
        EXPECT_EQ(c.share, 1e-3);
        EXPECT_EQ(c.origin.view(), "JFK");
        EXPECT_EQ(c.since.ns, 1'357'016'400'000'000'000);
        EXPECT_EQ(c.ports, std::vector<int>{80});
    }
}

TEST(command_line, reads_flags_with_and_without_no) {
    EXPECT_TRUE(parse({"--verbose"}).configuration.verbose);
    EXPECT_TRUE(parse({"--verbose=true"}).configuration.verbose);
    EXPECT_FALSE(parse({"--verbose", "--no-verbose"}).configuration.verbose);
    EXPECT_FALSE(parse({"--verbose=off"}).configuration.verbose);
    EXPECT_EQ(parse({}).configuration.sure, std::nullopt);
    EXPECT_EQ(parse({"--no-sure"}).configuration.sure, std::optional(false));
    EXPECT_EQ(wrong({"--verbose=maybe"}), "--verbose takes true or false, not \"maybe\".");
}

TEST(command_line, takes_several_values_behind_one_option_and_again) {
    auto const got =
        parse({"--input", "a", "b", "-", "--window", "2d", "--input", "c", "--input=--d"});
    EXPECT_EQ(got.text, "");
    EXPECT_EQ(got.configuration.input, (std::vector<std::string>{"a", "b", "-", "c", "--d"}));
    EXPECT_EQ(got.configuration.window, days(2));
    EXPECT_EQ(parse({"--ports", "1", "2", "-3"}).configuration.ports, (std::vector<int>{1, 2, -3}));
}

TEST(command_line, keeps_the_last_of_an_option_given_twice) {
    EXPECT_EQ(parse({"--window", "1h", "--window=2h"}).configuration.window, hours(2));
}

TEST(command_line, reads_the_options_of_every_program) {
    EXPECT_EQ(parse({"--explain"}).settings.explain, explain_mode::text);
    EXPECT_EQ(parse({"--explain=text"}).settings.explain, explain_mode::text);
    EXPECT_EQ(parse({"--explain=dot"}).settings.explain, explain_mode::dot);
    EXPECT_EQ(parse({"--explain=mermaid"}).settings.explain, explain_mode::mermaid);
    EXPECT_EQ(parse({"--explain=json"}).settings.explain, explain_mode::json);
    EXPECT_EQ(parse({"--explain=io"}).settings.explain, explain_mode::io);
    EXPECT_EQ(parse({"--progress=auto"}).settings.progress, progress_mode::automatic);
    EXPECT_EQ(parse({"--progress", "plain"}).settings.progress, progress_mode::plain);
    EXPECT_EQ(parse({"--progress=none"}).settings.progress, progress_mode::none);
    EXPECT_EQ(parse({"--batch", "1"}).settings.batch, 1U);
    EXPECT_EQ(parse({"--batch=65536"}).settings.batch, 65'536U);
    for (char const* const batch :
         {"--batch=0", "--batch=65537", "--batch=-1", "--batch=x", "--batch="})
        EXPECT_EQ(wrong({batch}), "--batch takes a whole number from 1 to 65536, not \""
                                      + std::string(batch + 8) + "\".");
    EXPECT_EQ(wrong({"--explain=svg"}),
              "--explain takes text, dot, mermaid, json or io, not \"svg\".");
    EXPECT_EQ(wrong({"--progress=maybe"}), "--progress takes auto, plain or none, not \"maybe\".");
}

TEST(command_line, reads_how_a_program_runs) {
    run_settings const initial = parse({}).settings;
    EXPECT_TRUE(initial.cores.empty());
    EXPECT_EQ(initial.partitions, 0U);
    EXPECT_EQ(initial.wait, wait_policy::adaptive);
    EXPECT_EQ(initial.io, io_tier::automatic);
    EXPECT_EQ(initial.stop_within, seconds(10));
    EXPECT_EQ(parse({"--cores", "0-3,6"}).settings.cores, (std::vector<unsigned>{0, 1, 2, 3, 6}));
    EXPECT_EQ(parse({"--cores=2"}).settings.cores, std::vector<unsigned>{2});
    EXPECT_EQ(parse({"--partitions=128"}).settings.partitions, 128U);
    EXPECT_EQ(parse({"--wait=spin"}).settings.wait, wait_policy::spin);
    EXPECT_EQ(parse({"--wait", "wait"}).settings.wait, wait_policy::wait);
    EXPECT_EQ(parse({"--io=auto"}).settings.io, io_tier::automatic);
    EXPECT_EQ(parse({"--io=ring"}).settings.io, io_tier::ring);
    EXPECT_EQ(parse({"--io=deferred"}).settings.io, io_tier::deferred);
    EXPECT_EQ(parse({"--io=cooperative"}).settings.io, io_tier::cooperative);
    EXPECT_EQ(parse({"--io=epoll"}).settings.io, io_tier::epoll);
    EXPECT_EQ(parse({"--when-full=evict"}).settings.when_full, state_policy::evict_oldest);
    EXPECT_EQ(parse({"--state-memory=512MiB"}).settings.state_memory, std::size_t{512} << 20);
    EXPECT_EQ(parse({"--stop-within=500ms"}).settings.stop_within, milliseconds(500));

    for (char const* const cores :
         {"--cores=", "--cores=3-1", "--cores=0,", "--cores=a", "--cores=-1", "--cores=0-65536"})
        EXPECT_EQ(wrong({cores}), "--cores takes processors such as 0-3,6, not \""
                                      + std::string(cores + 8) + "\".");
    EXPECT_EQ(wrong({"--partitions=0"}),
              "--partitions takes a whole number from 1 to 128, not \"0\".");
    EXPECT_EQ(wrong({"--partitions=129"}),
              "--partitions takes a whole number from 1 to 128, not \"129\".");
    EXPECT_EQ(wrong({"--wait=maybe"}), "--wait takes spin, adaptive or wait, not \"maybe\".");
    EXPECT_EQ(wrong({"--io=uring"}),
              "--io takes auto, ring, deferred, cooperative or epoll, not \"uring\".");
    EXPECT_EQ(wrong({"--state-memory=0"}),
              "--state-memory takes bytes, or a size such as 512MiB or 4GiB, not \"0\".");
    EXPECT_EQ(wrong({"--stop-within=soon"}),
              "--stop-within takes a duration such as 500ms, 90s, 7min, 1h or 2d, not \"soon\".");
}

TEST(command_line, works_without_a_configuration) {
    char const* const arguments[] = {"p", "--batch", "7"};
    EXPECT_EQ(parse_command_line(3, arguments).settings.batch, 7U);
    EXPECT_EQ(parse_command_line(0, arguments).next, command_line_next::run);
}

TEST(command_line, names_the_nearest_option) {
    EXPECT_EQ(wrong({"--widow", "1h"}), "\"--widow\" is no option. Did you mean --window?");
    EXPECT_EQ(wrong({"--mean_delay=1h"}),
              "\"--mean_delay\" is no option. Did you mean --mean-delay?");
    EXPECT_EQ(wrong({"--hlep"}), "\"--hlep\" is no option. Did you mean --help?");
    EXPECT_EQ(wrong({"--no-verbos"}), "\"--no-verbos\" is no option. Did you mean --no-verbose?");
    EXPECT_EQ(wrong({"--parallelism"}), "\"--parallelism\" is no option. --help lists them.");
    EXPECT_EQ(wrong({"--no-window"}), "\"--no-window\" is no option. Did you mean --window?");
    EXPECT_EQ(wrong({"--"}),
              "\"--\" belongs to no option. Options begin with two dashes; --help lists them.");
}

TEST(command_line, refuses_what_belongs_to_no_option) {
    EXPECT_EQ(wrong({"a.csv"}),
              "\"a.csv\" belongs to no option. Options begin with two dashes; --help lists them.");
    EXPECT_EQ(wrong({"-h\x1b"}),
              "\"-h?\" belongs to no option. Options begin with two dashes; --help lists them.");
    EXPECT_EQ(wrong({"--verbose", "yes"}),
              "\"yes\" belongs to no option. Options begin with two dashes; --help lists them.");
    EXPECT_EQ(wrong({"--help=yes"}), "--help takes no value. Leave it away.");
    std::string const long_one(100'000, 'x');
    EXPECT_LT(wrong({long_one.c_str()}).size(), 300U);
    EXPECT_LT(wrong({("--" + long_one).c_str()}).size(), 300U);
}

TEST(command_line, says_what_a_bad_value_should_be) {
    EXPECT_EQ(wrong({"--window", "soon"}),
              "--window takes a duration such as 500ms, 90s, 7min, 1h or 2d, not \"soon\".");
    EXPECT_EQ(wrong({"--retries", "256"}),
              "--retries takes a whole number from 0 to 255, not \"256\".");
    EXPECT_EQ(wrong({"--offset", "9223372036854775808"}),
              "--offset takes a whole number of 64 bits, not \"9223372036854775808\".");
    EXPECT_EQ(wrong({"--share=1,5"}), "--share takes a number, not \"1,5\".");
    EXPECT_EQ(wrong({"--origin=KJFK"}), "--origin takes a text of at most 3 bytes, not \"KJFK\".");
    EXPECT_EQ(wrong({"--since=yesterday"}),
              "--since takes a time such as 2013-01-01T05:00:00Z, not \"yesterday\".");
    EXPECT_EQ(wrong({"--ports", "1", "x", "2"}),
              "--ports takes a whole number of 32 bits, not \"x\".");
}

TEST(command_line, says_which_option_lacks_its_value) {
    std::string const sentence =
        "--window needs a value. Give it a duration such as 500ms, 90s, 7min, 1h or 2d.";
    EXPECT_EQ(wrong({"--window"}), sentence);
    EXPECT_EQ(wrong({"--window", "--verbose"}), sentence);
    EXPECT_EQ(wrong({"--input"}), "--input needs a value. Give it a text.");
    EXPECT_EQ(wrong({"--input", "--verbose"}), "--input needs a value. Give it a text.");
}

TEST(command_line, stops_reading_at_help_and_version) {
    auto const version = parse({"--version", "--what"});
    EXPECT_EQ(version.next, command_line_next::version);
    EXPECT_EQ(version.code, exit_code::ok);
    EXPECT_EQ(version.text, "flights (Millrace 0.1.0)\n");
    auto const help = parse({"--window", "5h", "--help", "--what"});
    EXPECT_EQ(help.next, command_line_next::help);
    EXPECT_EQ(help.code, exit_code::ok);
}

TEST(command_line, prints_help_from_the_description) {
    EXPECT_EQ(parse({"--help"}).text, R"(usage: flights [options]

  --input TEXT...                            default -
  --window DURATION                          default 1h
  --mean-delay DURATION                      default 30min
  --output TEXT                              default out.json
  --late TEXT
  --retries NUMBER                           default 3
  --offset NUMBER                            default -5
  --share NUMBER                             default 0.25
  --verbose, --no-verbose                    default false
  --origin TEXT                              default EWR
  --since TIME                               default 1970-01-01T00:00:00Z
  --ports NUMBER...
  --sure, --no-sure
  --explain[=text|dot|mermaid|json|io]       print the plan, or the ways to the kernel, and stop
  --progress auto|plain|none                 report on standard error how far the run has come; default none
  --batch NUMBER                             records taken at a time; changes no result; default 1024
  --cores LIST                               processors to run on, a pinned thread each; default all allowed
  --partitions NUMBER                        copies of what can run side by side; default one a core
  --wait spin|adaptive|wait                  what a core does while there is nothing to do; default adaptive
  --io auto|ring|deferred|cooperative|epoll  the way to the kernel; default auto
  --state-memory SIZE                        what all state may take; default half of the memory
  --when-full stop|shed|evict                what gives way when state has no more room; default stop
  --stop-within DURATION                     from a stop until what is in flight is given up; default 10s
  --help                                     print this and stop
  --version                                  print the version and stop
)");
}

TEST(edit_distance, counts_swaps_as_one) {
    EXPECT_EQ(detail::edit_distance("", ""), 0U);
    EXPECT_EQ(detail::edit_distance("abc", ""), 3U);
    EXPECT_EQ(detail::edit_distance("window", "widnow"), 1U);
    EXPECT_EQ(detail::edit_distance("window", "widow"), 1U);
    EXPECT_EQ(detail::edit_distance("kitten", "sitting"), 3U);
}

TEST(duration_text, reads_what_people_write) {
    std::pair<char const*, std::int64_t> const good[] = {
        {"500ms", 500'000'000},
        {"90s", 90'000'000'000},
        {"7min", 420'000'000'000},
        {"1h", 3'600'000'000'000},
        {"2d", 172'800'000'000'000},
        {"5us", 5'000},
        {"1ns", 1},
        {"0", 0},
        {"1h30min", 5'400'000'000'000},
        {"1.5h", 5'400'000'000'000},
        {"0.000000001s", 1},
        {"-5s", -5'000'000'000},
        {"9223372036854775807ns", 9'223'372'036'854'775'807},
        {"0s", 0}};
    for (auto const& [text, ns] : good) {
        duration out;
        EXPECT_TRUE(read_duration(text, out)) << text;
        EXPECT_EQ(out.ns, ns) << text;
    }
    for (char const* const bad : {"",
                                  "-",
                                  "5",
                                  "s",
                                  "5 s",
                                  "5S",
                                  "5m",
                                  "5minutes",
                                  "1.s",
                                  ".5s",
                                  "1h-5s",
                                  "1e3s",
                                  "9223372036854775808ns",
                                  "106752d",
                                  "99999999999999999999h",
                                  "1.0000000001s",
                                  "00",
                                  "5s ",
                                  "--5s",
                                  "nan"}) {
        duration out = seconds(1);
        EXPECT_FALSE(read_duration(bad, out)) << bad;
        EXPECT_EQ(out, seconds(1));
    }
}

TEST(duration_text, writes_the_largest_whole_unit_and_reads_it_back) {
    EXPECT_EQ(duration_text(hours(1)), "1h");
    EXPECT_EQ(duration_text(hours(24)), "1d");
    EXPECT_EQ(duration_text(seconds(90)), "90s");
    EXPECT_EQ(duration_text(minutes(-90)), "-90min");
    EXPECT_EQ(duration_text(duration{}), "0s");
    for (std::int64_t ns :
         {1L, -1L, 999L, 1'000L, 86'400'000'000'001L, 9'223'372'036'854'775'807L}) {
        duration out;
        EXPECT_TRUE(read_duration(duration_text(duration(ns)), out));
        EXPECT_EQ(out.ns, ns);
    }
}

}  // namespace
