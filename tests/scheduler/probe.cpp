// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/probe.hpp>

namespace {
using namespace millrace;

TEST(probe, keeps_copies_of_what_a_dead_letter_refers_to) {
    std::vector<kept_letter<std::string>> letters;
    {
        std::string const record = "a record that is long enough to lie on the heap";
        std::string const line = "a line that is long enough to lie on the heap";
        dead_letter<std::string> letter;
        letter.record = &record;
        letter.reason = "why";
        letter.original = line;
        letter.position = 7;
        detail::kept<dead_letter<std::string>>::keep(letters, letter);
    }
    EXPECT_EQ(letters[0].record, "a record that is long enough to lie on the heap");
    EXPECT_EQ(letters[0].original, "a line that is long enough to lie on the heap");
    EXPECT_EQ(letters[0].reason, "why");
    EXPECT_EQ(letters[0].position, 7U);
}
TEST(probe, keeps_letters_without_a_record_that_cannot_be_copied) {
    std::vector<kept_letter<std::unique_ptr<int>>> letters;
    auto const record = std::make_unique<int>(1);
    dead_letter<std::unique_ptr<int>> letter;
    letter.record = &record;
    letter.reason = "why";
    detail::kept<dead_letter<std::unique_ptr<int>>>::keep(letters, letter);
    EXPECT_FALSE(letters[0].record.has_value());
    EXPECT_EQ(letters[0].reason, "why");
}
TEST(probe, pushes_time_forward_and_never_back) {
    detail::pushed_time<bounded_disorder> time{bounded_disorder{duration{5}}};
    EXPECT_EQ(time.watermark(), time_point::min());
    time.observe(time_point{20});
    EXPECT_EQ(time.watermark(), time_point{15});
    time.forced = time_point{30};
    EXPECT_EQ(time.watermark(), time_point{30});
    time.observe(time_point{50});
    EXPECT_EQ(time.watermark(), time_point{45});
}
TEST(probe, hands_chunks_out_in_their_order_and_their_end_once) {
    detail::pushed_chunks chunks;
    chunk c;
    EXPECT_FALSE(chunks.next(c));
    chunks.kept.emplace_back("a");
    chunks.kept.emplace_back("b");
    ASSERT_TRUE(chunks.next(c));
    EXPECT_EQ(c.data, "a");
    EXPECT_FALSE(c.last);
    ASSERT_TRUE(chunks.next(c));
    EXPECT_EQ(c.data, "b");
    EXPECT_FALSE(chunks.next(c));
    chunks.ended = true;
    ASSERT_TRUE(chunks.next(c));
    EXPECT_TRUE(c.last);
    EXPECT_FALSE(chunks.next(c));
}

}  // namespace
