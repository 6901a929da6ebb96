// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/state/timer_wheel.hpp>

namespace {
using namespace millrace;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t beginning = std::numeric_limits<std::int64_t>::min();
constexpr std::size_t all = std::numeric_limits<std::size_t>::max() / 8;

std::vector<int> fired(timer_wheel<int>& wheel, std::int64_t now, std::size_t n = all) {
    std::vector<int> names;
    while (wheel.advance(now, n, [&](int name, std::int64_t) { names.push_back(name); })
           && n == all) {
    }
    return names;
}

TEST(timer_wheel, fires_in_order_of_time) {
    timer_wheel<int> wheel;
    wheel.insert(300, 3);
    wheel.insert(5, 1);
    wheel.insert(1'000'000'000'000, 4);
    wheel.insert(70, 2);
    EXPECT_EQ(wheel.size(), 4U);
    EXPECT_EQ(fired(wheel, 4), std::vector<int>{});
    EXPECT_EQ(fired(wheel, 299), (std::vector{1, 2}));
    EXPECT_EQ(fired(wheel, never), (std::vector{3, 4}));
    EXPECT_TRUE(wheel.empty());
    EXPECT_EQ(wheel.next_due(), never);
}

TEST(timer_wheel, covers_all_of_time) {
    timer_wheel<int> wheel;
    wheel.insert(never, 4);
    wheel.insert(beginning, 1);
    wheel.insert(-1, 2);
    wheel.insert(0, 3);
    EXPECT_EQ(wheel.next_due(), beginning);
    EXPECT_EQ(fired(wheel, beginning), std::vector{1});
    EXPECT_EQ(fired(wheel, -1), std::vector{2});
    EXPECT_EQ(fired(wheel, never - 1), std::vector{3});
    EXPECT_EQ(fired(wheel, never), std::vector{4});
}

TEST(timer_wheel, is_never_early_and_late_by_less_than_a_tick) {
    timer_wheel<int> wheel(1000);
    wheel.insert(1001, 1);
    wheel.insert(-1999, 0);
    wheel.insert(2000, 2);
    EXPECT_EQ(fired(wheel, -1001), std::vector<int>{});
    EXPECT_EQ(fired(wheel, -1000), std::vector{0});
    EXPECT_EQ(fired(wheel, 1999), std::vector<int>{});
    EXPECT_EQ(fired(wheel, 2000), (std::vector{1, 2}));
}

TEST(timer_wheel, counts_the_overdue_as_due_now) {
    timer_wheel<int> wheel;
    EXPECT_EQ(fired(wheel, 1000), std::vector<int>{});
    wheel.insert(5, 1);
    EXPECT_EQ(wheel.next_due(), 1000);
    EXPECT_EQ(fired(wheel, 0), std::vector{1}) << "the clock of a wheel never goes back";
}

TEST(timer_wheel, fires_no_more_than_asked) {
    timer_wheel<int> wheel;
    for (int i = 0; i < 10; ++i) wheel.insert(i / 3, i);
    EXPECT_EQ(fired(wheel, 100, 0).size(), 0U);
    EXPECT_EQ(fired(wheel, 100, 4).size(), 4U);
    EXPECT_EQ(fired(wheel, 100).size(), 6U);
}

TEST(timer_wheel, cancels_once_and_never_by_an_old_handle) {
    timer_wheel<int> wheel;
    timer_handle const a = wheel.insert(10, 1);
    timer_handle const b = wheel.insert(10, 2);
    ASSERT_NE(wheel.find(b), nullptr);
    EXPECT_EQ(*wheel.find(b), 2);
    EXPECT_TRUE(wheel.cancel(a));
    EXPECT_FALSE(wheel.cancel(a));
    timer_handle const c = wheel.insert(20, 3);  // in the place of a
    EXPECT_FALSE(wheel.cancel(a));
    EXPECT_EQ(fired(wheel, 15), std::vector{2});
    EXPECT_FALSE(wheel.cancel(b)) << "it has fired";
    EXPECT_EQ(wheel.find(b), nullptr);
    EXPECT_FALSE(wheel.cancel(timer_handle{}));
    EXPECT_FALSE(wheel.cancel({1'000'000, 1}));
    EXPECT_TRUE(wheel.cancel(c));
    EXPECT_EQ(wheel.next_due(), never);
}

TEST(timer_wheel, may_be_changed_by_what_fires) {
    timer_wheel<int> wheel;
    timer_handle doomed = wheel.insert(50, 99);
    wheel.insert(10, 1);
    std::vector<int> names;
    auto const fire = [&](int name, std::int64_t due) {
        names.push_back(name);
        if (name == 1) wheel.cancel(doomed);
        if (name < 4) wheel.insert(due + 20, name + 1);
    };
    while (wheel.advance(100, 1, fire)) {
    }
    EXPECT_EQ(names, (std::vector{1, 2, 3, 4}));
}

TEST(timer_wheel, goes_on_behind_one_that_throws) {
    timer_wheel<int> wheel;
    for (int i = 0; i < 3; ++i) wheel.insert(i, i);
    EXPECT_THROW(wheel.advance(10, 9,
                               [](int name, std::int64_t) {
                                   if (name == 1) throw std::runtime_error("one");
                               }),
                 std::runtime_error);
    EXPECT_EQ(fired(wheel, 10), std::vector{2});
}

TEST(timer_wheel, gives_its_memory_back_and_forgets_old_handles) {
    timer_wheel<std::shared_ptr<int>> wheel;
    auto const shared = std::make_shared<int>(1);
    std::size_t const bare = wheel.bytes();
    timer_handle const old = wheel.insert(10, shared);
    wheel.insert(20, shared);
    EXPECT_EQ(shared.use_count(), 3);
    EXPECT_GT(wheel.bytes(), bare);
    wheel.clear();
    EXPECT_EQ(shared.use_count(), 1);
    EXPECT_EQ(wheel.bytes(), bare);
    wheel.insert(10, shared);
    EXPECT_FALSE(wheel.cancel(old));
}

TEST(timer_wheel, does_a_bounded_amount_of_moving) {
    timer_wheel<int> wheel;
    wheel.insert(0, -1);  // now the clock stands at the beginning of the far slot's level
    fired(wheel, 0);
    for (int i = 0; i < 10'000; ++i) wheel.insert(1'000'000 + i % 7, i);
    unsigned calls = 0, names = 0;
    while (wheel.advance(never, 10, [&](int, std::int64_t) { ++names; })) ++calls;
    EXPECT_EQ(names, 10'000U);
    EXPECT_GE(calls, 10'000U / (4 * 10 + 64)) << "every timer had to be moved at least once";
}

/// Random operations against a multimap ordered by the rounded due time.
void behaves_like_a_multimap(std::uint64_t seed) {
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::int64_t const tick = std::int64_t{1} << random() % 12;
    auto const span = static_cast<std::int64_t>(std::uint64_t{1} << (4 + random() % 50));
    timer_wheel<std::uint64_t> wheel(tick);
    std::int64_t now = static_cast<std::int64_t>(random() % 2'000'001) - 1'000'000;
    auto const rounded = [&](std::int64_t t) {
        return t / tick * tick + (t % tick > 0 ? tick : 0);
    };
    std::map<std::uint64_t, std::pair<timer_handle, std::int64_t>> waiting;  // name → due
    std::multimap<std::int64_t, std::uint64_t> order;
    std::vector<timer_handle> old;
    auto const forget = [&](std::uint64_t name, std::int64_t when) {
        auto [at, end] = order.equal_range(when);
        while (at != end && at->second != name) ++at;
        ASSERT_NE(at, end);
        order.erase(at);
        old.push_back(waiting.at(name).first);
        waiting.erase(name);
    };
    wheel.advance(now, 0, [](std::uint64_t, std::int64_t) {});
    std::uint64_t name = 0;
    for (int step = 0; step < 3000; ++step) {
        switch (random() % 8) {
            default: {
                std::int64_t const due =
                    now + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span))
                    - span / 16;
                waiting[name] = {wheel.insert(due, name), due};
                order.emplace(
                    std::max(rounded(due), now / tick * tick - (now % tick < 0 ? tick : 0)), name);
                ++name;
                break;
            }
            case 0:
                if (!waiting.empty()) {
                    auto const victim =
                        std::next(waiting.begin(), static_cast<long>(random() % waiting.size()));
                    ASSERT_TRUE(wheel.cancel(victim->second.first));
                    auto at = std::find_if(order.begin(), order.end(), [&](auto const& e) {
                        return e.second == victim->first;
                    });
                    ASSERT_NE(at, order.end());
                    forget(victim->first, at->first);
                }
                break;
            case 1:
                if (!old.empty()) {
                    ASSERT_FALSE(wheel.cancel(old[random() % old.size()]));
                }
                break;
            case 2: {
                ASSERT_LE(wheel.next_due(), order.empty() ? never : order.begin()->first);
                now += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span)) / 8;
                bool const pieces = random() % 2 == 0;
                std::size_t const n = pieces ? random() % 5 : all;
                bool more = true;
                for (int turns = pieces ? 1 + int(random() % 3) : 1'000'000; more && turns > 0;
                     --turns)
                    more = wheel.advance(now, n, [&](std::uint64_t which, std::int64_t due) {
                        auto const known = waiting.find(which);
                        ASSERT_NE(known, waiting.end());
                        ASSERT_EQ(due, known->second.second);
                        ASSERT_LE(order.begin()->first, now);
                        auto [at, end] = order.equal_range(order.begin()->first);
                        bool const first =
                            std::any_of(at, end, [&](auto const& e) { return e.second == which; });
                        ASSERT_TRUE(first || rounded(due) <= order.begin()->first)
                            << "out of order";
                        auto const where =
                            std::find_if(order.begin(), order.end(),
                                         [&](auto const& e) { return e.second == which; });
                        forget(which, where->first);
                    });
                if (!more) {
                    ASSERT_TRUE(order.empty() || order.begin()->first > now);
                }
                break;
            }
        }
        ASSERT_EQ(wheel.size(), waiting.size());
        if (::testing::Test::HasFatalFailure()) return;
    }
}
TEST(timer_wheel, behaves_like_a_multimap) {
    char const* const text = std::getenv("MILLRACE_SEED");
    std::uint64_t const first = text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
    for (std::uint64_t seed = first; seed < first + 40; ++seed) {
        behaves_like_a_multimap(seed);
        if (HasFatalFailure()) return;
    }
}

TEST(timer_wheel, holds_five_million) {
    constexpr std::uint64_t count = 5'000'000;
    constexpr std::int64_t hour = 3'600'000'000'000;
    timer_wheel<std::uint32_t> wheel(1'000'000);
    std::mt19937_64 random(7);
    std::vector<timer_handle> some;
    for (std::uint64_t i = 0; i < count; ++i) {
        timer_handle const h =
            wheel.insert(static_cast<std::int64_t>(random() % std::uint64_t{hour}),
                         static_cast<std::uint32_t>(i));
        if (i % 4 == 0) some.push_back(h);
    }
    EXPECT_EQ(wheel.size(), count);
    EXPECT_LE(wheel.bytes(), count * 56);
    for (timer_handle const h : some) ASSERT_TRUE(wheel.cancel(h));
    std::uint64_t names = 0, late = 0;
    std::int64_t last = 0;
    for (std::int64_t now = 0; now <= hour; now += hour / 1000)
        while (wheel.advance(now, 4096, [&](std::uint32_t, std::int64_t due) {
            ++names;
            if (due > now || due / 1'000'000 + 1 < last) ++late;
            last = due / 1'000'000;
        })) {
        }
    EXPECT_EQ(names, count - count / 4);
    EXPECT_EQ(late, 0U);
}
}  // namespace
