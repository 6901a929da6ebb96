// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::outcome;
using millrace_test::run_by_hand;
using millrace_test::throws_at;

std::vector<int> const numbers{1, 2, 3, 4, 5};

/// Which records throw: the first, the last, one between, every one, none.
std::vector<std::vector<int>> const culprits{{1}, {5}, {3}, {1, 2, 3, 4, 5}, {}};
std::vector<int> without(std::vector<int> const& bad) {
    std::vector<int> rest;
    for (int const n : numbers)
        if (std::find(bad.begin(), bad.end(), n) == bad.end()) rest.push_back(n);
    return rest;
}

// Every stage that calls a function of the user's, guarded by `policy`: what comes out of each is
// what went in.
constexpr auto map_with = [](throws_at bad, auto policy) {
    return map<"stage">([bad](int n) { return bad(n), n; }) | policy;
};
constexpr auto filter_with = [](throws_at bad, auto policy) {
    return filter<"stage">([bad](int n) { return bad(n), true; }) | policy;
};
constexpr auto inspect_with = [](throws_at bad, auto policy) {
    return inspect<"stage">([bad](int n) { bad(n); }) | policy;
};
constexpr auto emitter_with = [](throws_at bad, auto policy) {
    return flat_map<2, "stage">([bad](int n, emitter<int>& emit) {
               emit(n);
               bad(n);
           })
           | policy;
};
constexpr auto range_with = [](throws_at bad, auto policy) {
    return flat_map<2, "stage">([bad](int n) { return bad(n), std::vector<int>{n}; }) | policy;
};
constexpr auto event_time_with = [](throws_at bad, auto policy) {
    return event_time([bad](int n) { return bad(n), time_point{n}; }) | policy;
};
// The last number is the state: it survives only if a failed record did not touch it.
constexpr auto reduce_with = [](throws_at bad, auto policy) {
    return key_by([](int) { return 0; }) | reduce<"stage">([bad](int, int n) { return bad(n), n; })
           | policy;
};
constexpr auto fold_with = [](throws_at bad, auto policy) {
    return key_by([](int) { return 0; }) | fold<"last">(0, [bad](int, int n) { return bad(n), n; })
           | policy | map([](auto const& r) { return get<"last">(r); });
};
constexpr auto max_with = [](throws_at bad, auto policy) {
    return key_by([](int) { return 0; }) | max<"last">([bad](int n) { return bad(n), n; }) | policy
           | map([](auto const& r) { return get<"last">(r); });
};
constexpr auto key_with = [](throws_at bad, auto policy) {
    return key_by<"stage">([bad](int n) { return bad(n), n % 2; }) | policy
           | reduce([](int, int n) { return n; });
};
constexpr auto key_of_window_with = [](throws_at bad, auto policy) {
    return key_by<"stage">([bad](int n) { return bad(n), n; }) | policy | window(global{})
           | max<"last">([](int n) { return n; })
           | map([](auto const& r) { return get<"last">(r); });
};
constexpr auto global_with = [](throws_at bad, auto policy) {
    return window_all(global{})
           | fold<"list">(std::vector<int>{},
                          [bad](std::vector<int> v, int n) {
                              v.push_back(n);
                              bad(n);
                              return v;
                          })
           | policy | flat_map<8>([](auto const& r) { return get<"list">(r); });
};
constexpr auto time_window_with = [](throws_at bad, auto policy) {
    return event_time([](int n) { return time_point{n}; }) | key_by([](int) { return 0; })
           | window(tumbling{duration{1}}) | fold<"n">(0, [bad](int, int n) { return bad(n), n; })
           | policy | map([](auto const& r) { return get<"n">(r); });
};

std::uint64_t sum_of(outcome const& o, std::uint64_t stage_counts::* which) {
    std::uint64_t sum = 0;
    for (auto const& n : o.nodes) sum += n.counts.*which;
    return sum;
}

template <class Make>
void expect_policies(Make make, bool keeps_order = true,
                     std::vector<std::vector<int>> const& all = culprits) {
    for (auto const& bad : all) {
        for (std::size_t const batch : {1U, 2U, 100U}) {
            auto const sorted = [&](std::vector<int> v) {
                if (!keeps_order) std::sort(v.begin(), v.end());
                return v;
            };
            std::vector<int> out;
            auto const dropped =
                run_by_hand(from(numbers) | make(throws_at{bad}, on_error(drop)) | to(out), batch);
            EXPECT_EQ(sorted(out), without(bad));
            EXPECT_EQ(sum_of(dropped, &stage_counts::dropped), bad.size());
            EXPECT_EQ(dropped.code, 0);

            out.clear();
            std::vector<int> dead;
            std::vector<std::string> reasons;
            auto const letters = run_by_hand(
                from(numbers)
                    | make(throws_at{bad}, on_error(to<"dead">([&](dead_letter<int> const& d) {
                               dead.push_back(d.input());
                               reasons.emplace_back(d.reason);
                           })))
                    | to(out),
                batch);
            EXPECT_EQ(sorted(out), without(bad));
            EXPECT_EQ(dead, bad);
            for (std::size_t i = 0; i < bad.size(); ++i)
                EXPECT_EQ(reasons[i], "bad " + std::to_string(bad[i]));
            EXPECT_EQ(sum_of(letters, &stage_counts::dead), bad.size());
            EXPECT_EQ(letters.of("dead").in, bad.size());

            out.clear();
            auto const stopped =
                run_by_hand(from(numbers) | make(throws_at{bad}, on_error(stop)) | to(out), batch);
            EXPECT_EQ(stopped.code, bad.empty() ? 0 : 65);
            EXPECT_EQ(sum_of(stopped, &stage_counts::dead), bad.empty() ? 0U : 1U);
            if (!bad.empty()) {
                EXPECT_NE(stopped.stopped.find("bad " + std::to_string(bad[0])), std::string::npos)
                    << stopped.stopped;
                EXPECT_EQ(stopped.of("from").out, static_cast<std::uint64_t>(bad[0]));
            }
        }
    }
}

TEST(on_error, guards_map) { expect_policies(map_with); }
TEST(on_error, guards_filter) { expect_policies(filter_with); }
TEST(on_error, guards_inspect) { expect_policies(inspect_with); }
TEST(on_error, guards_flat_map) {
    expect_policies(emitter_with);
    expect_policies(range_with);
}
TEST(on_error, guards_event_time) { expect_policies(event_time_with); }
TEST(on_error, guards_key_by) {
    expect_policies(key_with);
    expect_policies(key_of_window_with, false);
}
TEST(on_error, guards_reduce) {
    // The first record of a key is the first result: no function is called for it.
    expect_policies(reduce_with, true, {{2}, {3}, {5}, {2, 3, 4, 5}, {}});
}
TEST(on_error, guards_aggregates) {
    expect_policies(fold_with);
    expect_policies(max_with);
}
TEST(on_error, guards_windows) {
    expect_policies(global_with);
    expect_policies(time_window_with);
}

TEST(on_error, guards_a_sink) {
    for (auto const& bad : culprits) {
        std::vector<int> out;
        std::vector<int> dead;
        auto const sink = [&](int n) { return throws_at{bad}(n), out.push_back(n); };
        auto const dropped = run_by_hand(from(numbers) | to<"sink">(sink) | on_error(drop));
        EXPECT_EQ(out, without(bad));
        EXPECT_EQ(dropped.of("sink").dropped, bad.size());
        EXPECT_EQ(dropped.of("sink").out, numbers.size() - bad.size());
        out.clear();
        run_by_hand(from(numbers) | to<"sink">(sink)
                    | on_error(to([&](dead_letter<int> const& d) { dead.push_back(d.input()); })));
        EXPECT_EQ(out, without(bad));
        EXPECT_EQ(dead, bad);
        auto const stopped = run_by_hand(from(numbers) | to<"sink">(sink));
        EXPECT_EQ(stopped.code, bad.empty() ? 0 : 65);
        EXPECT_EQ(stopped.of("sink").dead, bad.empty() ? 0U : 1U);
    }
}
TEST(on_error, behind_a_source_holds_for_every_stage_without_a_policy) {
    std::vector<int> out;
    std::vector<std::string> stages;
    auto const bad = [](int culprit) {
        return [culprit](int n) {
            if (n == culprit) throw std::runtime_error("no");
            return true;
        };
    };
    auto const o =
        run_by_hand(from(numbers) | on_error(to<"dead">([&](dead_letter<bytes> const& d) {
                        stages.emplace_back(d.stage);
                        EXPECT_EQ(d.record, nullptr);
                    }))
                    | filter<"one">(bad(1)) | inspect(bad(2)) | filter<"three">(bad(3))
                    | on_error(drop) | to(out));
    EXPECT_EQ(out, (std::vector<int>{4, 5}));
    EXPECT_EQ(stages, (std::vector<std::string>{"one", "inspect"}));
    EXPECT_EQ(o.of("one").dead, 1U);
    EXPECT_EQ(o.of("three").dropped, 1U);
    EXPECT_EQ(o.of("dead").in, 2U);
    auto const dropped =
        run_by_hand(from(numbers) | on_error(drop) | filter(bad(1)) | map(bad(2)) | discard());
    EXPECT_EQ(dropped.of("discard").in, 3U);
}
TEST(on_error, behind_one_source_does_not_hold_behind_a_merge) {
    auto const refuse = [](int n) {
        if (n == 3) throw std::runtime_error("three");
        return n;
    };
    auto const o = run_by_hand(merge(from(numbers) | on_error(drop) | map<"before">(refuse),
                                     from(numbers) | on_error(drop))
                               | map<"behind">(refuse) | discard());
    EXPECT_EQ(o.code, 65);
    EXPECT_EQ(o.of("before").dropped, 1U);
    EXPECT_EQ(o.of("behind").dead, 1U);
}
TEST(on_error, tells_what_was_thrown_even_if_it_is_no_exception) {
    std::vector<std::string> reasons;
    run_by_hand(from(numbers) | map<"odd">([](int n) {
                    if (n == 2) throw 2;
                    return n;
                })
                | on_error([&](dead_letter<int> const& d) {
                      reasons.push_back(std::string(d.stage) + ": " + std::string(d.reason));
                  })
                | discard());
    EXPECT_EQ(reasons, (std::vector<std::string>{"odd: an exception that is no std::exception"}));
}
TEST(on_error, shows_the_record_as_it_came_where_the_function_takes_it_by_value) {
    std::vector<std::string> in{"a long enough string to live on the heap"};
    auto const expected = in;
    auto const refuse = [](std::string const&) { throw std::runtime_error("no"); };
    std::vector<std::string> dead;
    auto const store =
        on_error([&](dead_letter<std::string> const& d) { dead.push_back(d.input()); });
    run_by_hand(from(std::vector<std::string>(in))
                | map([&](std::string s) { return refuse(s), s; }) | store | discard());
    run_by_hand(from(std::vector<std::string>(in)) | flat_map<1>([&](std::string s) {
                    std::string const taken = std::move(s);
                    refuse(taken);
                    return std::vector<int>{};
                })
                | store | discard());
    run_by_hand(from(std::vector<std::string>(in)) | to([&](std::string s) { refuse(s); }) | store);
    ASSERT_EQ(dead.size(), 3U);
    for (auto const& s : dead) EXPECT_EQ(s, expected[0]);
}
TEST(on_error, works_for_move_only_records) {
    auto const make = [] {
        std::vector<std::unique_ptr<int>> in;
        for (int const n : numbers) in.push_back(std::make_unique<int>(n));
        return in;
    };
    int sum = 0;
    std::vector<int> dead;
    run_by_hand(
        from(make())
        | filter([](std::unique_ptr<int> const& p) { return throws_at{{2}}(*p), true; })
        | on_error([&](dead_letter<std::unique_ptr<int>> const& d) { dead.push_back(*d.input()); })
        | map([](std::unique_ptr<int> p) {
              throws_at{{3}}(*p);
              return p;
          })
        | on_error(drop) | to([&](std::unique_ptr<int> p) { sum += *p; }));
    EXPECT_EQ(sum, 10);
    EXPECT_EQ(dead, (std::vector<int>{2}));
}
TEST(on_error, takes_a_container_of_what_its_part_makes_and_a_part_with_stages_of_its_own) {
    std::vector<std::string> dead;
    auto const letters =
        filter<"interesting">([](dead_letter<int> const& d) { return d.input() != 2; })
        | map([](dead_letter<int> const& d) { return std::string(d.reason); }) | to<"dead">(dead);
    auto const o = run_by_hand(from(numbers) | map([](int n) { return throws_at{{2, 4}}(n), n; })
                               | on_error(letters) | discard());
    EXPECT_EQ(dead, (std::vector<std::string>{"bad 4"}));
    EXPECT_EQ(o.of("interesting").in, 2U);
    EXPECT_EQ(o.of("interesting").filtered, 1U);
    EXPECT_EQ(o.of("dead").in, 1U);
}
TEST(on_error, whose_own_sink_fails_stops_the_run) {
    auto const o = run_by_hand(from(numbers) | map([](int n) { return throws_at{{2}}(n), n; })
                               | on_error(to<"dead">([](dead_letter<int> const&) {
                                     throw std::runtime_error("the disk is full");
                                 }))
                               | discard());
    EXPECT_EQ(o.code, 65);
    EXPECT_NE(o.stopped.find("dead: the disk is full"), std::string::npos) << o.stopped;
    EXPECT_EQ(o.of("map").dead, 1U);
    EXPECT_EQ(o.of("dead").dead, 1U);
}
TEST(on_error, in_a_branch_holds_for_that_branch) {
    std::vector<int> a;
    std::vector<int> b;
    auto const o = run_by_hand(
        from(numbers)
        | tee(map<"guarded">([](int n) { return throws_at{{2}}(n), n; }) | on_error(drop) | to(a),
              to(b)));
    EXPECT_EQ(a, (std::vector<int>{1, 3, 4, 5}));
    EXPECT_EQ(b, numbers);
    EXPECT_EQ(o.of("guarded").dropped, 1U);
}
TEST(on_error, stops_by_default_and_says_where) {
    auto const o = run_by_hand(
        from(numbers) | map<"parse">([](int n) { return throws_at{{4}}(n), n; }) | discard());
    EXPECT_EQ(o.code, 65);
    EXPECT_EQ(
        o.stopped,
        "millrace: parse: bad 4. The run stops here; on_error(drop) or on_error(sink) behind the stage would go on.");
    EXPECT_EQ(o.of("from").out, 4U);
    EXPECT_EQ(o.of("parse").dead, 1U);
    EXPECT_EQ(o.of("discard").in, 3U);
}
}  // namespace
