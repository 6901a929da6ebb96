// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The fraud example without its network: what the features count, and what the pipeline answers.

#include "../examples/fraud/fraud.hpp"

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/millrace.hpp>
#include <millrace/test.hpp>

#include "../examples/fraud/histogram.hpp"
#include "../examples/fraud/wire.hpp"

namespace {
using namespace millrace;
using fraud::request;
using fraud::sliding;
using fraud::verdict;

constexpr std::int64_t second = 1'000'000'000;
time_point at(std::int64_t s) { return time_point{s * second}; }

std::uint64_t seed() {
    char const* const given = std::getenv("MILLRACE_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 4;
}

TEST(sliding, counts_what_came_within_its_span) {
    sliding<6> minute;
    minute.add(at(1000), seconds(10), 5);
    minute.add(at(1005), seconds(10), 6);
    minute.add(at(1050), seconds(10), 7);
    EXPECT_EQ(minute.get().count, 3);
    EXPECT_EQ(minute.get().sum, 18);
    minute.add(at(1060), seconds(10), 1);  // the slot of 1000 to 1009 is out
    EXPECT_EQ(minute.get().count, 2);
    EXPECT_EQ(minute.get().sum, 8);
    minute.add(at(9000), seconds(10), 2);
    EXPECT_EQ(minute.get().count, 1);
    EXPECT_EQ(minute.get().sum, 2);
}
TEST(sliding, takes_what_comes_late_into_its_slot_and_leaves_out_what_is_too_old) {
    sliding<6> minute;
    minute.add(at(1050), seconds(10), 1);
    minute.add(at(1000), seconds(10), 2);
    EXPECT_EQ(minute.get().count, 2);
    minute.add(at(999), seconds(10), 4);
    EXPECT_EQ(minute.get().count, 2);
    minute.add(at(1060), seconds(10), 8);
    EXPECT_EQ(minute.get().sum, 9);
}
TEST(sliding, knows_times_before_the_epoch) {
    sliding<6> minute;
    minute.add(at(-65), seconds(10), 1);
    minute.add(at(-15), seconds(10), 2);
    minute.add(at(-5), seconds(10), 4);
    EXPECT_EQ(minute.get().sum, 6);
    minute.add(at(45), seconds(10), 8);
    EXPECT_EQ(minute.get().sum, 12);
}
TEST(sliding, is_what_a_list_of_all_payments_says) {
    std::uint64_t const s = seed();
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(s));
    std::mt19937_64 random(s);
    sliding<10> ring;
    struct payment {
        std::int64_t slot;
        std::int64_t amount;
    };
    std::vector<payment> all;
    std::int64_t now = 100;
    std::int64_t newest = INT64_MIN;
    for (int i = 0; i < 20'000; ++i) {
        now += static_cast<std::int64_t>(random() % 40) * static_cast<std::int64_t>(random() % 3);
        std::int64_t const when = now - static_cast<std::int64_t>(random() % 800);
        auto const amount = static_cast<std::int64_t>(random() % 1000);
        ring.add(at(when), seconds(60), amount);
        std::int64_t const slot = when / 60 - (when % 60 < 0 ? 1 : 0);
        // What was too old when it came stays out.
        if (newest == INT64_MIN || newest - slot < 10) all.push_back({slot, amount});
        newest = std::max(newest, slot);
        std::int64_t count = 0;
        std::int64_t sum = 0;
        for (auto it = all.rbegin(); it != all.rend() && it - all.rbegin() < 4000; ++it)
            if (newest - it->slot < 10) {
                ++count;
                sum += it->amount;
            }
        ASSERT_EQ(ring.get().count, count) << i;
        ASSERT_EQ(ring.get().sum, sum) << i;
    }
}

request paying(std::uint64_t sequence, std::uint64_t card, std::int64_t cents, std::int64_t when,
               std::uint32_t merchant = 1) {
    return {sequence, card, cents, at(when), merchant};
}
std::vector<verdict> answers_to(std::vector<request> requests) {
    std::vector<verdict> out;
    auto const r = run(from(std::move(requests)) | fraud::scored() | to(out));
    EXPECT_TRUE(r.ok()) << r.message;
    return out;
}

TEST(fraud, answers_each_request_once_with_its_sequence) {
    std::vector<request> requests;
    for (std::uint64_t i = 0; i < 1000; ++i)
        requests.push_back(paying(i * 7, i % 13, 500, static_cast<std::int64_t>(i)));
    auto const out = answers_to(requests);
    ASSERT_EQ(out.size(), requests.size());
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i].sequence, requests[i].sequence);
}
TEST(fraud, approves_a_card_that_pays_now_and_then) {
    std::vector<request> requests;
    for (std::uint64_t i = 0; i < 20; ++i)
        requests.push_back(paying(i, 1, 2500, static_cast<std::int64_t>(i) * 900));
    for (verdict const& r : answers_to(requests)) EXPECT_EQ(r.decision, 1) << r.score;
}
TEST(fraud, declines_a_burst_of_payments_all_over) {
    std::vector<request> requests;
    for (std::uint64_t i = 0; i < 20; ++i)
        requests.push_back(
            paying(i, 1, 2500, 1000 + static_cast<std::int64_t>(i), static_cast<std::uint32_t>(i)));
    auto const out = answers_to(requests);
    EXPECT_EQ(out.front().decision, 1);
    EXPECT_EQ(out.back().decision, 0) << out.back().score;
    for (std::size_t i = 2; i < out.size(); ++i) EXPECT_GE(out[i].score, out[i - 1].score);
}
TEST(fraud, asks_where_a_payment_is_far_above_the_others) {
    auto const out = answers_to({paying(0, 1, 1000, 100), paying(1, 1, 1000, 400),
                                 paying(2, 1, 1'500'000, 800), paying(3, 2, 1'500'000, 800)});
    EXPECT_EQ(out[2].score, 400);  // 150 for the sum, 250 for the jump
    EXPECT_EQ(out[2].decision, 2);
    EXPECT_EQ(out[3].score, 150);  // of another card that is its first
    EXPECT_EQ(out[3].decision, 1);
}
TEST(fraud, knows_one_card_from_another) {
    std::vector<request> both;
    std::vector<request> alone;
    for (std::uint64_t i = 0; i < 200; ++i) {
        both.push_back(paying(i, 1, 900, static_cast<std::int64_t>(i) * 20));
        alone.push_back(both.back());
        both.push_back(paying(1000 + i, 2 + i % 5, 90'000, static_cast<std::int64_t>(i) * 20));
    }
    std::vector<int> among_others;
    for (verdict const& r : answers_to(both))
        if (r.sequence < 1000) among_others.push_back(r.score);
    std::vector<int> by_itself;
    for (verdict const& r : answers_to(alone)) by_itself.push_back(r.score);
    EXPECT_EQ(among_others, by_itself);
}
TEST(fraud, answers_the_same_on_any_number_of_partitions) {
    load::request_maker const maker(seed(), 50, 0);
    std::vector<request> requests;
    for (std::uint64_t i = 0; i < 5000; ++i) {
        auto const r = maker.make(i, static_cast<std::int64_t>(i) * 50'000'000);
        requests.push_back({r.sequence, r.card, r.amount_cents, time_point{r.time_ns}, r.merchant});
    }
    std::map<std::uint64_t, verdict> reference;
    for (verdict const& r : answers_to(requests)) reference[r.sequence] = r;
    for (unsigned partitions = 2; partitions <= 4; ++partitions) {
        std::vector<verdict> out;
        auto const result = run(from(requests) | fraud::scored() | to(out),
                                {.partitions = partitions, .oversubscribed = 2});
        ASSERT_TRUE(result.ok()) << result.message;
        ASSERT_EQ(out.size(), requests.size());
        for (verdict const& r : out) {
            EXPECT_EQ(r.score, reference[r.sequence].score);
            EXPECT_EQ(r.decision, reference[r.sequence].decision);
        }
    }
}

// --- the load generator's own parts ---

TEST(load_histogram, knows_a_value_to_a_hundredth) {
    std::mt19937_64 random(seed());
    for (int i = 0; i < 100'000; ++i) {
        std::uint64_t const value = (random() >> 20) >> (random() % 44);
        auto const index = load::histogram::index_of(value);
        ASSERT_LE(value, load::histogram::upper_edge(index));
        ASSERT_LE(static_cast<double>(load::histogram::upper_edge(index)),
                  static_cast<double>(value) * 1.008);
        if (index > 0) {
            ASSERT_GT(value, load::histogram::upper_edge(index - 1));
        }
    }
}
TEST(load_histogram, gives_quantiles_of_all_that_was_recorded) {
    load::histogram h;
    for (int i = 1; i <= 100; ++i) h.record(i);
    EXPECT_EQ(h.quantile(0), 1U);
    EXPECT_EQ(h.quantile(0.5), 50U);
    EXPECT_EQ(h.quantile(0.99), 99U);
    EXPECT_EQ(h.quantile(0.991), 100U);
    EXPECT_EQ(h.quantile(1), 100U);
    EXPECT_EQ(h.min(), 1U);
    EXPECT_EQ(h.max(), 100U);
    load::histogram other;
    other.record(-5);
    other.record(1'000'000'000'000'000);
    h.add(other);
    EXPECT_EQ(h.count(), 102U);
    EXPECT_EQ(h.min(), 0U);
    EXPECT_EQ(h.max(), load::histogram::value_max);
}
TEST(load_wire, is_the_layout_of_the_records) {
    load::request const r{1, 2, 3, 4, 5};
    char frame[load::request_frame_bytes];
    load::put_frame(frame, r);
    EXPECT_EQ(load::get_length(frame), load::request_bytes);
    EXPECT_EQ(detail::binary_size<request>(), load::request_bytes);
    char const* p = frame + load::prefix_bytes;
    request back;
    ASSERT_EQ(detail::binary_read(p, back), nullptr);
    EXPECT_EQ(back.sequence, 1U);
    EXPECT_EQ(back.card, 2U);
    EXPECT_EQ(back.amount_cents, 3);
    EXPECT_EQ(back.time.ns, 4);
    EXPECT_EQ(back.merchant, 5U);
}

}  // namespace
