// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The lane and the sleep flag under all interleavings and all weak behaviours of small cases; and
// each of their orders and fences broken, to see that this would be found.

#include <cstdint>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/scheduler/lane.hpp>
#include <millrace/scheduler/sleep_flag.hpp>

#include "interleaving.hpp"

namespace {
using namespace millrace;
using interleaving::broken;
using interleaving::engine;
using kind = lane_control_kind;
using bodies_of = std::vector<std::function<void()>>;

/// A record whose every use is checked for a race.
struct item {
    explicit item(std::uint64_t number) noexcept : number_(number) { use(); }
    item(item&& other) noexcept : number_(other.number_) { use(); }
    ~item() { use(); }
    [[nodiscard]] std::uint64_t number() const {
        use();
        return number_;
    }

private:
    void use() const noexcept { engine::current()->touch(this); }
    std::uint64_t number_;
};

/// What a consumer has seen: records in order, and each control behind the records it names.
struct checked {
    std::uint64_t records = 0, controls = 0;
    char const* wrong = nullptr;
    bool ended = false;
    template <class Lane>
    std::size_t take(Lane& from, std::size_t n) {
        std::uint64_t const before = records + controls;
        from.take(
            n,
            [this](item&& r) {
                if (r.number() != records++) wrong = "a record out of order";
            },
            [this](lane_control const& c) {
                if (c.number != records) wrong = "a control out of place";
                if (c.value != static_cast<std::int64_t>(controls++)) wrong = "a lost control";
                ended = ended || c.kind == kind::end;
            });
        return records + controls - before;
    }
};

/// Both sides try a few times and give up: records, marks, wrapping, no sleep.
template <broken Part>
struct tries {
    lane<item, interleaving::atomics<Part>> one{2, 2};
    std::uint64_t sent = 0, marks = 0;
    checked seen;

    bodies_of bodies() {
        return {[this] {
                    for (int turn = 0; turn < 4; ++turn) {
                        if (one.control({kind::mark, static_cast<std::int64_t>(marks), sent}))
                            ++marks;
                        if (one.room(1) > 0) one.emplace(sent++);
                        one.publish();
                    }
                },
                [this] {
                    for (int turn = 0; turn < 4; ++turn) (void)seen.take(one, 2);
                }};
    }
    char const* check() {
        while (seen.take(one, 2) > 0) {
        }
        if (seen.wrong != nullptr) return seen.wrong;
        return seen.records != sent || seen.controls != marks ? "something is missing" : nullptr;
    }
};

/// What a side may forget of SEMANTICS 12.
enum class forgets : std::uint8_t { nothing, to_look_again, to_wake_for_room };

/// A producer of `Records` and an end through a lane of one slot; both sleep when they can't go on.
template <broken Part, forgets What = forgets::nothing, std::uint64_t Records = 2>
struct sleeps {
    using atomics = interleaving::atomics<Part>;
    lane<item, atomics> one{1, 1};
    basic_sleep_flag<atomics> producer, consumer;
    checked seen;

    template <class Ready>
    static void sleep_unless(basic_sleep_flag<atomics>& mine, Ready ready) {
        mine.announce();
        if (What == forgets::to_look_again || !ready()) engine::current()->wait_for_wake();
        mine.withdraw();
    }
    bodies_of bodies() {
        return {[this] {
                    std::uint64_t sent = 0;
                    for (bool ended = false; !ended;) {
                        if (sent < Records && one.room(1) > 0) one.emplace(sent++);
                        if (sent == Records) ended = one.control({kind::end, 0, sent});
                        if (one.publish()) {
                            if (consumer.must_wake()) engine::current()->wake(1);
                        } else {
                            sleep_unless(producer, [this] { return one.room(1) > 0; });
                        }
                    }
                },
                [this] {
                    while (!seen.ended) {
                        if (seen.take(one, 1) == 0)
                            sleep_unless(consumer, [this] { return !one.empty(); });
                        else if (What != forgets::to_wake_for_room && producer.must_wake())
                            engine::current()->wake(0);
                    }
                }};
    }
    char const* check() const {
        return seen.wrong != nullptr     ? seen.wrong
               : seen.records != Records ? "records are missing"
                                         : nullptr;
    }
};

/// Two producers and one consumer that sleeps: who claims the flag wakes for both.
template <broken Part>
struct two_wake_one {
    using atomics = interleaving::atomics<Part>;
    lane<item, atomics> first{1, 1}, second{1, 1};
    basic_sleep_flag<atomics> consumer;
    checked seen_first, seen_second;

    bodies_of bodies() {
        auto const send = [this](lane<item, atomics>& to) {
            to.emplace(0U);
            to.publish();
            if (consumer.must_wake()) engine::current()->wake(2);
        };
        return {[this, send] { send(first); }, [this, send] { send(second); },
                [this] {
                    while (seen_first.records + seen_second.records < 2) {
                        if (seen_first.take(first, 1) + seen_second.take(second, 1) > 0) continue;
                        consumer.announce();
                        if (first.empty() && second.empty()) engine::current()->wait_for_wake();
                        consumer.withdraw();
                    }
                }};
    }
    char const* check() const {
        return seen_first.wrong != nullptr ? seen_first.wrong : seen_second.wrong;
    }
};

/// The thread sanitizer knows no fibers; there is one thread only here.
#if defined(__SANITIZE_THREAD__)
constexpr bool fibers_work = false;
#else
constexpr bool fibers_work = true;
#endif
class lane_interleavings : public ::testing::Test {
    void SetUp() override {
        if (!fibers_work) GTEST_SKIP() << "fibers under the thread sanitizer";
    }
};

template <class Scenario>
engine::outcome explore() {
    auto const found = engine::explore<Scenario>(2'000'000);
    ::testing::Test::RecordProperty("states", static_cast<int>(found.states));
    ::testing::Test::RecordProperty("executions", static_cast<int>(found.executions));
    return found;
}

TEST_F(lane_interleavings, deliver_everything_in_its_place) {
    auto const found = explore<tries<broken::nothing>>();
    EXPECT_EQ(found.failure, "");
    EXPECT_GT(found.states, 1000U);
}
TEST_F(lane_interleavings, show_a_publish_that_does_not_release) {
    EXPECT_EQ(explore<tries<broken::release>>().failure, "a data race");
}
TEST_F(lane_interleavings, show_a_look_that_does_not_acquire) {
    EXPECT_EQ(explore<tries<broken::acquire>>().failure, "a data race");
}

TEST_F(lane_interleavings, lose_no_wake_for_records_or_for_room) {
    auto const found = explore<sleeps<broken::nothing>>();
    EXPECT_EQ(found.failure, "");
    EXPECT_GT(found.states, 1000U);
    EXPECT_GT(found.sleeps, 0U);
}
TEST_F(lane_interleavings, show_a_wake_lost_for_want_of_a_fence) {
    EXPECT_EQ(explore<sleeps<broken::fence>>().failure, "a deadlock");
}
TEST_F(lane_interleavings, show_a_wake_lost_for_not_looking_again) {
    EXPECT_EQ((explore<sleeps<broken::nothing, forgets::to_look_again>>().failure), "a deadlock");
}
TEST_F(lane_interleavings, show_a_wake_for_room_that_is_never_sent) {
    EXPECT_EQ((explore<sleeps<broken::nothing, forgets::to_wake_for_room>>().failure),
              "a deadlock");
}

TEST_F(lane_interleavings, wake_one_sleeper_once_for_two_lanes) {
    auto const found = explore<two_wake_one<broken::nothing>>();
    EXPECT_EQ(found.failure, "");
    EXPECT_GT(found.sleeps, 0U);
}
TEST_F(lane_interleavings, show_the_lost_wake_of_one_of_two_lanes) {
    EXPECT_EQ(explore<two_wake_one<broken::fence>>().failure, "a deadlock");
}
}  // namespace
