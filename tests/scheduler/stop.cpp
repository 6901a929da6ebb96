// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Stop is not the end of the input (SEMANTICS 18): it fires no window, loses nothing, and what is
// still unfinished is counted as held.
//
// MILLRACE_SEED=n begins with another seed.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/inject.hpp>
#include <millrace/scheduler/program.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;
using testing::HasSubstr;

constexpr auto itself = [](int x) { return x; };

std::uint64_t first_seed() {
    char const* const text = std::getenv("MILLRACE_SEED");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr unsigned runs = 60;
#else
constexpr unsigned runs = 200;
#endif

template <class What>
bool comes_true(What&& what) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!what()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return true;
}
/// A random moment, threads, batch and lanes.
struct a_case {
    explicit a_case(std::uint64_t seed) : random(seed) {
        settings.oversubscribed = 1 + static_cast<unsigned>(random() % 4);
        settings.batch = 1 + random() % 200;
        settings.lane_slots = std::size_t{1} << random() % 8;
        settings.yield_seed = seed;
        settings.stop_within = seconds(60);
        settings.watchdog = duration{};
        after = std::chrono::microseconds(random() % 3000);
    }
    std::mt19937_64 random;
    run_settings settings;
    std::chrono::microseconds after{};
    void stop_later(running& service) const {
        std::jthread const other([&] {
            std::this_thread::sleep_for(after);
            service.stop();
        });
    }
};
/// What left a stage came to the next, or lies in what is held there.
void expect_unbroken(report const& r) {
    EXPECT_TRUE(adds_up(r)) << to_text(r);
    for (std::size_t i = 1; i < r.stages.size(); ++i)
        EXPECT_EQ(r.stages[i - 1].counts.out, r.stages[i].counts.in) << to_text(r);
}
std::uint64_t held(report const& r) {
    std::uint64_t sum = 0;
    for (stage_line const& s : r.stages) sum += s.counts.held;
    return sum;
}

// --- at random moments ---

TEST(stop, of_a_large_vector_leaves_the_rest_unread_and_loses_nothing) {
    std::vector<int> numbers;
    for (int i = 0; i < 3'000'000; ++i) numbers.push_back(i);
    unsigned early = 0;
    for (std::uint64_t seed = first_seed(); seed < first_seed() + runs; ++seed) {
        SCOPED_TRACE(seed);
        a_case const c(seed);
        std::uint64_t taken = 0;
        auto service = start(
            from(numbers) | key_by(itself) | map(itself) | to([&](int) { ++taken; }), c.settings);
        c.stop_later(service);
        auto const r = service.wait();
        ASSERT_TRUE(r.ok()) << r.message;
        expect_unbroken(r);
        ASSERT_EQ(r.records_out, r.records_in);
        ASSERT_EQ(taken, r.records_in);
        early += r.records_in < numbers.size() ? 1 : 0;
    }
    EXPECT_GT(early, 0U);
}
struct event {
    std::int64_t t = 0;
    int key = 0;
};
MILLRACE_RECORD(event, t, key);
TEST(stop, of_an_endless_source_fires_no_open_window_and_counts_it_as_held) {
    std::uint64_t held_in_all = 0;
    for (std::uint64_t seed = first_seed(); seed < first_seed() + runs; ++seed) {
        SCOPED_TRACE(seed);
        a_case const c(seed);
        std::int64_t made = 0;
        std::int64_t last_end = 0;
        std::uint64_t rows = 0;
        std::uint64_t counted = 0;
        auto service = start(generate([&]() -> std::optional<event> {
                                 ++made;
                                 return event{made / 20, static_cast<int>(made % 13)};
                             }) | event_time([](event const& e) { return time_point{e.t}; })
                                 | key_by(field<&event::key>) | window(tumbling(nanoseconds(50)))
                                 | aggregate(count<"n">()) | to([&](auto const& row) {
                                       ++rows;
                                       counted += static_cast<std::uint64_t>(get<"n">(row));
                                       std::int64_t const end = get<"window_end">(row).ns;
                                       last_end = end > last_end ? end : last_end;
                                   }),
                             c.settings);
        c.stop_later(service);
        auto const r = service.wait();
        ASSERT_TRUE(r.ok()) << r.message;
        expect_unbroken(r);
        ASSERT_EQ(r.records_in, static_cast<std::uint64_t>(made));
        ASSERT_EQ(r.records_out, rows);
        ASSERT_EQ(r.late, 0U);
        // In = out + held: a record is in a row that fired, or in a window that is open.
        ASSERT_EQ(r.records_in, counted + held(r)) << to_text(r);
        // The watermark never was behind the last record's time.
        ASSERT_LE(last_end, made / 20 + 1);
        held_in_all += held(r);
    }
    EXPECT_GT(held_in_all, 0U);
}
TEST(stop, of_an_injected_source_hands_on_what_was_accepted) {
    for (std::uint64_t seed = first_seed(); seed < first_seed() + runs; ++seed) {
        SCOPED_TRACE(seed);
        a_case const c(seed);
        inject<int> numbers({.capacity = 64});
        std::uint64_t taken = 0;
        auto service =
            start(numbers.source() | key_by(itself) | map(itself) | to([&](int) { ++taken; }),
                  c.settings);
        std::uint64_t pushed = 0;
        std::jthread producer([&] {
            for (int i = 0; numbers.push(i); ++i) ++pushed;
        });
        c.stop_later(service);
        auto const r = service.wait();
        producer.join();
        ASSERT_TRUE(r.ok()) << r.message;
        expect_unbroken(r);
        ASSERT_EQ(r.records_in, pushed);
        ASSERT_EQ(taken, pushed);
        ASSERT_EQ(numbers.counts().waiting, 0U);
    }
}
TEST(stop, before_the_first_record_and_behind_the_last_is_fine) {
    std::vector<int> const one{1};
    for (int i = 0; i < 50; ++i) {
        auto service =
            start(from(one) | key_by(itself) | map(itself) | discard(), {.oversubscribed = 2});
        if (i % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        service.stop();
        auto const r = service.wait();
        ASSERT_TRUE(r.ok() || r.code == exit_code::temporary) << r.message;
        expect_unbroken(r);
    }
}
TEST(stop, of_idle_cores_that_sleep_ends_at_once) {
    inject<int> numbers;
    auto service =
        start(numbers.source() | key_by(itself) | map(itself) | discard(), {.oversubscribed = 3});
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    auto const begun = std::chrono::steady_clock::now();
    service.stop();
    auto const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    expect_unbroken(r);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(9));  // no deadline
}

// --- a sink that takes nothing more ---

struct stuck_sink {
    std::atomic<std::uint64_t>* written;
    std::uint64_t most;
    template <class Env>
    stuck_sink open_sink(Env&) {
        return *this;
    }
    [[nodiscard]] std::size_t room() const { return most - written->load(); }
    template <class R>
    void write(R const&) {
        written->fetch_add(1);
    }
    void close(bool) {}
};
/// Threads of one, two and three; records in lanes are held by the stage that they never reached.
void expect_cut_short(report const& r, std::uint64_t written, std::string const& says) {
    EXPECT_EQ(r.code, exit_code::temporary);
    EXPECT_EQ(static_cast<int>(r.code), 75);
    EXPECT_THAT(r.message, HasSubstr(says));
    expect_unbroken(r);
    EXPECT_EQ(r.records_out, written);
    EXPECT_EQ(r.records_in, written + held(r)) << to_text(r);
}
TEST(stop, at_the_deadline_counts_what_is_on_its_way_as_held) {
    for (unsigned const threads : {1U, 2U, 3U}) {
        SCOPED_TRACE(threads);
        std::atomic<std::uint64_t> written{0};
        int next = 0;
        auto service = start(
            generate([&]() -> std::optional<std::string> { return std::to_string(next++); })
                | key_by([](std::string const& s) { return s.back(); })
                | map([](std::string const& s) { return s + "!"; }) | to(stuck_sink{&written, 100}),
            {.oversubscribed = threads, .lane_slots = 64, .stop_within = milliseconds(100)});
        ASSERT_TRUE(comes_true([&] { return written.load() == 100; }));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // let the lanes fill
        auto const begun = std::chrono::steady_clock::now();
        service.stop();
        auto const r = service.wait();
        // What never entered is not on its way: then there is nothing to give up.
        if (r.ok()) {
            EXPECT_EQ(held(r), 0U) << to_text(r);
            EXPECT_EQ(r.records_out, written.load());
            expect_unbroken(r);
            EXPECT_EQ(r.records_in, r.records_out);
        } else {
            EXPECT_GT(threads, 1U);
            EXPECT_GT(held(r), 0U) << to_text(r);
            EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(99));
            expect_cut_short(r, written.load(), "stopped at the deadline with records still");
        }
    }
}
TEST(stop, a_second_time_ends_at_once) {
    std::atomic<std::uint64_t> written{0};
    int next = 0;
    auto service = start(generate([&]() -> std::optional<int> { return next++; }) | key_by(itself)
                             | map(itself) | to(stuck_sink{&written, 100}),
                         {.oversubscribed = 2, .lane_slots = 64});
    ASSERT_TRUE(comes_true([&] { return written.load() == 100; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    auto const begun = std::chrono::steady_clock::now();
    service.stop();
    service.stop();
    auto const r = service.wait();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(9));
    expect_cut_short(r, written.load(), "stopped at once, by a second stop");
}

// --- programs ---

/// What a program's report says of its records: in = out + what became of the others.
void expect_accounted(std::string const& text) {
    EXPECT_THAT(text, testing::Not(HasSubstr("Report this")));
    std::uint64_t in = 0;
    std::uint64_t elsewhere = 0;
    std::uint64_t out = 0;
    unsigned stages = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::erase(line, ',');
        std::istringstream words(line);
        std::vector<std::uint64_t> numbers;  // in passed filtered late dropped dead held out
        for (std::string word; words >> word;)
            if (word.find_first_not_of("0123456789") == std::string::npos)
                numbers.push_back(std::stoull(word));
            else
                numbers.clear();
        if (numbers.size() != 8) continue;
        if (stages++ == 0) in = numbers[0];
        for (std::size_t i = 2; i < 7; ++i) elsewhere += numbers[i];
        out = numbers[1];
    }
    EXPECT_GT(stages, 2U) << text;
    EXPECT_GT(in, 0U) << text;
    EXPECT_EQ(in, out + elsewhere) << text;
}

/// Runs a whole program in a child; sends it `count` signals once it says that it has begun.
int exit_of_program(int signal, int count, std::vector<char const*> options, bool stuck) {
    int said[2];
    if (::pipe(said) != 0) return -1;
    std::FILE* const told = std::tmpfile();
    ::pid_t const child = ::fork();
    if (child == 0) {
        ::close(said[0]);
        if (::dup2(::fileno(told), 2) != 2) ::_exit(98);
        options.insert(options.begin(), "program");
        static std::atomic<std::uint64_t> written{0};
        static int next = 0;
        static int tell;
        tell = said[1];
        int const code = run(static_cast<int>(options.size()), options.data(),
                             generate([]() -> std::optional<int> { return next++; })
                                 | key_by(itself) | map(itself) | inspect([](int x) {
                                       if (x == 50 && ::write(tell, "!", 1) != 1) ::_exit(99);
                                   })
                                 | to(stuck_sink{&written, stuck ? 1000 : ~std::uint64_t{0}}));
        ::_exit(code);
    }
    ::close(said[1]);
    char byte = 0;
    EXPECT_EQ(::read(said[0], &byte, 1), 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // a stuck one is full by then
    for (int i = 0; i < count; ++i) {
        ::kill(child, signal);
        // Two that wait at the same time are one.
        if (i + 1 < count) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(said[0]);
    std::rewind(told);
    std::string text(64 * 1024, 0);
    text.resize(std::fread(text.data(), 1, text.size(), told));
    std::fclose(told);
    expect_accounted(text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
TEST(signals, stop_a_program_gently) {
    EXPECT_EQ(exit_of_program(SIGTERM, 1, {}, false), 0);
    EXPECT_EQ(exit_of_program(SIGINT, 1, {"--partitions=2"}, false), 0);
    EXPECT_EQ(exit_of_program(SIGINT, 1, {"--partitions=1"}, false), 0);
}
TEST(signals, of_which_the_second_stops_at_once) {
    EXPECT_EQ(exit_of_program(SIGINT, 2, {"--partitions=2", "--stop-within=60s"}, true), 75);
}
/// In a child: a stage blocks for ever, or the program had a handler of its own before.
template <class Body>
int exit_of_child(Body body) {
    ::pid_t const child = ::fork();
    if (child == 0) {
        if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(98);
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
TEST(signals, of_which_the_third_ends_a_program_whose_stage_blocks) {
    EXPECT_EQ(exit_of_child([] {
                  char const* const name = "program";
                  return run(1, &name, from(std::vector<int>{1}) | inspect([](int) {
                                           std::jthread const signals([] {
                                               for (;;) {
                                                   ::kill(::getpid(), SIGTERM);
                                                   ::usleep(20'000);
                                               }
                                           });
                                       }) | discard());
              }),
              1000 + SIGTERM);
}
TEST(signals, do_again_what_they_did_before_when_the_run_is_over) {
    EXPECT_EQ(exit_of_child([] {
                  static int volatile heard = 0;
                  struct sigaction mine{};
                  mine.sa_handler = [](int) { heard = 7; };
                  ::sigaction(SIGINT, &mine, nullptr);
                  char const* const name = "program";
                  int const code = run(1, &name, from(std::vector<int>{1}) | discard());
                  ::raise(SIGINT);
                  return code + heard;
              }),
              7);
}
TEST(signals, that_come_twice_at_once_are_one) {
    EXPECT_EQ(exit_of_child([] {
                  char const* const name = "program";
                  return run(1, &name, generate([n = 0]() mutable -> std::optional<int> {
                                           return n++;
                                       }) | inspect([](int n) {
                                           if (n != 1000) return;
                                           ::kill(::getpid(), SIGINT);
                                           ::usleep(20'000);
                                           ::kill(::getpid(), SIGINT);
                                           ::usleep(20'000);
                                       }) | discard());
              }),
              0);
}
TEST(signals, end_a_program_that_does_not_drain_at_the_deadline) {
    EXPECT_EQ(exit_of_program(SIGTERM, 1, {"--partitions=2", "--stop-within=100ms"}, true), 75);
}

}  // namespace
