// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The examples of docs/reference: stages of one record at a time, sources, sinks, aggregates,
// errors.

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/millrace.hpp>

using namespace millrace;
using testing::ElementsAre;

namespace {

// [trade]
struct trade {
    text<8> symbol = {};
    double price = 0;
    int shares = 0;
};
MILLRACE_RECORD(trade, symbol, price, shares);
// [trade]

std::vector<trade> const trades{{"ACME", 10.0, 3}, {"ZINC", 4.0, 1}, {"ACME", 12.0, 2}};

TEST(docs_reference, map) {
    std::vector<double> values;
    // [map]
    auto pipeline =
        from(trades) | map<"value">([](trade const& t) { return t.price * t.shares; }) | to(values);
    // [map]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(values, ElementsAre(30.0, 4.0, 24.0));
}

TEST(docs_reference, filter) {
    std::vector<trade> kept;
    // [filter]
    auto pipeline =
        from(trades) | filter<"large">([](trade const& t) { return t.shares > 1; }) | to(kept);
    // [filter]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(kept.size(), 2U);
    EXPECT_EQ(result.stages[1].counts.filtered, 1U);
}

TEST(docs_reference, rebalance) {
    std::vector<double> values;
    auto const slow = [](trade const& t) { return t.price * t.shares; };
    // [rebalance]
    auto pipeline = from(trades) | rebalance() | map<"value">(slow) | to(values);
    // [rebalance]
    ASSERT_TRUE(run(std::move(pipeline), {.partitions = 2, .oversubscribed = 2}).ok());
    EXPECT_THAT(values, testing::UnorderedElementsAre(30.0, 4.0, 24.0));
}

TEST(docs_reference, broadcast) {
    std::vector<double> seen;
    // [broadcast]
    auto pipeline = from(trades) | broadcast()
                    | map<"price">([](trade const& t) { return t.price; }) | to(seen);
    // [broadcast]
    ASSERT_TRUE(run(std::move(pipeline), {.partitions = 2, .oversubscribed = 2}).ok());
    EXPECT_EQ(seen.size(), 6U);
}

TEST(docs_reference, flat_map) {
    std::vector<std::string> const lines{"to be", "or not to be"};
    std::vector<std::string> words;
    // [flat_map]
    auto pipeline =
        from(lines)
        | flat_map<16, "words">([](std::string const& line, emitter<std::string>& emit) {
              for (std::size_t at = 0; at < line.size();) {
                  std::size_t const end = std::min(line.find(' ', at), line.size());
                  emit(line.substr(at, end - at));
                  at = end + 1;
              }
          })
        | to(words);
    // [flat_map]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(words, ElementsAre("to", "be", "or", "not", "to", "be"));
}

TEST(docs_reference, flat_map_of_a_range) {
    std::vector<int> all;
    // [flat_map_range]
    auto pipeline =
        from(std::vector<int>{1, 2})
        | flat_map<3>([](int n) { return std::vector<int>(static_cast<std::size_t>(n), n); })
        | to(all);
    // [flat_map_range]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(all, ElementsAre(1, 2, 2));
}

TEST(docs_reference, flat_map_beyond_its_bound) {
    std::vector<int> all;
    auto pipeline =
        from(std::vector<int>{1, 5, 2})
        | flat_map<3>([](int n) { return std::vector<int>(static_cast<std::size_t>(n), n); })
        | on_error(drop) | to(all);
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok());
    EXPECT_THAT(all, ElementsAre(1, 2, 2));
    EXPECT_EQ(result.stages[1].counts.dropped, 1U);
}

TEST(docs_reference, inspect) {
    std::vector<trade> out;
    // [inspect]
    double highest = 0;
    auto pipeline =
        from(trades)
        | inspect([&](trade const& t) { highest = t.price > highest ? t.price : highest; })
        | to(out);
    // [inspect]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_EQ(highest, 12.0);
    EXPECT_EQ(out.size(), 3U);
}

TEST(docs_reference, key_by) {
    std::vector<std::int64_t> counts;
    auto const keep = [&](auto const& r) { counts.push_back(get<"trades">(r)); };
    // [key_by]
    auto by_symbol = key_by(field<&trade::symbol>);
    auto by_size = key_by<"large">([](trade const& t) { return t.shares > 1; });
    // [key_by]
    ASSERT_TRUE(run(from(trades) | by_symbol | aggregate(count<"trades">()) | to(keep)).ok());
    EXPECT_THAT(counts, ElementsAre(1, 1, 2));
    counts.clear();
    ASSERT_TRUE(run(from(trades) | by_size | aggregate(count<"trades">()) | to(keep)).ok());
    EXPECT_THAT(counts, ElementsAre(1, 1, 2));
}

TEST(docs_reference, reduce) {
    std::vector<trade> best;
    // [reduce]
    auto pipeline = from(trades) | key_by(field<&trade::symbol>)
                    | reduce<"dearest">([](trade const& so_far, trade const& next) {
                          return next.price > so_far.price ? next : so_far;
                      })
                    | to(best);
    // [reduce]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    ASSERT_EQ(best.size(), 3U);
    EXPECT_EQ(best[2].price, 12.0);
}

TEST(docs_reference, aggregate) {
    std::vector<double> totals;
    // [aggregate]
    auto pipeline = from(trades) | key_by(field<&trade::symbol>)
                    | aggregate(count<"trades">(), sum<"shares">(field<&trade::shares>),
                                max<"highest">(field<&trade::price>))
                    | to([&](auto const& r) { totals.push_back(get<"highest">(r)); });
    // [aggregate]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(totals, ElementsAre(10.0, 4.0, 12.0));
}

TEST(docs_reference, count) {
    double spent = 0;
    double mean_price = 0;
    // [count]
    auto all = aggregate(count<"trades">(), sum<"shares">(field<&trade::shares>),
                         min<"lowest">(field<&trade::price>), max<"highest">(field<&trade::price>),
                         mean<"mean_price">(field<&trade::price>),
                         fold<"spent">(0.0, [](double so_far, trade const& t) {
                             return so_far + t.price * t.shares;
                         }));
    auto pipeline = from(trades) | window_all(global{}) | all | to([&](auto const& r) {
                        spent = get<"spent">(r);
                        mean_price = get<"mean_price">(r);
                    });
    // [count]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_DOUBLE_EQ(spent, 58.0);
    EXPECT_DOUBLE_EQ(mean_price, 26.0 / 3);
}

TEST(docs_reference, count_of_optionals) {
    std::vector<std::optional<int>> const delays{5, {}, -1};
    std::optional<int> most;
    std::int64_t seen = 0;
    // [optional]
    auto pipeline =
        from(delays) | window_all(global{})
        | aggregate(count<"n">(), max<"most">([](std::optional<int> const& d) { return d; }))
        | to([&](auto const& r) {
              seen = get<"n">(r);     // 3: every record
              most = get<"most">(r);  // 5: of those that have a value
          });
    // [optional]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_EQ(seen, 3);
    EXPECT_EQ(most, 5);
}

// [into_struct]
struct total {
    text<8> symbol = {};
    double shares = 0;
};
MILLRACE_RECORD(total, symbol, shares);
// [into_struct]

TEST(docs_reference, into) {
    std::vector<total> totals;
    // [into]
    auto pipeline = from(trades) | key_by(field<&trade::symbol>)
                    | aggregate(sum<"shares">(field<&trade::shares>)) | into<total>() | to(totals);
    // [into]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    ASSERT_EQ(totals.size(), 3U);
    EXPECT_EQ(totals[2].symbol.view(), "ACME");
    EXPECT_EQ(totals[2].shares, 5.0);
}

TEST(docs_reference, from) {
    std::vector<int> out;
    // [from]
    std::vector<int> const kept{1, 2, 3};
    auto borrowed = from(kept) | to(out);                    // `kept` must outlive the run
    auto moved_in = from(std::vector<int>{4, 5}) | to(out);  // the pipeline owns it
    auto made = generate([n = 0]() mutable -> std::optional<int> {
                    if (n == 2) return std::nullopt;  // the end
                    return 6 + n++;
                })
                | to(out);
    // [from]
    ASSERT_TRUE(run(std::move(borrowed)).ok());
    ASSERT_TRUE(run(std::move(moved_in)).ok());
    ASSERT_TRUE(run(std::move(made)).ok());
    EXPECT_THAT(out, ElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST(docs_reference, columns) {
    std::vector<double> values;
    // [columns]
    struct quote {
        double price;
        int shares;
    };
    std::vector<double> const prices{10.0, 4.0};
    std::vector<int> const shares{3, 1};
    auto pipeline = columns<quote>(prices, shares)
                    | map([](quote const& q) { return q.price * q.shares; }) | to(values);
    // [columns]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(values, ElementsAre(30.0, 4.0));
}

TEST(docs_reference, to) {
    // [to]
    std::vector<trade> kept;
    double sum = 0;
    auto into_container = from(trades) | to<"kept">(kept);
    auto into_function = from(trades) | to([&](trade const& t) { sum += t.price; });
    auto counted_only = from(trades) | discard();
    // [to]
    ASSERT_TRUE(run(std::move(into_container)).ok());
    ASSERT_TRUE(run(std::move(into_function)).ok());
    EXPECT_EQ(run(std::move(counted_only)).records_out, 3U);
    EXPECT_EQ(kept.size(), 3U);
    EXPECT_EQ(sum, 26.0);
}

TEST(docs_reference, to_of_a_part) {
    // [to_part]
    std::vector<int> dear;
    auto keep_dear = filter([](int price) { return price > 10; }) | to(dear);
    auto pipeline = from(std::vector<int>{5, 20}) | to(keep_dear);
    // [to_part]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(dear, ElementsAre(20));
}

double price_of(std::string const& s) { return std::stod(s); }

TEST(docs_reference, on_error) {
    std::vector<double> prices;
    std::vector<std::string> refused;
    // [on_error]
    auto pipeline = from(std::vector<std::string>{"1.5", "free", "2"}) | map<"price">(price_of)
                    | on_error(to<"refused">([&](dead_letter<std::string> const& letter) {
                          refused.push_back(letter.input() + ": " + std::string(letter.reason));
                      }))
                    | to(prices);
    // [on_error]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok());
    EXPECT_THAT(prices, ElementsAre(1.5, 2.0));
    EXPECT_THAT(refused, ElementsAre("free: stod"));
    EXPECT_EQ(result.dead, 1U);
}

TEST(docs_reference, on_error_behind_a_source) {
    std::vector<double> prices;
    // [on_error_source]
    auto pipeline =
        from(std::vector<std::string>{"1.5", "free", "2"})
        | on_error(drop)  // for every stage of this pipeline that has no policy of its own
        | map<"price">(price_of) | to(prices);
    // [on_error_source]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok());
    EXPECT_THAT(prices, ElementsAre(1.5, 2.0));
    ASSERT_EQ(result.dropped.size(), 1U);
    EXPECT_EQ(result.dropped[0].count, 1U);
}

TEST(docs_reference, stop_is_the_default) {
    std::vector<double> prices;
    report const result = run(from(std::vector<std::string>{"1.5", "free", "2"})
                              | map<"price">(price_of) | to(prices));
    EXPECT_EQ(result.code, exit_code::data);
    EXPECT_EQ(
        result.message,
        "millrace: price: stod. The run stops here; on_error(drop) or on_error(sink) behind the stage "
        "would go on.");
}

TEST(docs_reference, move_only_records_work) {
    std::vector<std::unique_ptr<int>> out;
    int n = 0;
    auto pipeline = generate([&]() -> std::optional<std::unique_ptr<int>> {
                        if (n == 2) return std::nullopt;
                        return std::make_unique<int>(n++);
                    })
                    | map([](std::unique_ptr<int> p) {
                          *p *= 10;
                          return p;
                      })
                    | to(out);
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(*out[1], 10);
}

}  // namespace
