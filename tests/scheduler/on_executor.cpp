// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/inject.hpp>
#include <millrace/scheduler/on_executor.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;
namespace asio = boost::asio;

static_assert(executor<asio::io_context::executor_type>);
static_assert(executor<asio::any_io_executor>);
static_assert(executor<asio::strand<asio::any_io_executor>>);

/// Keeps handlers until the test runs them.
class by_hand {
public:
    struct task {
        virtual ~task() = default;
        virtual void run() = 0;
    };
    struct state {
        std::deque<std::unique_ptr<task>> tasks;
        std::mutex mutex;
        int posts = 0;
        bool refuses = false;
    };
    explicit by_hand(state& s) : state_(&s) {}
    template <class F>
    void execute(F f) const {
        struct held : task {
            explicit held(F g) : function(std::move(g)) {}
            void run() override { function(); }
            F function;
        };
        std::lock_guard const lock(state_->mutex);
        if (state_->refuses) throw std::runtime_error("no memory for a handler");
        ++state_->posts;
        state_->tasks.push_back(std::make_unique<held>(std::move(f)));
    }

private:
    state* state_;
};
/// Runs what it gets at once.
struct here {
    template <class F>
    void execute(F f) const {
        f();
    }
};
bool run_one(by_hand::state& s) {
    std::unique_ptr<by_hand::task> next;
    {
        std::lock_guard const lock(s.mutex);
        if (s.tasks.empty()) return false;
        next = std::move(s.tasks.front());
        s.tasks.pop_front();
    }
    next->run();
    return true;
}
std::vector<int> numbers(int n) {
    std::vector<int> v;
    for (int i = 0; i < n; ++i) v.push_back(i);
    return v;
}

TEST(on_executor, posts_once_for_a_burst_and_calls_in_order) {
    by_hand::state tasks;
    std::vector<int> out;
    auto const r = run(from(numbers(100))
                       | to(on_executor<int>(by_hand(tasks), [&](int i) { out.push_back(i); })));
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.records_out, 100U);
    EXPECT_EQ(tasks.posts, 1);
    EXPECT_TRUE(out.empty());
    while (run_one(tasks)) {
    }
    EXPECT_EQ(out, numbers(100));
    EXPECT_EQ(tasks.posts, 1);
}
TEST(on_executor, lets_others_in_behind_a_batch) {
    by_hand::state tasks;
    std::vector<int> out;
    (void)run(
        from(numbers(10))
        | to(on_executor<int>(by_hand(tasks), [&](int i) { out.push_back(i); }, {.batch = 4})));
    ASSERT_TRUE(run_one(tasks));
    EXPECT_EQ(out.size(), 4U);
    ASSERT_TRUE(run_one(tasks));
    EXPECT_EQ(out.size(), 8U);
    ASSERT_TRUE(run_one(tasks));
    EXPECT_EQ(out, numbers(10));
    EXPECT_FALSE(run_one(tasks));
}
TEST(on_executor, holds_the_pipeline_back_where_nobody_takes_the_results) {
    by_hand::state tasks;
    std::atomic<int> mapped{0};
    std::vector<int> out;
    std::jthread pipeline([&] {
        auto const r =
            run(from(numbers(1000)) | map([&](int i) {
                    ++mapped;
                    return i;
                })
                    | to(on_executor<int>(by_hand(tasks), [&](int i) { out.push_back(i); },
                                          {.in_flight = 16, .batch = 8})),
                {.wait = wait_policy::wait});
        EXPECT_TRUE(r.ok()) << r.message;
    });
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (out.size() < 1000 && std::chrono::steady_clock::now() < end) {
        ASSERT_LE(mapped.load(), static_cast<int>(out.size()) + 16);
        if (!run_one(tasks)) std::this_thread::yield();
    }
    EXPECT_EQ(out, numbers(1000));
}
TEST(on_executor, has_room_again_for_all_that_one_record_becomes) {
    asio::thread_pool pool(1);
    std::vector<int> out;
    std::atomic<bool> over{false};
    auto service = start(
        from(numbers(2000))
            | flat_map<4>([](int i) { return std::array{4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3}; })
            | to(on_executor<int>(pool.get_executor(), [&](int i) { out.push_back(i); },
                                  {.in_flight = 4, .batch = 1})),
        {.wait = wait_policy::wait, .stop_within = duration{}});
    std::jthread const waiting([&] {
        auto const r = service.wait();
        EXPECT_TRUE(r.ok()) << r.message;
        over = true;
    });
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!over && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(over) << "a wake was lost";
    if (!over) service.stop();
    while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    pool.join();
    EXPECT_EQ(out, numbers(8000));
}
TEST(on_executor, goes_on_behind_a_function_that_throws) {
    by_hand::state tasks;
    std::vector<int> out;
    (void)run(from(numbers(10)) | to(on_executor<int>(by_hand(tasks), [&](int i) {
                  if (i == 3) throw std::runtime_error("three");
                  out.push_back(i);
              })));
    EXPECT_THROW((void)run_one(tasks), std::runtime_error);
    EXPECT_EQ(out.size(), 3U);
    while (run_one(tasks)) {
    }
    EXPECT_EQ(out, (std::vector<int>{0, 1, 2, 4, 5, 6, 7, 8, 9}));
}
TEST(on_executor, fails_the_run_where_the_executor_takes_no_handler) {
    by_hand::state tasks;
    tasks.refuses = true;
    auto const r = run(from(numbers(10)) | to(on_executor<int>(by_hand(tasks), [](int) {})));
    EXPECT_FALSE(r.ok());
    EXPECT_NE(r.message.find("no memory for a handler"), std::string::npos);
}
TEST(on_executor, frees_results_that_nobody_takes) {
    auto const bytes = std::make_shared<int>(7);
    {
        by_hand::state tasks;
        (void)run(from(std::vector<std::shared_ptr<int>>(10, bytes))
                  | to(on_executor<std::shared_ptr<int>>(by_hand(tasks), [](auto const&) {})));
        EXPECT_EQ(bytes.use_count(), 11);
    }
    EXPECT_EQ(bytes.use_count(), 1);
}
TEST(on_executor, runs_at_once_on_an_executor_that_does) {
    std::vector<int> out;
    (void)run(from(numbers(5000))
              | to(on_executor<int>(here{}, [&](int i) { out.push_back(i); }, {.in_flight = 64})));
    EXPECT_EQ(out, numbers(5000));
}
TEST(on_executor, refuses_options_that_are_none) {
    by_hand::state tasks;
    auto const nothing = [](int) {};
    EXPECT_THROW((void)on_executor<int>(by_hand(tasks), nothing, {.in_flight = 1}), failure);
    EXPECT_THROW((void)on_executor<int>(by_hand(tasks), nothing, {.batch = 0}), failure);
}

// --- with Boost.Asio ---

TEST(on_executor, round_trip_through_an_io_context) {
    for (unsigned const partitions : {1U, 2U, 3U}) {
        asio::io_context context;
        auto guard = asio::make_work_guard(context);
        inject<int> questions({.capacity = 32});
        auto const main_thread = std::this_thread::get_id();
        int answers = 0;
        int wrong_thread = 0;
        std::int64_t sum = 0;
        std::jthread const pipeline([&] {
            auto const r = run(
                questions.source() | key_by([](int i) { return i % 5; })
                    | reduce([](int, int b) { return b; })
                    | to(on_executor<int>(context.get_executor(),
                                          [&](int i) {
                                              wrong_thread +=
                                                  std::this_thread::get_id() != main_thread ? 1 : 0;
                                              sum += i;
                                              if (++answers == 10'000) {
                                                  questions.close();
                                                  guard.reset();
                                              }
                                          },
                                          {.in_flight = 32, .batch = 8})),
                {.partitions = partitions,
                 .oversubscribed = partitions,
                 .wait = wait_policy::wait});
            EXPECT_TRUE(r.ok()) << r.message;
        });
        std::jthread const asker([&] {
            for (int i = 0; i < 10'000; ++i) (void)questions.push(i);
        });
        context.run_for(std::chrono::seconds(60));
        EXPECT_EQ(answers, 10'000);
        EXPECT_EQ(wrong_thread, 0);
        EXPECT_EQ(sum, std::int64_t{10'000} * 9'999 / 2);
        if (answers != 10'000) questions.close();
    }
}
TEST(on_executor, keeps_its_order_on_a_pool_of_threads) {
    asio::thread_pool pool(3);
    std::vector<int> out;
    auto const r =
        run(from(numbers(20'000))
                | to(on_executor<int>(pool.get_executor(), [&](int i) { out.push_back(i); },
                                      {.in_flight = 64, .batch = 4})),
            {.wait = wait_policy::wait});
    EXPECT_TRUE(r.ok()) << r.message;
    pool.join();
    EXPECT_EQ(out, numbers(20'000));
}

}  // namespace
