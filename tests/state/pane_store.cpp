// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/state/pane_store.hpp>
#include <millrace/state/pending_updates.hpp>

namespace {
using namespace millrace;
using store = pane_store<std::uint64_t, std::uint64_t>;

constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

void add(store::pane& p, std::uint64_t key) {
    ++p.entries.find_or_insert(key, p.entries.hash(key)).entry.value;
}
std::vector<std::int64_t> starts(store const& s) {
    std::vector<std::int64_t> out;
    for (auto* p = s.oldest(); p != nullptr; p = s.next(*p)) out.push_back(p->start.ns);
    return out;
}

TEST(pane_store, opens_a_pane_once_and_finds_it_by_any_time_it_covers) {
    store s(seconds(1));
    auto& p = s.covering(time_point{1'500'000'000});
    EXPECT_EQ(p.start.ns, 1'000'000'000);
    EXPECT_EQ(p.end.ns, 2'000'000'000);
    EXPECT_EQ(&s.covering(time_point{1'999'999'999}), &p);
    EXPECT_EQ(&s.covering(time_point{1'000'000'000}), &p);
    EXPECT_EQ(&s.at(time_point{1'000'000'000}), &p);
    EXPECT_NE(&s.covering(time_point{2'000'000'000}), &p);
    EXPECT_EQ(s.find(time_point{1'000'000'000}), &p);
    EXPECT_EQ(s.find(time_point{0}), nullptr);
    EXPECT_EQ(s.covering(time_point{-1}).start.ns, -1'000'000'000);
    EXPECT_EQ(s.size(), 3U);
}

TEST(pane_store, leads_panes_through_due_drained_and_released_in_order_of_time) {
    store s(duration{10});
    for (std::int64_t t : {35, 5, 15, 25}) add(s.covering(time_point{t}), 1);
    EXPECT_EQ(starts(s), (std::vector<std::int64_t>{0, 10, 20, 30}));
    EXPECT_EQ(s.take_due(time_point{9}), nullptr);
    EXPECT_EQ(s.take_due(time_point{20})->start.ns, 0);
    EXPECT_EQ(s.undrained()->start.ns, 0);
    EXPECT_EQ(s.take_due(time_point{20})->start.ns, 10);
    EXPECT_EQ(s.take_due(time_point{20}), nullptr);
    EXPECT_EQ(s.pending()->start.ns, 20);
    EXPECT_EQ(s.undrained()->start.ns, 0);
    s.finish_drain(*s.undrained());
    EXPECT_EQ(s.undrained()->start.ns, 10);
    s.finish_drain(*s.undrained());
    EXPECT_EQ(s.undrained(), nullptr);
    s.release(*s.oldest());
    EXPECT_EQ(starts(s), (std::vector<std::int64_t>{10, 20, 30}));
    EXPECT_EQ(s.take_due(time_point{30})->start.ns, 20);
    EXPECT_EQ(s.undrained()->start.ns, 20);
    s.release(*s.undrained());
    EXPECT_EQ(s.undrained(), nullptr);
    EXPECT_EQ(s.pending()->start.ns, 30);
    s.release(*s.pending());
    EXPECT_EQ(s.pending(), nullptr);
    EXPECT_EQ(starts(s), (std::vector<std::int64_t>{10}));
}

TEST(pane_store, bears_a_pane_due_and_drained_when_its_end_has_passed) {
    store s(duration{10});
    s.covering(time_point{25});
    EXPECT_EQ(s.take_due(time_point{20}), nullptr);
    auto& late = s.covering(time_point{12});
    EXPECT_TRUE(late.due && late.drained);
    EXPECT_EQ(s.undrained(), nullptr);
    EXPECT_EQ(s.pending()->start.ns, 20);
    auto& earlier = s.covering(time_point{-5});
    EXPECT_TRUE(earlier.due && earlier.drained);
    EXPECT_EQ(s.take_due(time_point{30})->start.ns, 20);
    EXPECT_EQ(s.undrained()->start.ns, 20);
    EXPECT_EQ(starts(s), (std::vector<std::int64_t>{-10, 10, 20}));
}

TEST(pane_store, recycles_panes_with_their_room_and_without_their_contents) {
    store s(duration{10});
    std::size_t room = 0;
    for (std::int64_t i = 0; i < 50; ++i) {
        auto& p = s.covering(time_point{10 * i});
        EXPECT_TRUE(p.entries.empty());
        EXPECT_EQ(p.records, 0U);
        EXPECT_EQ(p.drain_cursor, 0U);
        EXPECT_FALSE(p.due || p.drained);
        for (std::uint64_t k = 0; k < 1000; ++k) add(p, k + static_cast<std::uint64_t>(i));
        p.records = 7;
        p.drain_cursor = 9;
        ASSERT_EQ(s.take_due(p.end), &p);
        s.finish_drain(p);
        if (i == 1) room = s.bytes();
        if (i > 1) {
            EXPECT_EQ(s.bytes(), room);
            EXPECT_EQ(p.entries.growths(), 8U);  // 16 to 2048 slots
        }
        s.release(p);
    }
}

TEST(pane_store, gives_large_tables_back_piece_by_piece_where_turns_are_bounded) {
    detail::faults_of_thread = page_faults::small;
    memory_budget budget;
    {
        store s(duration{10});
        s.report_to(budget);
        for (std::uint64_t k = 0; k < 200'000; ++k) add(s.covering(time_point{0}), k);
        std::size_t const full = s.bytes();
        EXPECT_GT(budget.used(), full / 2);
        for (std::int64_t i = 1; i < 40; ++i) {
            add(s.covering(time_point{10 * i}), 1);
            s.release(*s.oldest());
        }
        EXPECT_LT(budget.used(), full / 100);
        std::size_t turns = 0;
        for (std::size_t before = s.bytes(); before > full / 100; ++turns) {
            s.take_due(time_point{0});
            ASSERT_LT(s.bytes(), before);
            ASSERT_LE(before - s.bytes(), store::retired_a_turn);
            before = s.bytes();
        }
        EXPECT_GE(turns, full / store::retired_a_turn / 2);
    }
    EXPECT_EQ(budget.used(), 0U);
    detail::faults_of_thread = page_faults::large;
}

TEST(pane_store, returns_to_near_empty) {
    store s(duration{10});
    for (std::uint64_t k = 0; k < 200'000; ++k) add(s.covering(time_point{0}), k);
    std::size_t const full = s.bytes();
    s.release(*s.oldest());
    add(s.covering(time_point{10}), 1);
    s.release(*s.oldest());
    EXPECT_GT(s.bytes(), full / 2);  // one small pane between large ones gives nothing back
    for (std::int64_t i = 2; i < 40; ++i) {
        add(s.covering(time_point{10 * i}), 1);
        s.release(*s.oldest());
    }
    EXPECT_LT(s.bytes(), full / 100);
    for (std::int64_t i = 0; i < 1000; ++i) add(s.covering(time_point{10 * i}), 1);
    while (s.oldest() != nullptr) s.release(*s.oldest());
    EXPECT_LT(s.bytes(), full / 10);
    s.trim();
    EXPECT_LT(s.bytes(), full / 10);
    EXPECT_TRUE(s.empty());
}

TEST(pane_store, keeps_panes_at_the_ends_of_time) {
    for (std::int64_t const length :
         std::vector<std::int64_t>{1, 10, 1'000'000'000, 3'600'000'000'000, highest}) {
        store s{duration{length}};
        auto& last = s.covering(time_point{highest});
        EXPECT_LE(last.start.ns, highest);
        EXPECT_EQ(last.end.ns, highest);
        auto& first = s.covering(time_point{lowest});
        EXPECT_EQ(first.start.ns, lowest);
        EXPECT_GT(first.end.ns, lowest);
        EXPECT_LE(first.end - first.start, duration{length});
        auto& second = s.covering(first.end);
        EXPECT_NE(&second, &first);
        EXPECT_EQ(second.start, first.end);
        EXPECT_EQ(&s.covering(time_point{first.end.ns - 1}), &first);
        EXPECT_EQ(&s.covering(time_point{highest}), &last);
        EXPECT_EQ(s.oldest(), &first);
        std::size_t due = 0;
        while (s.take_due(time_point::max()) != nullptr) ++due;
        EXPECT_EQ(due, s.size());
        while (s.oldest() != nullptr) s.release(*s.oldest());
        EXPECT_TRUE(s.empty());
    }
}

TEST(pane_store, takes_any_length_as_at_least_one) {
    store s(duration{0});
    EXPECT_EQ(s.covering(time_point{5}).end.ns, 6);
}

void opens_and_releases(std::vector<std::int64_t> const& order) {
    store s(duration{10});
    for (std::int64_t i : order) add(s.at(time_point{10 * i}), static_cast<std::uint64_t>(i));
    EXPECT_EQ(s.size(), order.size());
    for (std::int64_t i : order) ASSERT_NE(s.find(time_point{10 * i}), nullptr);
    std::int64_t before = lowest;
    while (auto* p = s.take_due(time_point::max())) {
        ASSERT_LT(before, p->start.ns);
        before = p->start.ns;
        ASSERT_EQ(p->entries.size(), 1U);
        ASSERT_EQ(s.undrained(), p);
        s.finish_drain(*p);
        s.release(*p);
    }
    EXPECT_TRUE(s.empty());
    s.trim();
    EXPECT_LT(s.bytes(), std::size_t{100} << 20);
}

TEST(pane_store, holds_a_million_panes_in_any_order) {
    std::vector<std::int64_t> order(1'000'000);
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
    opens_and_releases(order);
    order.resize(250'000);
    std::reverse(order.begin(), order.end());
    opens_and_releases(order);
    std::shuffle(order.begin(), order.end(), std::mt19937_64(7));
    opens_and_releases(order);
}

TEST(pane_store, behaves_like_an_ordered_map_under_random_operations) {
    std::uint64_t const first = std::random_device{}();
    std::printf("first seed %llu\n", static_cast<unsigned long long>(first));
    for (std::uint64_t seed = first; seed < first + 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        store s(duration{10});
        struct twin {
            std::map<std::uint64_t, std::uint64_t> entries;
            bool due = false;
            bool drained = false;
        };
        std::map<std::int64_t, twin> model;
        std::int64_t watermark = lowest;
        std::int64_t now = 0;
        for (int step = 0; step < 3000; ++step) {
            now += static_cast<std::int64_t>(random() % 5);
            switch (random() % 8) {
                default: {
                    std::int64_t const t = now - static_cast<std::int64_t>(random() % 400);
                    std::uint64_t const key = random() % 50;
                    auto& p = s.covering(time_point{t});
                    std::int64_t const start = (t >= 0 ? t / 10 : (t - 9) / 10) * 10;
                    bool const fresh = !model.contains(start);
                    auto& m = model[start];
                    if (fresh) m.due = m.drained = start + 10 <= watermark;
                    ASSERT_EQ(p.start.ns, start);
                    ASSERT_EQ(p.due, m.due);
                    ASSERT_EQ(p.drained, m.drained);
                    add(p, key);
                    ++m.entries[key];
                    break;
                }
                case 0: {
                    watermark = std::max(watermark, now - 200);
                    while (auto* p = s.take_due(time_point{watermark})) {
                        auto const due = std::find_if(model.begin(), model.end(),
                                                      [](auto& m) { return !m.second.due; });
                        ASSERT_NE(due, model.end());
                        ASSERT_EQ(due->first, p->start.ns);
                        due->second.due = true;
                    }
                    for (auto& [start, m] : model) ASSERT_EQ(m.due, start + 10 <= watermark);
                    break;
                }
                case 1:
                    if (auto* p = s.undrained()) {
                        auto& m = model[p->start.ns];
                        for (auto& [start, other] : model)
                            ASSERT_TRUE(start >= p->start.ns || other.drained);
                        ASSERT_TRUE(m.due && !m.drained);
                        std::size_t seen = 0;
                        while (p->drain_cursor < p->entries.capacity())
                            p->drain_cursor = p->entries.scan(p->drain_cursor, 3,
                                                              [&](auto key, auto value, bool&) {
                                                                  ++seen;
                                                                  ASSERT_EQ(m.entries[key], value);
                                                              });
                        ASSERT_EQ(seen, m.entries.size());
                        m.drained = true;
                        s.finish_drain(*p);
                    } else {
                        for (auto& [start, m] : model) ASSERT_EQ(m.due, m.drained);
                    }
                    break;
                case 2:
                    while (s.oldest() != nullptr && s.oldest()->drained && random() % 3 != 0) {
                        ASSERT_EQ(s.oldest()->start.ns, model.begin()->first);
                        model.erase(model.begin());
                        s.release(*s.oldest());
                    }
                    break;
                case 3:
                    if (!model.empty() && random() % 4 == 0) {
                        auto const any = std::next(
                            model.begin(), static_cast<std::ptrdiff_t>(random() % model.size()));
                        s.release(*s.find(time_point{any->first}));
                        model.erase(any);
                    }
                    break;
            }
            ASSERT_EQ(s.size(), model.size());
            auto* const pending = s.pending();
            auto const first_open =
                std::find_if(model.begin(), model.end(), [](auto& m) { return !m.second.due; });
            ASSERT_EQ(pending == nullptr, first_open == model.end());
            ASSERT_TRUE(pending == nullptr || pending->start.ns == first_open->first);
        }
        std::vector<std::int64_t> expected;
        for (auto& [start, m] : model) expected.push_back(start);
        EXPECT_EQ(starts(s), expected);
    }
}

TEST(pane_store, serves_windows_without_a_key) {
    struct no_key {};
    pane_store<no_key, std::uint64_t> s(duration{10});
    for (std::int64_t t = 0; t < 100; ++t)
        ++s.covering(time_point{t}).entries.find_or_insert(no_key{}, 0).entry.value;
    std::size_t rows = 0;
    while (auto* p = s.take_due(time_point::max())) {
        p->entries.scan(0, 1, [&](no_key, std::uint64_t n, bool&) { rows += n == 10 ? 1U : 0U; });
        s.finish_drain(*p);
        s.release(*p);
    }
    EXPECT_EQ(rows, 10U);
    EXPECT_TRUE(s.covering(time_point{1000}).entries.empty());
}

TEST(pending_updates, gives_the_same_as_updating_at_once_and_in_the_same_order) {
    using texts = pane_store<std::string, std::string>;
    std::mt19937_64 random(5);
    texts at_once(duration{10});
    texts deferred(duration{10});
    pending_updates<texts, std::unique_ptr<std::string>> waiting;
    auto const apply = [](texts::pane& p, texts::table::slot& entry, bool inserted,
                          std::unique_ptr<std::string>& add) {
        p.records += inserted ? 1 : 0;
        entry.value += *add;
    };
    for (int i = 0; i < 20'000; ++i) {
        time_point const t{static_cast<std::int64_t>(random() % 40)};
        std::string const key =
            "a key beyond the small string size " + std::to_string(random() % 500);
        auto& p = at_once.covering(t);
        p.entries.find_or_insert(key, p.entries.hash(key)).entry.value += std::to_string(i);
        auto& q = deferred.covering(t);
        if (waiting.full()) waiting.flush(apply);
        waiting.push(q, q.entries.hash(key), key, std::make_unique<std::string>(std::to_string(i)));
    }
    EXPECT_FALSE(waiting.empty());
    waiting.flush(apply);
    EXPECT_TRUE(waiting.empty());
    for (auto* p = at_once.oldest(); p != nullptr; p = at_once.next(*p)) {
        auto* const q = deferred.find(p->start);
        ASSERT_NE(q, nullptr);
        EXPECT_EQ(q->entries.size(), p->entries.size());
        EXPECT_EQ(q->records, q->entries.size());
        p->entries.scan(0, 100'000, [&](std::string const& key, std::string const& value, bool&) {
            auto* const entry = q->entries.find(key, q->entries.hash(key));
            ASSERT_NE(entry, nullptr);
            EXPECT_EQ(entry->value, value);
        });
    }
    waiting.push(deferred.covering(time_point{0}), 0, "left behind when it dies",
                 std::make_unique<std::string>());
}

TEST(pending_updates, goes_on_behind_an_update_that_threw) {
    store s(duration{10});
    pending_updates<store, int> waiting;
    auto& p = s.at(time_point{0});
    for (int i = 0; i < 5; ++i) waiting.push(p, p.entries.hash(std::uint64_t{1}), 1, i);
    int seen = 0;
    auto const apply = [&](auto&, auto& entry, bool, int i) {
        if (i == 2) throw std::runtime_error("two");
        ++entry.value;
        ++seen;
    };
    EXPECT_THROW(waiting.flush(apply), std::runtime_error);
    EXPECT_EQ(waiting.size(), 2U);
    waiting.flush(apply);
    EXPECT_EQ(seen, 4);
    EXPECT_TRUE(waiting.empty());
}
}  // namespace
