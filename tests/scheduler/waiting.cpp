// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What a core does while there is nothing to do: it spins, sleeps, or both, and is woken only where
// it sleeps.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dirent.h>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/clock.hpp>
#include <millrace/scheduler/inject.hpp>
#include <millrace/scheduler/parker.hpp>
#include <millrace/scheduler/run.hpp>
#include <millrace/scheduler/spin_window.hpp>

namespace {
using namespace millrace;
using detail::spin_window;

constexpr auto itself = [](int x) { return x; };

template <class What>
bool comes_true(What&& what) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!what()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}
/// Processor time of this process, ns.
std::int64_t used() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1'000'000'000
           + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}
/// How often the core threads of this process have gone to sleep by themselves.
std::uint64_t sleeps_of_cores() {
    std::uint64_t sum = 0;
    ::DIR* const tasks = ::opendir("/proc/self/task");
    if (tasks == nullptr) return 0;
    while (::dirent const* const entry = ::readdir(tasks)) {
        std::string const path = std::string("/proc/self/task/") + entry->d_name + "/status";
        std::FILE* const file = std::fopen(path.c_str(), "re");
        if (file == nullptr) continue;
        char line[256];
        bool ours = false;
        while (std::fgets(line, sizeof line, file) != nullptr) {
            std::string const text = line;
            if (text.starts_with("Name:"))
                ours = text.find("millrace-") != std::string::npos
                       && text.find("millrace-ctl") == std::string::npos;
            if (ours && text.starts_with("voluntary_ctxt_switches:"))
                sum += std::strtoull(line + text.find(':') + 1, nullptr, 10);
        }
        std::fclose(file);
    }
    ::closedir(tasks);
    return sum;
}
/// Two cores, where there are two; else two partitions on one.
run_settings two_cores(wait_policy policy) {
    auto cores = detail::allowed_cpus();
    if (cores.size() > 2) cores.resize(2);
    return {.cores = cores, .partitions = 2, .wait = policy};
}

// --- the window ---

TEST(spin_window, never_or_always_ends_by_policy) {
    spin_window spins(wait_policy::spin);
    spin_window waits(wait_policy::wait);
    for (int i = 0; i < 1000; ++i) {
        ASSERT_FALSE(spins.over());
        ASSERT_TRUE(waits.over());
    }
}
TEST(spin_window, grows_with_traffic_and_shrinks_without) {
    spin_window w(wait_policy::adaptive);
    EXPECT_EQ(w.length(), spin_window::begins_with);
    for (int i = 0; i < 10; ++i) w.slept(1000);
    EXPECT_EQ(w.length(), spin_window::longest);
    for (int i = 0; i < 3; ++i) w.slept(1'000'000'000);
    EXPECT_EQ(w.length(), spin_window::longest);
    w.slept(1'000'000'000);
    EXPECT_EQ(w.length(), spin_window::longest / 2);
    for (int i = 0; i < 100; ++i) w.slept(1'000'000'000);
    EXPECT_EQ(w.length(), spin_window::shortest);
    w.slept(1000);
    EXPECT_EQ(w.length(), 2 * spin_window::shortest);
}
TEST(spin_window, begins_anew_with_work) {
    spin_window w(wait_policy::adaptive);
    auto const begun = detail::read_clock(CLOCK_MONOTONIC);
    while (!w.over()) {
    }
    EXPECT_GE(detail::read_clock(CLOCK_MONOTONIC) - begun, w.length());
    w.worked();
    for (unsigned i = 0; i < spin_window::looks; ++i) EXPECT_FALSE(w.over());
}

// --- runs ---

TEST(waiting, by_default_an_idle_process_uses_less_than_a_hundredth_of_a_processor) {
    inject<int> numbers;
    std::atomic<int> seen{0};
    auto service = start(numbers.source() | key_by(itself) | map(itself) | to([&](int) { ++seen; }),
                         two_cores(wait_policy::adaptive));
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(numbers.push(i));
    ASSERT_TRUE(comes_true([&] { return seen.load() == 1000; }));
    EXPECT_TRUE(comes_true([] {  // quiet: less than 1 ms in 100 ms
        std::int64_t const before = used();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        return used() - before < 1'000'000;
    }));
    std::int64_t const begun = detail::read_clock(CLOCK_MONOTONIC);
    std::int64_t const before = used();
    std::this_thread::sleep_for(std::chrono::seconds(3));
    double const share = static_cast<double>(used() - before)
                         / static_cast<double>(detail::read_clock(CLOCK_MONOTONIC) - begun);
    EXPECT_LT(share, 0.01);
    ASSERT_TRUE(numbers.push(1));  // and is awake again at once
    EXPECT_TRUE(comes_true([&] { return seen.load() == 1001; }));
    service.stop();
    auto const r = service.wait();
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.stalls, 0U);
}
TEST(waiting, spin_never_sleeps) {
    inject<int> numbers;
    std::atomic<int> seen{0};
    auto service = start(numbers.source() | key_by(itself) | map(itself) | to([&](int) { ++seen; }),
                         two_cores(wait_policy::spin));
    ASSERT_TRUE(numbers.push(0));
    ASSERT_TRUE(comes_true([&] { return seen.load() == 1; }));  // opened by now
    std::uint64_t const before = sleeps_of_cores();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    for (int i = 1; i <= 100; ++i) ASSERT_TRUE(numbers.push(i));
    ASSERT_TRUE(comes_true([&] { return seen.load() == 101; }));
    EXPECT_EQ(sleeps_of_cores(), before);
    service.stop();
    EXPECT_TRUE(service.wait().ok());
}
/// Live, and wants to be asked at a time that has passed, as a connection's limit has when nobody
/// could look at it.
struct impatient : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "impatient";
    static constexpr auto name = fixed_string{""};
    static constexpr bool live = true;
    using record = int;
    struct op {
        bool given = false;
        template <class Push>
        source_state poll(std::size_t, Push&& push) {
            if (given) return source_state::idle;
            given = true;
            push(1);
            return source_state::more;
        }
        [[nodiscard]] std::int64_t next_deadline() const {
            return given ? 1 : std::numeric_limits<std::int64_t>::max();
        }
        void stop() {}
    };
    template <class Env>
    op open_source(Env&) const {
        return {};
    }
};
/// Takes one record, and never more.
struct full_sink {
    std::atomic<bool>* full;
    template <class Env>
    full_sink open_sink(Env&) {
        return *this;
    }
    [[nodiscard]] std::size_t room() const { return full->load() ? 0 : 1; }
    void write(int) { full->store(true); }
};
TEST(waiting, a_core_without_room_sleeps_whatever_its_sources_want) {
    std::atomic<bool> full{false};
    auto service =
        start(detail::lift(impatient{}) | to(full_sink{&full}), {.stop_within = duration{}});
    ASSERT_TRUE(comes_true([&] { return full.load(); }));
    EXPECT_TRUE(comes_true([] {
        std::int64_t const before = used();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        return used() - before < 5'000'000;
    }));
    service.stop();
    (void)service.wait();
}
TEST(waiting, wait_sleeps_at_once_and_again_behind_each_record) {
    inject<int> numbers;
    std::atomic<int> seen{0};
    auto service = start(numbers.source() | key_by(itself) | map(itself) | to([&](int) { ++seen; }),
                         two_cores(wait_policy::wait));
    ASSERT_TRUE(numbers.push(0));
    ASSERT_TRUE(comes_true([&] { return seen.load() == 1; }));
    std::uint64_t const before = sleeps_of_cores();
    for (int i = 1; i <= 100; ++i) {
        std::uint64_t const slept = sleeps_of_cores();
        ASSERT_TRUE(numbers.push(i));
        ASSERT_TRUE(comes_true([&] { return seen.load() == i + 1; }));
        ASSERT_TRUE(comes_true([&] { return sleeps_of_cores() > slept; })) << i;
    }
    EXPECT_GE(sleeps_of_cores() - before, 100U);
    service.stop();
    EXPECT_TRUE(service.wait().ok());
}
TEST(waiting, a_wake_from_sleep_takes_well_under_a_tick) {
    inject<std::int64_t> sent;
    std::vector<std::int64_t> took;
    std::atomic<int> seen{0};
    auto service = start(sent.source() | to([&](std::int64_t at) {
                             took.push_back(detail::read_clock(CLOCK_MONOTONIC) - at);
                             ++seen;
                         }),
                         {.wait = wait_policy::wait});
    for (int i = 0; i < 200; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // asleep by then
        ASSERT_TRUE(sent.push(detail::read_clock(CLOCK_MONOTONIC)));
        ASSERT_TRUE(comes_true([&] { return seen.load() == i + 1; }));
    }
    service.stop();
    EXPECT_TRUE(service.wait().ok());
    std::sort(took.begin(), took.end());
    // The median of 200; some 50 µs in a virtual machine. A lost wake would be endless.
    EXPECT_LT(took[took.size() / 2], 2'000'000);
}

// --- who is woken ---

/// Counts what is asked of a core's service, on a parker.
struct counting_service final : core_service {
    static inline std::atomic<std::uint64_t> wakes{0};
    static inline std::atomic<std::uint64_t> sleeps{0};
    explicit counting_service(service_options const& options) : inner(options) {}
    bool turn() override { return false; }
    void sleep(std::int64_t until) override {
        sleeps.fetch_add(1);
        inner.sleep(until);
    }
    void wake() noexcept override {
        wakes.fetch_add(1);
        inner.wake();
    }
    [[nodiscard]] std::string describe() const override { return "counts\n"; }
    detail::parker inner;
};
/// On the first core, whose service it makes.
struct counting_sink {
    std::uint64_t* taken;
    template <class Env>
    counting_sink open_sink(Env& env) {
        // What looks for its result type alone has no services.
        if constexpr (requires { env.template service<counting_service>(); })
            (void)env.template service<counting_service>();
        return *this;
    }
    void write(int) { ++*taken; }
    void close(bool) {}
};
std::pair<std::uint64_t, std::uint64_t> wakes_and_sleeps(wait_policy policy) {
    counting_service::wakes = 0;
    counting_service::sleeps = 0;
    std::vector<int> numbers;
    for (int i = 0; i < 200'000; ++i) numbers.push_back(i);
    std::uint64_t taken = 0;
    auto settings = two_cores(policy);
    settings.batch = 64;
    auto const r =
        run(from(numbers) | key_by(itself) | map(itself) | to(counting_sink{&taken}), settings);
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(taken, numbers.size());
    return {counting_service::wakes.load(), counting_service::sleeps.load()};
}
TEST(waiting, a_core_that_spins_is_never_woken_by_a_system_call) {
    auto const [wakes, sleeps] = wakes_and_sleeps(wait_policy::spin);
    EXPECT_EQ(wakes, 0U);
    EXPECT_EQ(sleeps, 0U);
}
TEST(waiting, a_core_that_waits_is_woken_when_it_sleeps) {
    if (detail::allowed_cpus().size() < 2) GTEST_SKIP() << "one processor: nobody else wakes it";
    std::uint64_t all_wakes = 0;
    for (int i = 0; i < 20; ++i) {
        std::uint64_t const wakes = wakes_and_sleeps(wait_policy::wait).first;
        all_wakes += wakes;
        EXPECT_LE(wakes, 200'000U / 64 * 4);  // never one a record
    }
    EXPECT_GT(all_wakes, 0U);
}

}  // namespace
