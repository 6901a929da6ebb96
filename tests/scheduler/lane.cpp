// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// One lane: alone against a deque, and between two threads. All interleavings of small cases are in
// lane_interleavings.cpp.

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/scheduler/lane.hpp>
#include <millrace/scheduler/sleep_flag.hpp>

namespace {
using namespace millrace;
using kind = lane_control_kind;

std::uint64_t first_seed() {
    char const* const text = std::getenv("MILLRACE_SEED");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}
lane_control mark(std::int64_t value) { return {kind::mark, value, 0}; }
auto const no_control = [](lane_control const&) { ADD_FAILURE() << "a control"; };

/// Everything that a consumer was given, in order.
template <class T>
struct taken_log {
    std::vector<std::variant<std::uint64_t, lane_control>> entries;
    std::size_t take(lane<T>& from, std::size_t n) {
        return from.take(
            n, [this](T&& record) { entries.emplace_back(static_cast<std::uint64_t>(*record)); },
            [this](lane_control const& c) { entries.emplace_back(c); });
    }
};
/// A record that is trivially copyable, and one that is not; both dereference to their number.
struct plain {
    std::uint64_t number;
    std::uint64_t again = ~number;
    std::uint64_t operator*() const {
        EXPECT_EQ(again, ~number);
        return number;
    }
};
struct owned {
    explicit owned(std::uint64_t number) : held(std::make_unique<std::uint64_t>(number)) {}
    std::unique_ptr<std::uint64_t> held;
    std::uint64_t operator*() const { return *held; }
};

TEST(lane, shows_records_only_when_they_are_published) {
    lane<plain> one(4);
    taken_log<plain> log;
    EXPECT_TRUE(one.empty());
    one.emplace(7U);
    EXPECT_TRUE(one.unpublished());
    EXPECT_TRUE(one.empty());
    EXPECT_EQ(log.take(one, 9), 0U);
    EXPECT_TRUE(one.publish());
    EXPECT_FALSE(one.unpublished());
    EXPECT_FALSE(one.empty());
    EXPECT_EQ(log.take(one, 9), 1U);
    EXPECT_TRUE(one.empty());
    EXPECT_FALSE(one.publish()) << "nothing was new";
}

TEST(lane, gives_slots_back_at_the_end_of_a_take) {
    lane<plain> one(4);
    EXPECT_EQ(one.room(1), 4U);
    for (std::uint64_t i = 0; i < 4; ++i) one.emplace(i);
    one.publish();
    EXPECT_EQ(one.room(1), 0U);
    one.take(
        3, [&](plain&&) { EXPECT_EQ(one.room(1), 0U) << "slots go back together"; }, no_control);
    EXPECT_EQ(one.room(1), 3U);
}

TEST(lane, looks_at_the_consumer_only_where_fewer_slots_than_wanted_are_known) {
    lane<plain> one(4);
    one.emplace(1U);
    one.publish();
    taken_log<plain> log;
    log.take(one, 1);
    EXPECT_EQ(one.room(3), 3U) << "three were known";
    EXPECT_EQ(one.room(4), 4U);
}

TEST(lane, keeps_a_control_between_its_records) {
    lane<plain> one(8, 8);
    EXPECT_TRUE(one.control(mark(1)));
    EXPECT_TRUE(one.control({kind::barrier, 0, 5}));
    one.emplace(10U);
    one.emplace(11U);
    EXPECT_TRUE(one.control(mark(2)));
    one.emplace(12U);
    EXPECT_TRUE(one.control({kind::end, 0, 0}));
    EXPECT_TRUE(one.empty());
    one.publish();

    taken_log<plain> log;
    EXPECT_EQ(log.take(one, 100), 3U);
    decltype(log.entries) const expected{mark(1),
                                         lane_control{kind::barrier, 0, 5},
                                         std::uint64_t{10},
                                         std::uint64_t{11},
                                         mark(2),
                                         std::uint64_t{12},
                                         lane_control{kind::end, 0, 0}};
    EXPECT_EQ(log.entries, expected);
    EXPECT_TRUE(one.empty());
}

TEST(lane, takes_controls_in_front_though_no_record_is_wanted) {
    lane<plain> one(8, 8);
    ASSERT_TRUE(one.control(mark(1)));
    one.emplace(10U);
    ASSERT_TRUE(one.control(mark(2)));
    one.publish();
    taken_log<plain> log;
    EXPECT_EQ(log.take(one, 0), 0U);
    ASSERT_EQ(log.entries.size(), 1U);
    EXPECT_EQ(std::get<1>(log.entries[0]), mark(1));
    EXPECT_EQ(log.take(one, 1), 1U);
    ASSERT_EQ(log.entries.size(), 3U) << "the control right behind the last record comes along";
}

TEST(lane, publishes_controls_without_records) {
    lane<plain> one(4, 4);
    ASSERT_TRUE(one.control({kind::idle, 0, 0}));
    EXPECT_TRUE(one.publish());
    EXPECT_FALSE(one.empty());
    taken_log<plain> log;
    EXPECT_EQ(log.take(one, 4), 0U);
    EXPECT_EQ(log.entries.size(), 1U);
}

TEST(lane, stops_where_a_control_says_so) {
    lane<plain> one(8, 8);
    one.emplace(1U);
    ASSERT_TRUE(one.control({kind::chunk_end, 0, 1}));
    ASSERT_TRUE(one.control({kind::chunk_begin, 9, 2}));
    one.emplace(2U);
    one.publish();
    std::vector<std::uint64_t> records;
    std::vector<kind> controls;
    auto const take = [&] {
        return one.take(
            8, [&](plain&& r) { records.push_back(*r); },
            [&](lane_control const& c) {
                controls.push_back(c.kind);
                return c.kind != kind::chunk_end;
            });
    };
    EXPECT_EQ(take(), 1U);
    EXPECT_EQ(controls, std::vector{kind::chunk_end}) << "consumed, and nothing behind it";
    EXPECT_EQ(take(), 1U);
    EXPECT_EQ(records, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(controls, (std::vector{kind::chunk_end, kind::chunk_begin}));
}

TEST(lane, refuses_a_control_without_room) {
    lane<plain> one(4, 2);
    EXPECT_TRUE(one.control(mark(1)));
    EXPECT_TRUE(one.control(mark(2)));
    EXPECT_FALSE(one.control(mark(3)));
    EXPECT_EQ(one.control_room(1), 0U);
    one.publish();
    EXPECT_FALSE(one.control(mark(3)));
    taken_log<plain> log;
    log.take(one, 0);
    EXPECT_EQ(one.control_room(1), 2U);
    EXPECT_TRUE(one.control(mark(3)));
}

TEST(lane, takes_records_that_only_move) {
    lane<owned> one(4);
    one.emplace(5U);
    one.publish();
    std::unique_ptr<std::uint64_t> got;
    one.take(1, [&](owned&& r) { got = std::move(r.held); }, no_control);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(*got, 5U);
}

struct counted {
    int* alive;
    explicit counted(int& count) noexcept : alive(&count) { ++*alive; }
    counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
    ~counted() { --*alive; }
};

TEST(lane, destroys_what_was_taken_and_what_was_never_taken) {
    int alive = 0;
    {
        lane<counted> one(8);
        for (int i = 0; i < 6; ++i) one.emplace(alive);
        one.publish();
        for (int i = 0; i < 2; ++i) one.emplace(alive);  // never published
        EXPECT_EQ(alive, 8);
        EXPECT_EQ(one.take(4, [](counted&&) {}, no_control), 4U);
        EXPECT_EQ(alive, 4);
    }
    EXPECT_EQ(alive, 0);
}

TEST(lane, has_taken_the_record_that_threw_and_keeps_the_others) {
    int alive = 0;
    lane<counted> one(4);
    for (int i = 0; i < 4; ++i) one.emplace(alive);
    one.publish();
    int calls = 0;
    auto const fails_at_second = [&](counted&&) {
        if (++calls == 2) throw std::runtime_error("second");
    };
    EXPECT_THROW(one.take(4, fails_at_second, no_control), std::runtime_error);
    EXPECT_EQ(alive, 2);
    EXPECT_EQ(one.room(4), 2U) << "two slots went back";
    EXPECT_EQ(one.take(4, [](counted&&) {}, no_control), 2U);
}

TEST(lane, refuses_sizes_that_are_no_powers_of_two) {
    EXPECT_THROW(lane<plain>(3), failure);
    EXPECT_THROW(lane<plain>(0), failure);
    EXPECT_THROW(lane<plain>(4, 6), failure);
    EXPECT_THROW(lane<plain>(std::size_t{1} << 62), failure);
}

/// Random batches on both sides, all in one thread.
template <class T>
void behaves_like_a_deque(std::uint64_t seed) {
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    lane<T> one(std::size_t{1} << random() % 6, std::size_t{1} << random() % 4);
    std::deque<std::variant<std::uint64_t, lane_control>> waiting, unseen;
    std::size_t records = 0, controls = 0;  // in the lane, with the unseen ones
    std::uint64_t number = 0;
    for (int step = 0; step < 4000; ++step) {
        switch (random() % 4) {
            case 0: {
                std::size_t const wanted = random() % (one.slots() + 1);
                std::size_t const room = one.room(wanted);
                ASSERT_LE(room, one.slots() - records);
                ASSERT_GE(room, std::min(wanted, one.slots() - records));
                std::size_t const n = random() % (room + 1);
                for (std::size_t i = 0; i < n; ++i, ++records) {
                    one.emplace(++number);
                    unseen.emplace_back(number);
                }
                break;
            }
            case 1: {
                lane_control const c{static_cast<kind>(random() % 7),
                                     static_cast<std::int64_t>(random()), ++number};
                bool const fits = controls < one.controls();
                ASSERT_EQ(one.control(c), fits);
                if (fits) unseen.emplace_back(c), ++controls;
                break;
            }
            case 2:
                ASSERT_EQ(one.publish(), !unseen.empty());
                waiting.insert(waiting.end(), unseen.begin(), unseen.end());
                unseen.clear();
                break;
            default: {
                ASSERT_EQ(one.empty(), waiting.empty());
                std::size_t const n = random() % (one.slots() + 2);
                bool const stops = random() % 4 == 0;
                taken_log<T> log;
                bool stopped = false;
                std::size_t const took = one.take(
                    n, [&](T&& r) { log.entries.emplace_back(*r); },
                    [&](lane_control const& c) {
                        log.entries.emplace_back(c);
                        return !(stopped = stops);
                    });
                std::size_t seen = 0;
                for (auto const& entry : log.entries) {
                    ASSERT_FALSE(waiting.empty());
                    ASSERT_EQ(entry, waiting.front());
                    waiting.pop_front();
                    entry.index() == 0 ? (++seen, --records) : --controls;
                }
                ASSERT_EQ(took, seen);
                ASSERT_LE(took, n);
                if (!stopped && took < n) {
                    ASSERT_TRUE(waiting.empty());
                }
                if (!stopped && !waiting.empty()) {
                    ASSERT_EQ(waiting.front().index(), 0U);
                }
            }
        }
    }
}
TEST(lane, behaves_like_a_deque) {
    for (std::uint64_t i = 0; i < 60; ++i) {
        behaves_like_a_deque<plain>(first_seed() + i);
        behaves_like_a_deque<owned>(first_seed() + i);
        if (HasFatalFailure()) return;
    }
}

/// A core that can be put to sleep: a flag, and a wake that is kept.
struct sleeper {
    sleep_flag flag;
    std::atomic<unsigned> wakes{0};
    std::atomic<unsigned> slept{0};
    template <class Ready>
    void sleep_unless(Ready&& ready) {
        unsigned const before = wakes.load();
        flag.announce();
        if (!ready()) {
            ++slept;
            wakes.wait(before);  // whoever claims the flag wakes it for certain
        }
        flag.withdraw();
    }
    void wake_if_asleep() {
        if (!flag.must_wake()) return;
        ++wakes;
        wakes.notify_one();
    }
};

/// Two threads, random batches and controls; each record carries its number, each control how many
/// records came before it. Both sides really sleep when they have nothing to do.
template <class T>
void crosses_threads(std::uint64_t seed, std::size_t slots, std::size_t controls,
                     std::uint64_t records) {
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    lane<T> one(slots, controls);
    sleeper producer, consumer;
    std::thread sending([&] {
        std::mt19937_64 random(seed);
        std::uint64_t sent = 0;
        for (bool ended = false; !ended;) {
            std::size_t const batch = 1 + random() % 64;
            std::size_t room = one.room(batch);
            if (room > batch) room = batch;
            for (; room > 0 && sent < records; --room) {
                one.emplace(sent++);
                if (random() % 16 == 0) (void)one.control(mark(static_cast<std::int64_t>(sent)));
            }
            if (sent == records) ended = one.control({kind::end, 0, sent});
            bool const stuck = !one.publish();
            consumer.wake_if_asleep();
            if (stuck)
                producer.sleep_unless(
                    [&] { return sent < records ? one.room(1) > 0 : one.control_room(1) > 0; });
        }
    });
    std::mt19937_64 random(seed + 1);
    std::uint64_t got = 0, wrong = 0, marks = 0;
    bool ended = false;
    while (!ended) {
        std::uint64_t const before = got + marks;
        one.take(
            random() % 100, [&](T&& r) { wrong += *r != got++; },
            [&](lane_control const& c) {
                ++marks;
                if (c.kind == kind::end) ended = true;
                std::uint64_t const told = ended ? c.number : static_cast<std::uint64_t>(c.value);
                wrong += told != got;
            });
        producer.wake_if_asleep();
        if (got + marks == before) consumer.sleep_unless([&] { return !one.empty(); });
    }
    sending.join();
    EXPECT_EQ(got, records);
    EXPECT_EQ(wrong, 0U);
    EXPECT_TRUE(one.empty());
    EXPECT_GT(producer.slept + consumer.slept, 0U) << "no side ever slept";
}
TEST(lane, crosses_threads) {
    crosses_threads<plain>(first_seed(), 256, 64, 2'000'000);
    crosses_threads<plain>(first_seed() + 1, 1, 1, 20'000);
    crosses_threads<owned>(first_seed() + 2, 16, 4, 200'000);
}
}  // namespace
