// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What holds across stages: order, records that can only be moved, and that nothing is lost when
// something throws.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;
constexpr std::size_t batches[] = {1, 2, 3, 64, 65'536};

struct item {
    int id = 0;
    int key = 0;
};
MILLRACE_RECORD(item, id, key);

std::vector<item> items(int size, int first = 0) {
    std::vector<item> out;
    for (int i = 0; i < size; ++i) out.push_back({first + i, i * 7 % 5});
    return out;
}
bool ascending(std::vector<item> const& v) {
    return std::is_sorted(v.begin(), v.end(),
                          [](item const& a, item const& b) { return a.id < b.id; });
}
void expect_sound(report const& r) {
    for (auto const& sentence : lost_records(r)) ADD_FAILURE() << sentence << "\n" << to_text(r);
}

// --- order
// ----------------------------------------------------------------------------------------------------------

TEST(order, is_kept_by_every_stage_of_one_stream) {
    for (std::size_t const batch : batches) {
        std::vector<item> seen;
        std::vector<item> teed;
        std::vector<item> out;
        auto const r = run(from(items(500)) | filter([](item const& i) {
                               return i.id % 3 != 0;
                           }) | map([](item i) {
                               i.id *= 2;
                               return i;
                           }) | inspect([&](item const& i) {
                               seen.push_back(i);
                           }) | flat_map<3>([](item const& i) {
                               return std::vector<item>{{10 * i.id, i.key}, {10 * i.id + 1, i.key}};
                           }) | tee(filter([](item const& i) { return i.key != 2; }) | to(teed))
                               | event_time([](item const& i) { return time_point{i.id}; })
                               | key_by(field<&item::key>)
                               | reduce([](item const&, item const& b) { return b; }) | to(out),
                           {.batch = batch});
        expect_sound(r);
        EXPECT_EQ(out.size(), 666U);
        EXPECT_TRUE(ascending(seen));
        EXPECT_TRUE(ascending(teed));
        EXPECT_TRUE(ascending(out));
    }
}

TEST(order, of_a_fork_is_part_by_part_for_each_record) {
    for (std::size_t const batch : batches) {
        std::vector<item> out;
        auto twice = [](item i) {
            i.key = 100;
            return i;
        };
        auto const r = run(
            from(items(9)) | merge(filter([](item const& i) { return i.id % 2 == 0; }), map(twice))
                | to(out),
            {.batch = batch});
        expect_sound(r);
        ASSERT_EQ(out.size(), 14U);
        EXPECT_TRUE(ascending(out));
        for (std::size_t i = 0; i + 1 < out.size(); ++i)
            if (out[i].id == out[i + 1].id) {
                EXPECT_NE(out[i].key, 100);
                EXPECT_EQ(out[i + 1].key, 100);
            }
    }
}

TEST(order, of_merged_inputs_is_kept_within_each_and_takes_a_batch_of_each_in_turn) {
    std::vector<item> out;
    auto const r = run(merge(from(items(5)), from(items(3, 100))) | to(out), {.batch = 2});
    expect_sound(r);
    std::vector<int> ids;
    for (item const& i : out) ids.push_back(i.id);
    EXPECT_EQ(ids, (std::vector<int>{0, 1, 100, 101, 2, 3, 102, 4}));
}

TEST(order, of_a_split_is_kept_on_every_way) {
    std::vector<item> a;
    std::vector<item> b;
    std::vector<item> rest;
    auto const r = run(from(items(100))
                           | split(when<"zero">([](item const& i) { return i.key == 0; }, to(a)),
                                   when<"one">([](item const& i) { return i.key <= 1; }, to(b)))
                           | to(rest),
                       {.batch = 7});
    expect_sound(r);
    EXPECT_EQ(a.size() + b.size() + rest.size(), 100U);
    EXPECT_EQ(a.size(), 20U);
    EXPECT_EQ(b.size(), 20U);
    EXPECT_TRUE(ascending(a) && ascending(b) && ascending(rest));
}

// --- records that can only be moved
// ---------------------------------------------------------------------------------

struct parcel {
    std::unique_ptr<int> body;
    std::int64_t t = 0;
};
std::vector<parcel> parcels(int size) {
    std::vector<parcel> out;
    for (int i = 0; i < size; ++i) out.push_back({std::make_unique<int>(i), i});
    return out;
}

TEST(move_only, records_go_from_end_to_end) {
    for (std::size_t const batch : batches) {
        std::vector<parcel> odd;
        std::vector<parcel> out;
        auto const r =
            run(from(parcels(20)) | filter([](parcel const& p) { return *p.body != 3; })
                    | map([](parcel p) {
                          *p.body += 100;
                          return p;
                      })
                    | inspect([](parcel const& p) { ASSERT_NE(p.body, nullptr); })
                    | flat_map<2>([](parcel const& p, emitter<parcel>& emit) {
                          emit(std::make_unique<int>(*p.body), p.t);
                          if (*p.body == 101) emit(std::make_unique<int>(1000), p.t);
                      })
                    | split(when<"odd">([](parcel const& p) { return *p.body % 2 != 0; }, to(odd)))
                    | event_time([](parcel const& p) { return time_point{p.t}; }) | to(out),
                {.batch = batch});
        expect_sound(r);
        EXPECT_EQ(odd.size(), 9U);
        EXPECT_EQ(out.size(), 11U);
        EXPECT_EQ(*out.front().body, 100);
        EXPECT_EQ(*out[1].body, 1000);
    }
}
TEST(move_only, records_are_aggregated_by_what_their_fields_give) {
    std::vector<std::int64_t> sums;
    auto const r = run(generate([left = parcels(10)]() mutable -> std::optional<parcel> {
                           if (left.empty()) return {};
                           parcel p = std::move(left.back());
                           left.pop_back();
                           return p;
                       })
                       | event_time([](parcel const& p) { return time_point{p.t}; },
                                    bounded_disorder{duration{100}})
                       | key_by<"parity">([](parcel const& p) { return *p.body % 2; })
                       | window(tumbling{duration{100}})
                       | sum<"bodies">([](parcel const& p) { return *p.body; })
                       | to([&](auto const& row) { sums.push_back(get<"bodies">(row)); }));
    expect_sound(r);
    std::sort(sums.begin(), sums.end());
    EXPECT_EQ(sums, (std::vector<std::int64_t>{20, 25}));
}
TEST(move_only, records_reach_their_dead_letter) {
    std::vector<int> dead;
    std::vector<parcel> out;
    auto const r = run(from(parcels(4)) | map([](parcel p) {
                           if (*p.body == 2) throw std::runtime_error("two");
                           return p;
                       })
                       | to(out));
    EXPECT_EQ(r.code, exit_code::data);
    expect_sound(r);
    auto const again = run(
        from(parcels(4)) | filter([](parcel const& p) {
            if (*p.body == 2) throw std::runtime_error("two");
            return true;
        })
        | on_error([&](auto const& letter) { dead.push_back(*letter.input().body); }) | discard());
    expect_sound(again);
    EXPECT_EQ(dead, std::vector<int>{2});
}

}  // namespace
