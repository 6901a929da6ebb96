// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <random>
#include <string>
#include <unordered_map>

#include <gtest/gtest.h>

#include <millrace/state/pane_store.hpp>
#include <millrace/state/partitioned_updates.hpp>

namespace {
using namespace millrace;
using store = pane_store<std::uint64_t, std::uint64_t>;
using small_logs = partitioned_updates<store, std::uint64_t, 1024, 2048>;
static_assert(small_logs::usable);
static_assert(!partitioned_updates<pane_store<std::string, int>, int>::usable);
static_assert(!partitioned_updates<store, std::string>::usable);

// Not commutative: the order of a key's updates counts.
constexpr auto apply = [](store::pane& p, auto& entry, bool inserted, std::uint64_t add) {
    p.records += inserted ? 1 : 0;
    entry.value = entry.value * 31 + add;
};

TEST(partitioned_updates, gives_the_same_as_updating_at_once_and_in_the_same_order) {
    std::uint64_t const first = std::random_device{}();
    std::printf("first seed %llu\n", static_cast<unsigned long long>(first));
    std::size_t taken = 0;
    std::size_t refused = 0;
    for (std::uint64_t seed = first; seed < first + 30; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        store panes(duration{10});
        small_logs logs;
        std::unordered_map<std::int64_t, std::unordered_map<std::uint64_t, std::uint64_t>> model;
        std::uint64_t const keys = 1 + random() % 4000;
        for (int i = 0; i < 20'000; ++i) {
            std::int64_t const t =
                i / 500 - static_cast<std::int64_t>(random() % 25);  // up to four panes at a time
            std::uint64_t const key = random() % keys;
            auto& p = panes.covering(time_point{t});
            std::uint64_t const hash = p.entries.hash(key);
            std::uint64_t const add = random();
            if (logs.push(p, hash, key, add, apply)) {
                ++taken;
            } else {
                auto const found = p.entries.find_or_insert(key, hash);
                apply(p, found.entry, found.inserted, add);
                ++refused;
            }
            auto& known = model[p.start.ns][key];
            known = known * 31 + add;
            if (i % 500 != 0) continue;
            while (auto* const due = panes.take_due(time_point{i / 500 - 25})) {
                logs.settle(*due, apply);
                auto& wanted = model[due->start.ns];
                ASSERT_EQ(due->entries.size(), wanted.size());
                ASSERT_EQ(due->records, wanted.size());
                due->entries.scan(0, ~std::size_t{0},
                                  [&](std::uint64_t k, std::uint64_t value, bool&) {
                                      ASSERT_EQ(wanted[k], value) << due->start.ns << ' ' << k;
                                  });
                panes.finish_drain(*due);
                panes.release(*due);
            }
        }
    }
    EXPECT_GT(taken, 100'000U);
    EXPECT_GT(refused, 1000U);
}

TEST(partitioned_updates, leaves_small_panes_alone) {
    store panes(duration{10});
    partitioned_updates<store, std::uint64_t> logs;
    auto& p = panes.at(time_point{0});
    p.entries.reserve(10'000);
    EXPECT_FALSE(logs.push(p, p.entries.hash(std::uint64_t{1}), 1, 1, apply));
    logs.settle(p, apply);
    EXPECT_TRUE(p.entries.empty());
    EXPECT_EQ(logs.bytes(), 0U);
}

TEST(partitioned_updates, takes_no_more_memory_than_the_tables) {
    store panes(duration{10});
    small_logs logs;
    auto& p = panes.at(time_point{0});
    p.entries.reserve(5000);
    for (std::uint64_t i = 0; i < 100'000; ++i)
        ASSERT_TRUE(logs.push(p, p.entries.hash(i % 5000), i % 5000, 1, apply));
    EXPECT_LE(logs.bytes(), p.entries.bytes() + p.entries.bytes() / 8);
    logs.settle(p, apply);
    EXPECT_EQ(p.entries.size(), 5000U);
}
}  // namespace
