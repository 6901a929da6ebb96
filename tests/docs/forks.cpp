// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The examples of docs/reference and docs/learn: forks, merges, parts.

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/millrace.hpp>

using namespace millrace;
using testing::ElementsAre;

namespace {

TEST(docs_reference, tee) {
    std::vector<int> all;
    std::vector<int> odd;
    std::vector<int> doubled;
    // [tee]
    auto pipeline =
        from(std::vector<int>{1, 2, 3})
        | tee(to<"all">(all), filter<"is odd">([](int n) { return n % 2 != 0; }) | to<"odd">(odd))
        | map([](int n) { return 2 * n; }) | to<"doubled">(doubled);
    // [tee]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(all, ElementsAre(1, 2, 3));
    EXPECT_THAT(odd, ElementsAre(1, 3));
    EXPECT_THAT(doubled, ElementsAre(2, 4, 6));
}

TEST(docs_reference, split) {
    std::vector<int> negative;
    std::vector<int> small;
    std::vector<int> rest;
    // [split]
    auto pipeline =
        from(std::vector<int>{-5, 3, 700})
        | split(when<"negative">([](int n) { return n < 0; }, to(negative)),
                when<"small">([](int n) { return n < 100; }, to(small)), otherwise(to(rest)));
    // [split]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(negative, ElementsAre(-5));
    EXPECT_THAT(small, ElementsAre(3));
    EXPECT_THAT(rest, ElementsAre(700));
}

TEST(docs_reference, split_goes_on) {
    std::vector<int> negative;
    std::vector<int> others;
    // [split_goes_on]
    auto pipeline = from(std::vector<int>{-5, 3, 700})
                    | split(when([](int n) { return n < 0; }, to(negative))) | to(others);
    // [split_goes_on]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(negative, ElementsAre(-5));
    EXPECT_THAT(others, ElementsAre(3, 700));
}

TEST(docs_reference, merge_of_pipelines) {
    std::vector<int> out;
    // [merge_pipelines]
    auto old_site = from(std::vector<int>{1, 2});
    auto new_site = from(std::vector<int>{10, 20}) | map([](int n) { return n / 10; });
    auto pipeline = merge(old_site, new_site) | to(out);
    // [merge_pipelines]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result.records_in, 4U);
    EXPECT_THAT(out, ElementsAre(1, 2, 1, 2));
}

TEST(docs_reference, merge_of_parts) {
    std::vector<std::string> out;
    // [merge_parts]
    auto fizz = filter<"by 3">([](int n) { return n % 3 == 0; })
                | map([](int) { return std::string("fizz"); });
    auto buzz = filter<"by 5">([](int n) { return n % 5 == 0; })
                | map([](int) { return std::string("buzz"); });
    auto pipeline = from(std::vector<int>{3, 4, 5, 15}) | merge(fizz, buzz) | to(out);
    // [merge_parts]
    report const result = run(std::move(pipeline));
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result.records_in, 4U);
    EXPECT_THAT(out, ElementsAre("fizz", "buzz", "fizz", "buzz"));
}

// [parts]
auto in_range(int least, int most) {
    return filter<"in range">([=](int n) { return n >= least && n <= most; });
}
auto cleaned(int most) {
    return in_range(0, most) | map<"percent">([=](int n) { return 100 * n / most; });
}
template <class Pipeline, class Sink>
auto finished(Pipeline pipeline, Sink& sink) {
    return std::move(pipeline) | cleaned(200) | to(sink);
}
// [parts]

TEST(docs_learn, parts_are_values) {
    std::vector<int> out;
    // [parts_use]
    auto pipeline = finished(from(std::vector<int>{-1, 50, 200, 201}), out);
    // [parts_use]
    ASSERT_TRUE(run(std::move(pipeline)).ok());
    EXPECT_THAT(out, ElementsAre(25, 100));
}

}  // namespace
