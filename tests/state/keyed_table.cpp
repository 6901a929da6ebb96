// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/state/keyed_table.hpp>
#include <millrace/state/single_entry.hpp>

namespace {
using namespace millrace;

template <class Table, class K>
auto& value_of(Table& table, K const& key) {
    return table.find_or_insert(key, table.hash(key)).entry.value;
}
template <class Table, class K>
auto* find(Table& table, K const& key) {
    return table.find(key, table.hash(key));
}

std::string key_for(std::string const*, std::uint64_t i) {
    return "a key that lives on the heap " + std::to_string(i);
}
std::uint64_t key_for(std::uint64_t const*, std::uint64_t i) { return i * 1000; }
std::uint32_t key_for(std::uint32_t const*, std::uint64_t i) {
    return static_cast<std::uint32_t>(i);
}

/// Random operations against std::unordered_map.
template <class Key, unsigned GenerationBits, std::size_t AtOnce = 1024>
void behaves_like_unordered_map(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    keyed_table<Key, std::uint64_t, key_hash, true, GenerationBits, AtOnce> table;
    std::unordered_map<Key, std::pair<std::uint64_t, bool>> model;
    std::uint64_t const keys = 1 + random() % (AtOnce < 1024 ? 6000 : 600);
    for (int step = 0; step < 6000; ++step) {
        Key const key = key_for(static_cast<Key const*>(nullptr), random() % keys);
        switch (random() % 16) {
            default: {
                auto const found = table.find_or_insert(key, table.hash(key));
                auto const [known, inserted] = model.try_emplace(key);
                ASSERT_EQ(found.inserted, inserted);
                ASSERT_EQ(found.entry.value, known->second.first);
                ASSERT_EQ(found.entry.flag(), known->second.second);
                found.entry.value = known->second.first = random();
                break;
            }
            case 0:
            case 1:
            case 2:
            case 3: {
                auto* const entry = find(table, key);
                ASSERT_EQ(entry != nullptr, model.contains(key));
                if (entry == nullptr) break;
                table.erase(*entry);
                model.erase(key);
                break;
            }
            case 4: {
                auto* const entry = find(table, key);
                ASSERT_EQ(entry != nullptr, model.contains(key));
                if (entry == nullptr) break;
                bool const on = random() % 2 == 0;
                entry->set_flag(on);
                model[key].second = on;
                break;
            }
            case 5:
                if (random() % 64 == 0) {
                    if (random() % 4 == 0)
                        table.reset();
                    else
                        table.clear();
                    model.clear();
                }
                break;
            case 6:
                if (random() % 64 == 0) table.reserve(random() % 2000);
                table.step(random() % 20);
                break;
        }
        ASSERT_EQ(table.size(), model.size());
    }
    std::size_t seen = 0;
    for (std::size_t cursor = 0; cursor < table.capacity();)
        cursor = table.scan(cursor, 1 + random() % 9,
                            [&](Key const& key, std::uint64_t value, bool& flag) {
                                ++seen;
                                ASSERT_TRUE(model.contains(key));
                                EXPECT_EQ(model[key].first, value);
                                EXPECT_EQ(model[key].second, flag);
                            });
    EXPECT_EQ(seen, model.size());
    for (auto const& [key, value] : model) {
        auto* const entry = find(table, key);
        ASSERT_NE(entry, nullptr);
        EXPECT_EQ(entry->value, value.first);
    }
}

TEST(keyed_table, behaves_like_unordered_map_under_random_operations) {
    std::uint64_t const first = std::random_device{}();
    std::printf("first seed %llu\n", static_cast<unsigned long long>(first));
    for (std::uint64_t seed = first; seed < first + 40; ++seed) {
        behaves_like_unordered_map<std::uint64_t, 8>(seed);
        behaves_like_unordered_map<std::uint32_t, 2>(seed);
        behaves_like_unordered_map<std::string, 8>(seed);
        behaves_like_unordered_map<std::string, 1>(seed);
        behaves_like_unordered_map<std::uint64_t, 8, 0>(seed);
        behaves_like_unordered_map<std::string, 2, 64>(seed);
    }
}

TEST(keyed_table, is_empty_before_its_first_entry) {
    keyed_table<int, int> table;
    EXPECT_EQ(find(table, 1), nullptr);
    EXPECT_EQ(table.capacity(), 0U);
    EXPECT_EQ(table.bytes(), 0U);
    EXPECT_EQ(table.scan(0, 10, [](int, int, bool&) { FAIL(); }), 0U);
    table.clear();
    table.prefetch(table.hash(1));
    EXPECT_TRUE(table.empty());
}

TEST(keyed_table, value_initialises_or_takes_a_factory) {
    struct totals {
        long count;
        long sum;
    };
    keyed_table<int, totals> table;
    EXPECT_EQ(value_of(table, 7).count, 0);
    EXPECT_EQ(table.find_or_insert(8, table.hash(8), [] { return totals{3, 4}; }).entry.value.sum,
              4);
    EXPECT_EQ(table.find_or_insert(8, table.hash(8), [] { return totals{9, 9}; }).entry.value.sum,
              4);
}

TEST(keyed_table, keeps_its_room_when_cleared) {
    keyed_table<std::uint64_t, std::uint64_t> table;
    for (std::uint64_t i = 0; i < 1000; ++i) value_of(table, i) = i;
    std::size_t const room = table.bytes();
    std::size_t const growths = table.growths();
    for (int pane = 0; pane < 10; ++pane) {
        table.clear();
        EXPECT_TRUE(table.empty());
        EXPECT_EQ(find(table, std::uint64_t{5}), nullptr);
        for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(value_of(table, i + 500), 0U);
    }
    EXPECT_EQ(table.bytes(), room);
    EXPECT_EQ(table.growths(), growths);
    table.reset();
    EXPECT_EQ(table.bytes(), 0U);
    EXPECT_GT(table.growths(), growths);
}

template <unsigned Bits>
void survives_generations() {
    keyed_table<int, int, key_hash, true, Bits> table;
    for (int round = 0; round < (1 << Bits) * 3 + 5; ++round) {
        for (int i = 0; i < 20; ++i) {
            auto const found = table.find_or_insert(i + round, table.hash(i + round));
            ASSERT_TRUE(found.inserted) << Bits << ' ' << round;
            found.entry.set_flag(true);
        }
        ASSERT_EQ(table.size(), 20U);
        table.clear();
        for (int i = 0; i < 20; ++i)
            ASSERT_EQ(find(table, i + round), nullptr) << Bits << ' ' << round;
    }
}
TEST(keyed_table, forgets_entries_of_older_generations_when_the_generation_wraps) {
    survives_generations<1>();
    survives_generations<2>();
    survives_generations<8>();
}

TEST(keyed_table, holds_strings_and_move_only_values) {
    keyed_table<std::string, std::unique_ptr<std::string>> table;
    for (int i = 0; i < 3000; ++i) {
        std::string const key = "a rather long key, number " + std::to_string(i);
        value_of(table, key) = std::make_unique<std::string>(key);
    }
    for (int i = 0; i < 3000; i += 2)
        table.erase(*find(table, "a rather long key, number " + std::to_string(i)));
    EXPECT_EQ(table.size(), 1500U);
    std::string_view const view = "a rather long key, number 1001";
    auto* const entry = table.find(view, table.hash(view));
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(*entry->value, view);
    keyed_table<std::string, std::unique_ptr<std::string>> other(std::move(table));
    EXPECT_EQ(other.size(), 1500U);
    table = std::move(other);
    EXPECT_EQ(table.size(), 1500U);
    table.clear();
    EXPECT_EQ(value_of(table, view), nullptr);
}

TEST(keyed_table, finds_no_key_of_another_seed_but_its_own) {
    keyed_table<std::string, int> table(key_hash{12345});
    value_of(table, std::string("a key that is no short one")) = 4;
    for (int i = 0; i < 1000; ++i) value_of(table, std::to_string(i)) = i;
    EXPECT_EQ(find(table, std::string("a key that is no short one"))->value, 4);
    table.reset();
    value_of(table, std::string("again")) = 5;
    EXPECT_EQ(table.hash(std::string("again")), hash_of(std::string("again"), 12345));
}

struct throws_on_copy {
    int id = 0;
    explicit throws_on_copy(int i) : id(i) {}
    throws_on_copy(throws_on_copy&&) noexcept = default;
    throws_on_copy(throws_on_copy const& other) : id(other.id) {
        if (id == 13) throw std::runtime_error("thirteen");
    }
    throws_on_copy& operator=(throws_on_copy&&) noexcept = default;
    friend bool operator==(throws_on_copy const& a, throws_on_copy const& b) {
        return a.id == b.id;
    }
    friend std::uint64_t hash_value(throws_on_copy const& t) {
        return static_cast<std::uint64_t>(t.id);
    }
};

TEST(keyed_table, is_unchanged_when_a_key_or_value_throws) {
    keyed_table<throws_on_copy, std::shared_ptr<int>> table;
    auto const witness = std::make_shared<int>(1);
    for (int i = 0; i < 40; ++i) {
        throws_on_copy const key(i);
        std::size_t const before = table.size();
        if (i == 13) {
            EXPECT_THROW(value_of(table, key), std::runtime_error);
        }
        EXPECT_THROW(table.find_or_insert(
                         throws_on_copy(i), table.hash(key),
                         []() -> std::shared_ptr<int> { throw std::runtime_error("no value"); }),
                     std::runtime_error);
        EXPECT_EQ(table.size(), before);
        EXPECT_EQ(find(table, key), nullptr);
        table.find_or_insert(throws_on_copy(i), table.hash(key)).entry.value = witness;
    }
    EXPECT_EQ(witness.use_count(), 41);
    table.clear();
    EXPECT_EQ(witness.use_count(), 1);
}

template <std::size_t AtOnce>
void drains_each_entry_once() {
    keyed_table<std::uint64_t, int, key_hash, true, 8, AtOnce> table;
    for (std::uint64_t i = 0; i < 500; ++i) value_of(table, i) = 1;
    std::size_t growths = table.growths();
    std::size_t restarts = 0;
    std::uint64_t added = 500;
    std::set<std::uint64_t> emitted;
    for (std::size_t cursor = 0; cursor < table.capacity();) {
        cursor = table.scan(cursor, 7, [&](std::uint64_t key, int, bool& flag) {
            if (std::exchange(flag, true)) return;
            EXPECT_TRUE(emitted.insert(key).second) << key;
        });
        if (added < 3000)
            for (int n = 0; n < 20; ++n) value_of(table, added++) = 1;
        if (std::exchange(growths, table.growths()) != table.growths()) {
            cursor = 0;
            ++restarts;
        }
    }
    EXPECT_GE(restarts, 2U);
    std::size_t flagged = 0;
    for (std::size_t cursor = 0; cursor < table.capacity();)
        cursor = table.scan(cursor, 1000,
                            [&](std::uint64_t, int, bool& flag) { flagged += flag ? 1U : 0U; });
    EXPECT_EQ(flagged, emitted.size());
    for (std::uint64_t i = 0; i < 500; ++i) EXPECT_TRUE(emitted.contains(i));
}
TEST(keyed_table, drains_each_entry_once_while_it_grows) {
    drains_each_entry_once<4096>();
    drains_each_entry_once<16>();
}

using grows_slowly = keyed_table<std::uint64_t, std::uint64_t, key_hash, true, 8, 16>;

/// The first insertion of a growth has been made.
void begin_growth(grows_slowly& table, std::uint64_t& next) {
    std::size_t const growths = table.growths();
    for (; table.growths() == growths || table.capacity() < 1024; ++next)
        value_of(table, next) = next;
}

TEST(keyed_table, moves_few_slots_with_an_insertion_while_it_grows) {
    grows_slowly table;
    std::uint64_t next = 0;
    begin_growth(table, next);
    std::size_t const growths = table.growths();
    EXPECT_TRUE(table.step(0)) << "under way";
    std::size_t insertions = 0;
    while (table.step(0)) {
        value_of(table, next++) = 1;
        ++insertions;
        ASSERT_EQ(table.growths(), growths);
    }
    EXPECT_GE(insertions, table.capacity() / 2 / 16 - 2);
    EXPECT_LE(insertions, table.capacity() / 2 / 16);
}

TEST(keyed_table, finds_and_erases_on_both_sides_of_a_growth) {
    grows_slowly table;
    std::uint64_t next = 0;
    begin_growth(table, next);
    for (std::uint64_t key = 0; key < next; ++key) {
        ASSERT_NE(find(table, key), nullptr) << key;
        ASSERT_EQ(find(table, key)->value, key);
    }
    ASSERT_EQ(find(table, next), nullptr);
    for (std::uint64_t key = 0; key < next; key += 2) table.erase(*find(table, key));
    EXPECT_TRUE(table.step(0));
    EXPECT_EQ(table.size(), next / 2);
    table.step(100);
    for (std::uint64_t key = 0; key < next; ++key)
        ASSERT_EQ(find(table, key) != nullptr, key % 2 == 1) << key;
    EXPECT_FALSE(table.step(~std::size_t{0}));
    for (std::uint64_t key = 0; key < next; ++key)
        ASSERT_EQ(find(table, key) != nullptr, key % 2 == 1) << key;
}

TEST(keyed_table, ends_a_growth_when_it_is_cleared_or_scanned) {
    grows_slowly table;
    std::uint64_t next = 0;
    begin_growth(table, next);
    std::size_t const bytes = table.bytes();
    table.clear();
    EXPECT_FALSE(table.step(0));
    EXPECT_LT(table.bytes(), bytes);
    EXPECT_TRUE(table.empty());
    begin_growth(table, next = 0);
    std::size_t seen = 0, cursor = 0;
    while (cursor < table.capacity())
        cursor = table.scan(cursor, 4, [&](std::uint64_t, std::uint64_t, bool&) { ++seen; });
    EXPECT_EQ(seen, next);
    EXPECT_FALSE(table.step(0));
}

/// While it lives, blocks of this thread are mapped in small pages and given back piece by piece.
struct small_faults {
    small_faults() { detail::faults_of_thread = page_faults::small; }
    ~small_faults() { detail::faults_of_thread = page_faults::large; }
};

TEST(keyed_table, gives_the_old_places_back_while_it_grows) {
    small_faults const here;
    keyed_table<std::uint64_t, std::uint64_t> table;
    for (std::uint64_t i = 0; i < 300'000; ++i) {
        value_of(table, i) = i;
        if (i % 97 == 0) {
            ASSERT_NE(find(table, i / 2), nullptr);
            ASSERT_EQ(find(table, i + 1), nullptr);
        }
    }
    EXPECT_EQ(table.size(), 300'000U);
    for (std::uint64_t i = 0; i < 300'000; ++i) ASSERT_EQ(find(table, i)->value, i);
}

TEST(keyed_table, may_be_left_in_the_middle_of_a_growth) {
    small_faults const here;
    auto const witness = std::make_shared<int>(1);
    for (bool const clears : {true, false}) {
        keyed_table<std::string, std::shared_ptr<int>> table;
        std::uint64_t next = 0;
        for (; table.capacity() < 32768 || !table.step(1000); ++next)
            value_of(table, key_for(static_cast<std::string const*>(nullptr), next)) = witness;
        EXPECT_EQ(witness.use_count(), 1 + static_cast<long>(next));
        for (std::uint64_t i = 0; i < next; i += 3)
            table.erase(*find(table, key_for(static_cast<std::string const*>(nullptr), i)));
        EXPECT_TRUE(table.step(0));
        if (clears) {
            table.clear();
            EXPECT_EQ(witness.use_count(), 1);
        }
    }
    EXPECT_EQ(witness.use_count(), 1);
}

TEST(keyed_table, keeps_within_its_budget) {
    memory_budget budget(100'000);
    std::uint64_t next = 0;
    {
        grows_slowly table;
        table.report_to(budget);
        EXPECT_FALSE(table.refuses_new());
        bool refused = false;
        try {
            for (; next < 100'000; ++next) {
                refused = table.refuses_new();
                value_of(table, next) = next;
                ASSERT_FALSE(refused);
                ASSERT_EQ(budget.used(), table.bytes());
                ASSERT_LE(budget.used(), budget.limit());
            }
            FAIL() << "no limit";
        } catch (failure const& f) {
            EXPECT_EQ(f.code(), exit_code::software);
        }
        EXPECT_TRUE(refused) << "it can be known beforehand";
        EXPECT_TRUE(budget.exceeded());
        EXPECT_EQ(table.size(), next);
        for (std::uint64_t key = 0; key < next; ++key) ASSERT_NE(find(table, key), nullptr);
        table.reset();
        EXPECT_EQ(budget.used(), 0U);
        value_of(table, std::uint64_t{1}) = 1;
        EXPECT_EQ(budget.used(), table.bytes());
        grows_slowly other(std::move(table));
        EXPECT_EQ(budget.used(), other.bytes());
    }
    EXPECT_EQ(budget.used(), 0U);
}

TEST(memory_budget, tells_once_when_it_is_nearly_used_up) {
    memory_budget budget(1000);
    EXPECT_TRUE(budget.take(899));
    EXPECT_FALSE(budget.report_due());
    EXPECT_TRUE(budget.take(1));
    EXPECT_TRUE(budget.report_due());
    EXPECT_FALSE(budget.report_due());
    EXPECT_TRUE(budget.would_exceed(101));
    EXPECT_FALSE(budget.take(101));
    EXPECT_EQ(budget.refusals(), 1U);
    EXPECT_TRUE(budget.take(100));
    budget.give_back(500);
    EXPECT_FALSE(budget.report_due());
    EXPECT_TRUE(budget.take(450));
    EXPECT_TRUE(budget.report_due()) << "again, as it had gone down";
    EXPECT_EQ(budget.peak(), 1000U);
    memory_budget none;
    EXPECT_TRUE(none.take(~std::size_t{0}));
}

TEST(keyed_table, scans_no_more_than_asked_and_bounds_the_empty_slots_it_passes) {
    keyed_table<std::uint64_t, int> table;
    table.reserve(100'000);
    value_of(table, std::uint64_t{1});
    std::size_t turns = 0;
    std::size_t seen = 0;
    for (std::size_t cursor = 0; cursor < table.capacity(); ++turns)
        cursor = table.scan(cursor, 1, [&](std::uint64_t, int, bool&) { ++seen; });
    EXPECT_EQ(seen, 1U);
    EXPECT_GT(turns, 100U);
    for (std::uint64_t i = 0; i < 100; ++i) value_of(table, i);
    EXPECT_EQ(table.scan(0, 0, [](std::uint64_t, int, bool&) { FAIL(); }), 0U);
    seen = 0;
    EXPECT_EQ(table.scan(0, ~std::size_t{0}, [&](std::uint64_t, int, bool&) { ++seen; }),
              table.capacity());
    EXPECT_EQ(seen, 100U);
}

TEST(keyed_table, scan_erase_misses_no_entry) {
    std::uint64_t const seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200; ++round) {
        keyed_table<std::uint64_t, std::uint64_t> table;
        std::size_t const count = random() % 400;
        for (std::size_t i = 0; i < count; ++i) value_of(table, random() % 1000) = random() % 2;
        std::size_t expected = 0;
        table.scan(0, 10'000,
                   [&](std::uint64_t, std::uint64_t value, bool&) { expected += value; });
        for (std::size_t cursor = 0; cursor < table.capacity();)
            cursor =
                table.scan_erase(cursor, 1 + random() % 5,
                                 [](std::uint64_t, std::uint64_t value) { return value == 0; });
        EXPECT_EQ(table.size(), expected);
        table.scan(0, 10'000, [&](std::uint64_t key, std::uint64_t value, bool&) {
            EXPECT_EQ(value, 1U);
            EXPECT_NE(find(table, key), nullptr);
        });
    }
}

/// How far the worst entry lies from its home.
template <class Table>
std::size_t longest_run(Table& table) {
    std::vector<std::uint64_t> homes;
    std::size_t worst = 0;
    std::size_t const room = table.capacity();
    std::size_t shift = 64;
    for (std::size_t n = room; n > 1; n /= 2) --shift;
    for (std::size_t i = 0; i < room; ++i)
        table.scan(i, 1, [&, first = true](auto const& key, auto&, bool&) mutable {
            if (!std::exchange(first, false)) return;
            auto* const entry = find(table, key);
            std::size_t const home = table.hash(key) >> shift;
            static auto* base = entry;
            if (homes.empty()) base = entry - i;
            homes.push_back(home);
            worst = std::max(worst, (static_cast<std::size_t>(entry - base) - home) & (room - 1));
        });
    return worst;
}

TEST(keyed_table, keeps_runs_short_for_strided_keys) {
    for (std::uint64_t stride :
         {1ULL, 2ULL, 8ULL, 10ULL, 64ULL, 1000ULL, 1024ULL, 10'946ULL, 3'600'000ULL, 1ULL << 32,
          1'000'000'000ULL, 0x9E3779B97F4A7C15ULL}) {
        keyed_table<std::uint64_t, char> table;
        for (std::uint64_t i = 0; i < 3000; ++i) value_of(table, i * stride);
        EXPECT_LE(longest_run(table), 160U) << stride;
        EXPECT_LE(table.capacity(), 16'384U) << stride;
    }
}

// Filled in the order of another table's scan, a table of half its size would hold all in one run.
TEST(keyed_table, takes_keys_in_the_order_of_their_hash_without_long_runs) {
    keyed_table<std::uint64_t, char> first;
    for (std::uint64_t i = 0; i < 100'000; ++i) value_of(first, i * 7919);
    keyed_table<std::uint64_t, char> second;
    std::vector<std::uint64_t> order;
    first.scan(0, ~std::size_t{0}, [&](std::uint64_t key, char, bool&) { order.push_back(key); });
    for (std::uint64_t key : order) value_of(second, key);
    EXPECT_EQ(second.size(), first.size());
    EXPECT_EQ(second.capacity(), first.capacity());
}

struct same_hash {
    int id;
    friend bool operator==(same_hash a, same_hash b) { return a.id == b.id; }
    friend std::uint64_t hash_value(same_hash) { return 1; }
};
TEST(keyed_table, stays_correct_and_small_when_all_hashes_are_equal) {
    keyed_table<same_hash, int> table;
    for (int i = 0; i < 2000; ++i) value_of(table, same_hash{i}) = i;
    for (int i = 0; i < 2000; i += 3) table.erase(*find(table, same_hash{i}));
    for (int i = 0; i < 2000; ++i) EXPECT_EQ(find(table, same_hash{i}) != nullptr, i % 3 != 0);
    EXPECT_LE(table.capacity(), 32'768U);
}

TEST(keyed_table, takes_pages_of_two_mebibytes_when_large_and_refuses_the_impossible) {
    keyed_table<std::uint64_t, std::uint64_t> table;
    for (std::uint64_t i = 0; i < 400'000; ++i) value_of(table, i) = i;
    EXPECT_GT(table.bytes(), std::size_t{2} << 20);
    EXPECT_EQ(table.bytes() % (std::size_t{2} << 20), 0U);
    for (std::uint64_t i = 0; i < 400'000; ++i) ASSERT_EQ(find(table, i)->value, i);
    EXPECT_THROW(table.reserve(std::size_t{1} << 33), std::bad_alloc);
    EXPECT_EQ(table.size(), 400'000U);
    EXPECT_EQ(find(table, std::uint64_t{77})->value, 77U);
}

TEST(single_entry, holds_one_value_and_scans_it_once) {
    struct no_key {};
    single_entry<no_key, std::unique_ptr<int>> entries;
    EXPECT_TRUE(entries.empty());
    EXPECT_EQ(entries.find(no_key{}, 0), nullptr);
    EXPECT_EQ(entries.scan(0, 5, [](auto&&...) { FAIL(); }), 1U);
    auto const made = entries.find_or_insert(no_key{}, 0);
    EXPECT_TRUE(made.inserted);
    made.entry.value = std::make_unique<int>(5);
    EXPECT_FALSE(entries.find_or_insert(no_key{}, 0).inserted);
    int seen = 0;
    EXPECT_EQ(entries.scan(0, 5,
                           [&](no_key, std::unique_ptr<int>& value, bool& flag) {
                               seen += *value;
                               flag = true;
                           }),
              entries.capacity());
    EXPECT_EQ(seen, 5);
    EXPECT_TRUE(entries.find(no_key{}, 0)->flag());
    entries.scan_erase(0, 1, [](no_key, auto&) { return true; });
    EXPECT_TRUE(entries.empty());
}
}  // namespace
