// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The budget of the state (SEMANTICS 14): what would grow beyond it ends the run, with an account.

#include <cstddef>
#include <cstdint>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;

struct event {
    std::int64_t t = 0;
    std::int64_t key = 0;
};
MILLRACE_RECORD(event, t, key);

auto keys(std::int64_t count) {
    return generate([at = std::int64_t{0}, count]() mutable -> std::optional<event> {
        if (at == count) return {};
        ++at;
        return event{1, at};
    });
}
auto windowed(std::int64_t count) {
    return keys(count) | event_time([](event const& e) { return time_point{e.t}; })
           | key_by(field<&event::key>) | window(tumbling{duration{10}})
           | aggregate(millrace::count<"n">()) | discard();
}

TEST(state_memory, ends_a_run_whose_tables_would_grow_beyond_it) {
    for (unsigned const threads : {0U, 2U}) {
        auto const r = run(windowed(1'000'000),
                           {.oversubscribed = threads, .state_memory = std::size_t{4} << 20});
        EXPECT_EQ(r.code, exit_code::software);
        EXPECT_THAT(r.message, testing::HasSubstr("budget"));
        EXPECT_TRUE(adds_up(r)) << to_text(r);
    }
}
TEST(state_memory, ends_a_run_of_rolling_state_too) {
    auto const r =
        run(keys(1'000'000) | key_by(field<&event::key>) | aggregate(count<"n">()) | discard(),
            {.state_memory = std::size_t{4} << 20});
    EXPECT_EQ(r.code, exit_code::software);
}
TEST(state_memory, is_enough_by_default) {
    auto const r = run(windowed(100'000), {});
    EXPECT_TRUE(r.ok()) << r.message;
}
TEST(state_memory, is_read_as_bytes_or_with_a_unit) {
    std::size_t bytes = 0;
    EXPECT_TRUE(detail::read_bytes("512MiB", &bytes));
    EXPECT_EQ(bytes, std::size_t{512} << 20);
    EXPECT_TRUE(detail::read_bytes("1000", &bytes));
    EXPECT_EQ(bytes, 1000U);
    for (char const* const wrong : {"", "GiB", "0", "4GB", "-1", "99999999999GiB"})
        EXPECT_FALSE(detail::read_bytes(wrong, &bytes)) << wrong;
}

}  // namespace
