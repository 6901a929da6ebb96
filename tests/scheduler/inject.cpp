// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/inject.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;

struct order {
    unsigned producer = 0;
    std::uint64_t number = 0;
};

/// A condition with a deadline that no right program reaches.
template <class F>
bool comes_true(F&& condition) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::yield();
    }
    return true;
}
std::int64_t cpu_ns() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

TEST(inject, hands_on_what_was_pushed_before_and_during_the_run) {
    inject<int> numbers({.capacity = 8});
    ASSERT_TRUE(numbers.try_push(1));
    ASSERT_TRUE(numbers.push(2));
    std::jthread const producer([numbers]() mutable {
        for (int i = 3; i <= 1000; ++i) (void)numbers.push(i);
        numbers.close();
    });
    std::vector<int> out;
    auto const r = run(numbers.source() | to(out));
    EXPECT_TRUE(r.ok()) << r.message;
    ASSERT_EQ(out.size(), 1000U);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], i + 1);
    auto const c = numbers.counts();
    EXPECT_EQ(c.accepted, 1000U);
    EXPECT_EQ(c.handed_on, 1000U);
    EXPECT_EQ(c.waiting, 0U);
}
TEST(inject, refuses_when_full_and_leaves_the_record_as_it_was) {
    inject<std::unique_ptr<int>> boxes({.capacity = 4});
    EXPECT_EQ(boxes.capacity(), 4U);
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(boxes.try_push(std::make_unique<int>(i)));
    auto one_more = std::make_unique<int>(4);
    EXPECT_FALSE(boxes.try_push(std::move(one_more)));
    ASSERT_NE(one_more, nullptr);
    EXPECT_EQ(*one_more, 4);
    auto const c = boxes.counts();
    EXPECT_EQ(c.accepted, 4U);
    EXPECT_EQ(c.waiting, 4U);
    EXPECT_EQ(c.refused, 1U);
}
TEST(inject, of_the_smallest_capacity_loses_nothing) {
    inject<int> numbers({.capacity = 1});
    std::jthread const producer([numbers]() mutable {
        for (int i = 0; i < 5000; ++i) (void)numbers.push(i);
        numbers.close();
    });
    std::vector<int> out;
    auto const r = run(numbers.source() | to(out), {.wait = wait_policy::wait});
    EXPECT_TRUE(r.ok()) << r.message;
    ASSERT_EQ(out.size(), 5000U);
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(out[static_cast<std::size_t>(i)], i);
}
TEST(inject, ends_at_once_where_it_was_closed_before) {
    inject<int> numbers;
    numbers.close();
    EXPECT_TRUE(numbers.closed());
    EXPECT_FALSE(numbers.push(1));
    EXPECT_FALSE(numbers.try_push(1));
    auto const r = run(numbers.source() | discard());
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.records_in, 0U);
    EXPECT_EQ(numbers.counts().refused, 0U);
}
TEST(inject, keeps_each_producers_order_with_many_of_them) {
    for (wait_policy const policy : {wait_policy::spin, wait_policy::adaptive, wait_policy::wait}) {
        constexpr unsigned producers = 4;
        constexpr std::uint64_t each = 20'000;
        inject<order> orders({.capacity = 64});
        std::atomic<unsigned> left{producers};
        std::vector<std::jthread> threads;
        for (unsigned p = 0; p < producers; ++p)
            threads.emplace_back([&, p] {
                for (std::uint64_t i = 0; i < each; ++i)
                    if (i % 3 == 0) {
                        while (!orders.try_push(order{p, i})) std::this_thread::yield();
                    } else if (!orders.push(order{p, i}))
                        return;
                if (--left == 0) orders.close();
            });
        std::uint64_t next[producers] = {};
        std::uint64_t wrong = 0;
        auto const r = run(orders.source() | to([&](order const& o) {
                               if (next[o.producer]++ != o.number) ++wrong;
                           }),
                           {.wait = policy});
        EXPECT_TRUE(r.ok()) << r.message;
        EXPECT_EQ(wrong, 0U);
        for (std::uint64_t const n : next) EXPECT_EQ(n, each);
        EXPECT_EQ(orders.counts().accepted, producers * each);
    }
}
TEST(inject, wakes_a_core_that_sleeps) {
    // One record at a time, each when the one before is through: a lost wake would stop it.
    for (unsigned const threads : {1U, 2U}) {
        inject<int> numbers;
        std::atomic<int> seen{0};
        std::jthread const producer([&] {
            for (int i = 1; i <= 2000; ++i) {
                (void)numbers.push(i);
                if (!comes_true([&] { return seen.load() == i; })) break;
            }
            numbers.close();
        });
        auto const r =
            run(numbers.source() | key_by([](int i) { return i % 7; })
                    | reduce([](int, int b) { return b; }) | to([&](int i) { seen.store(i); }),
                {.partitions = threads, .oversubscribed = threads, .wait = wait_policy::wait});
        EXPECT_TRUE(r.ok()) << r.message;
        EXPECT_EQ(r.records_out, 2000U);
    }
}
TEST(inject, costs_nothing_while_nothing_is_pushed) {
    inject<int> numbers({.capacity = 4});
    std::atomic<bool> running{false};
    std::int64_t spent = 0;
    std::jthread const producer([&] {
        (void)numbers.push(1);
        ASSERT_TRUE(comes_true([&] { return running.load(); }));
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        std::int64_t const before = cpu_ns();
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        spent = cpu_ns() - before;
        numbers.close();
    });
    auto const r =
        run(numbers.source() | to([&](int) { running = true; }), {.wait = wait_policy::wait});
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_LT(spent, 30'000'000) << "a tenth of the time";
}
TEST(inject, makes_pushes_wait_while_the_pipeline_is_slow_without_using_the_processor) {
    inject<int> numbers({.capacity = 2});
    std::atomic<bool> go{false};
    std::int64_t spent = 0;
    std::jthread const producer([&] {
        for (int i = 0; i < 6; ++i) (void)numbers.push(i);
        numbers.close();
    });
    std::jthread const watcher([&] {
        ASSERT_TRUE(comes_true([&] { return numbers.counts().waits > 0; }));
        std::int64_t const before = cpu_ns();
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        spent = cpu_ns() - before;
        go = true;
        go.notify_all();
    });
    auto const r = run(numbers.source() | to([&](int) { go.wait(false); }));
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(r.records_out, 6U);
    EXPECT_LT(spent, 50'000'000);
}
TEST(inject, frees_producers_that_wait_when_the_pipeline_ends) {
    inject<int> numbers({.capacity = 2});
    std::atomic<int> refused{0};
    std::vector<std::jthread> threads;
    for (int p = 0; p < 3; ++p)
        threads.emplace_back([&] {
            while (numbers.push(1)) {
            }
            ++refused;
        });
    auto const r = run(numbers.source() | map([n = 0](int i) mutable {
                           if (++n == 100) throw std::runtime_error("enough");
                           return i;
                       })
                       | discard());
    EXPECT_EQ(r.code, exit_code::data);
    threads.clear();
    EXPECT_EQ(refused.load(), 3);
    EXPECT_TRUE(numbers.closed());
    EXPECT_FALSE(numbers.try_push(1));
    auto const c = numbers.counts();
    EXPECT_EQ(c.accepted, c.handed_on + c.waiting);
    EXPECT_EQ(c.handed_on, 100U);
}
TEST(inject, outlives_and_is_outlived) {
    auto const bytes = std::make_shared<int>(7);
    {
        inject<std::shared_ptr<int>> shared({.capacity = 16});
        for (int i = 0; i < 10; ++i) ASSERT_TRUE(shared.try_push(bytes));
        auto p = shared.source() | discard();  // never run
        EXPECT_EQ(bytes.use_count(), 11);
    }
    EXPECT_EQ(bytes.use_count(), 1);
    {
        inject<std::shared_ptr<int>> shared({.capacity = 16});
        for (int i = 0; i < 10; ++i) ASSERT_TRUE(shared.try_push(bytes));
        shared.close();
        (void)run(shared.source() | discard());
        EXPECT_EQ(bytes.use_count(), 1);
    }
}
struct no_sink {
    template <class Env>
    no_sink open_sink(Env&) {
        throw failure(exit_code::cannot_create, "millrace: test: no sink.");
    }
    void write(int) {}
};
struct no_source : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "none";
    static constexpr auto name = fixed_string{""};
    using record = int;
    struct nothing {
        template <class Push>
        bool poll(std::size_t, Push&&) {
            return false;
        }
    };
    template <class Env>
    nothing open_source(Env&) const {
        throw failure(exit_code::no_input, "millrace: test: no source.");
    }
};
TEST(inject, frees_producers_of_a_run_that_never_began) {
    inject<int> refused({.capacity = 2});
    inject<int> unsunk({.capacity = 2});
    inject<int> behind({.capacity = 2});
    std::vector<std::jthread> threads;
    for (inject<int>* const each : {&refused, &unsunk, &behind})
        threads.emplace_back([each] {
            while (each->push(1)) {
            }
        });
    auto const pipeline = refused.source() | discard();  // lives on
    EXPECT_EQ(run(pipeline, {.batch = 0}).code, exit_code::configuration);
    EXPECT_EQ(run(unsunk.source() | to(no_sink{})).code, exit_code::cannot_create);
    EXPECT_EQ(run(merge(detail::lift(no_source{}), behind.source()) | discard()).code,
              exit_code::no_input);
    threads.clear();
    EXPECT_TRUE(refused.closed());
    EXPECT_TRUE(unsunk.closed());
    EXPECT_TRUE(behind.closed());
}
TEST(inject, belongs_to_one_run) {
    inject<int> numbers;
    numbers.close();
    (void)run(numbers.source() | discard());
    auto const r = run(numbers.source() | discard());
    EXPECT_EQ(r.code, exit_code::configuration);
    EXPECT_NE(r.message.find("inject"), std::string::npos);
}
TEST(inject, refuses_a_capacity_that_is_none) {
    EXPECT_THROW(inject<int>({.capacity = 0}), failure);
    EXPECT_THROW(inject<int>({.capacity = inject_options::capacity_max + 1}), failure);
}
TEST(inject, copies_that_throw_leave_no_hole) {
    struct fussy {
        int value = 0;
        fussy() = default;
        explicit fussy(int v) : value(v) {}
        fussy(fussy const& other) : value(other.value) {
            if (value == 2) throw std::runtime_error("not this one");
        }
        fussy(fussy&&) noexcept = default;
        fussy& operator=(fussy&&) noexcept = default;
    };
    inject<fussy> records;
    for (int i = 0; i < 4; ++i) {
        fussy const f(i);
        if (i == 2)
            EXPECT_THROW((void)records.try_push(f), std::runtime_error);
        else
            EXPECT_TRUE(records.try_push(f));
    }
    records.close();
    std::vector<int> out;
    auto const r = run(records.source() | map([](fussy const& f) { return f.value; }) | to(out));
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(out, (std::vector<int>{0, 1, 3}));
}
/// Waits in its move constructor while the gate is shut: a producer in the middle of a push.
struct gated {
    static inline std::atomic<bool> shut{false};
    static inline std::atomic<bool> entered{false};
    int value = 0;
    explicit gated(int v) : value(v) {}
    gated(gated&& other) noexcept : value(other.value) {
        entered = true;
        shut.wait(true);
    }
};
TEST(inject, ends_only_behind_a_push_that_had_begun_when_it_was_closed) {
    inject<gated> records;
    gated::shut = true;
    gated::entered = false;
    bool taken = false;
    std::jthread const producer([&] { taken = records.try_push(gated(7)); });
    ASSERT_TRUE(comes_true([] { return gated::entered.load(); }));
    records.close();
    std::jthread const opener([] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        gated::shut = false;
        gated::shut.notify_all();
    });
    int seen = 0;
    auto const r = run(records.source() | to([&](gated const& g) { seen += g.value; }));
    EXPECT_TRUE(r.ok()) << r.message;
    EXPECT_EQ(seen, 7);
}
TEST(inject, gives_the_same_on_any_number_of_partitions) {
    for (unsigned n = 1; n <= 4; ++n) {
        inject<order> orders({.capacity = 128});
        std::jthread const producer([&] {
            for (std::uint64_t i = 0; i < 30'000; ++i)
                (void)orders.push(order{static_cast<unsigned>(i % 17), i});
            orders.close();
        });
        std::uint64_t last[17] = {};
        std::uint64_t wrong = 0;
        auto const r = run(
            orders.source() | key_by(&order::producer)
                | aggregate(count<"n">(), max<"last">(&order::number)) | to([&](auto const& row) {
                      auto const key = get<"key">(row);
                      if (++last[key] != static_cast<std::uint64_t>(get<"n">(row))) ++wrong;
                  }),
            {.partitions = n, .oversubscribed = n, .lane_slots = 64, .yield_seed = n});
        EXPECT_TRUE(r.ok()) << r.message;
        EXPECT_EQ(r.records_in, 30'000U);
        EXPECT_EQ(r.records_out, 30'000U);
        EXPECT_EQ(wrong, 0U);
    }
}

}  // namespace
