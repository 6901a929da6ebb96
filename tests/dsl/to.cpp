// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <deque>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

#include "support.hpp"

namespace {
using namespace millrace;
using millrace_test::run_by_hand;

struct counter {
    int* total;
    void operator()(int n) const { *total += n; }
};
/// A sink that gives up after some records, as a full disk does.
struct full_disk {
    struct opened {
        int left;
        void write(int) {
            if (left-- == 0)
                throw failure(exit_code::io, "millrace: file: out.csv: no space left on device.");
        }
    };
    int room;
    template <class Env>
    auto open_sink(Env&) const {
        return opened{room};
    }
};

TEST(to, fills_containers_by_push_back) {
    std::vector<int> const in{1, 2, 3};
    std::vector<int> v;
    std::deque<long> d;
    std::list<int> l;
    run_by_hand(from(in) | tee(to(v), to(d), to(l)));
    EXPECT_EQ(v, in);
    EXPECT_EQ(d, (std::deque<long>{1, 2, 3}));
    EXPECT_EQ(l, (std::list<int>{1, 2, 3}));
}
TEST(to, calls_functions_and_function_objects) {
    std::vector<int> const in{1, 2, 3};
    int total = 0;
    auto const o = run_by_hand(
        from(in) | tee(to(counter{&total}), to<"named">([&](int const& n) { total += 10 * n; })));
    EXPECT_EQ(total, 66);
    EXPECT_EQ(o.of("named").in, 3U);
    EXPECT_EQ(o.of("named").out, 3U);
}
TEST(to, moves_the_record_into_its_sink) {
    std::vector<std::unique_ptr<int>> in;
    in.push_back(std::make_unique<int>(4));
    std::vector<std::unique_ptr<int>> out;
    run_by_hand(from(std::move(in)) | to(out));
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(*out[0], 4);
}
TEST(to, takes_a_part_that_ends_in_a_sink) {
    std::vector<int> const in{1, 2, 3};
    std::vector<int> out;
    auto const store = map([](int n) { return 2 * n; }) | to(out);
    run_by_hand(from(in) | to(store));
    EXPECT_EQ(out, (std::vector<int>{2, 4, 6}));
}
TEST(discard, counts) {
    std::vector<int> const in{1, 2, 3};
    auto const o = run_by_hand(from(in) | discard<"nowhere">());
    EXPECT_EQ(o.of("nowhere").in, 3U);
    EXPECT_EQ(o.of("nowhere").out, 3U);
}
TEST(to, ends_the_run_when_the_sink_gives_up_whatever_the_policy) {
    std::vector<int> const in{1, 2, 3, 4};
    for (std::size_t const batch : {1U, 100U}) {
        auto const o = run_by_hand(from(in) | to<"disk">(full_disk{2}) | on_error(drop), batch);
        EXPECT_EQ(o.code, 74);
        EXPECT_EQ(o.stopped, "millrace: file: out.csv: no space left on device.");
        EXPECT_EQ(o.of("from").out, 3U);
        EXPECT_EQ(o.of("disk").in, 3U);
        EXPECT_EQ(o.of("disk").out, 2U);
    }
}
}  // namespace
