// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <ctime>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <millrace/io/timestamp.hpp>

using namespace millrace;

namespace {

text_error read(std::string const& text, time_point& out,
                time_format format = time_format::rfc3339) {
    return detail::read_time(text.data(), text.data() + text.size(), text.data() + text.size(),
                             format, out);
}
std::int64_t ns(std::string const& text) {
    time_point t;
    EXPECT_EQ(read(text, t), text_error::none) << text;
    return t.ns;
}
text_error error(std::string const& text, time_format format = time_format::rfc3339) {
    time_point t;
    return read(text, t, format);
}
std::string written(std::int64_t t, time_format format = time_format::rfc3339) {
    char out[detail::number_bytes_max];
    return {out, detail::write_time(out, time_point{t}, format)};
}
constexpr std::int64_t second = 1'000'000'000;

}  // namespace

TEST(timestamp, reads_rfc_3339) {
    EXPECT_EQ(ns("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(ns("2013-01-01T05:00:00Z"), 1'357'016'400 * second);
    EXPECT_EQ(ns("2013-01-01 05:00:00"), 1'357'016'400 * second);
    EXPECT_EQ(ns("2013-01-01t05:00:00z"), 1'357'016'400 * second);
    EXPECT_EQ(ns("2013-01-01T05:00:00.5Z"), 1'357'016'400 * second + second / 2);
    EXPECT_EQ(ns("2013-01-01T05:00:00.123456789"), 1'357'016'400 * second + 123'456'789);
    EXPECT_EQ(ns("2013-01-01T05:00:00+01:30"), (1'357'016'400 - 5400) * second);
    EXPECT_EQ(ns("2013-01-01T05:00:00.25-00:01"), (1'357'016'400 + 60) * second + second / 4);
    EXPECT_EQ(ns("2012-02-29T23:59:60Z"), ns("2012-03-01T00:00:00Z"))
        << "a leap second is the second behind it";
    EXPECT_EQ(ns("1969-12-31T23:59:59.999999999Z"), -1);
}

TEST(timestamp, refuses_what_is_no_time) {
    EXPECT_EQ(error(""), text_error::empty);
    for (auto const* text : {"2013-01-01",
                             "2013-01-01T05:00Z",
                             "2013-13-01T05:00:00Z",
                             "2013-00-01T05:00:00Z",
                             "2013-01-32T05:00:00Z",
                             "2013-01-00T05:00:00Z",
                             "2013-02-29T05:00:00Z",
                             "1900-02-29T00:00:00Z",
                             "2013-04-31T05:00:00Z",
                             "2013-01-01T24:00:00Z",
                             "2013-01-01T05:60:00Z",
                             "2013-01-01T05:00:61Z",
                             "2013-01-01T05:00:00.Z",
                             "2013-01-01T05:00:00.1234567890Z",
                             "2013-01-01T05:00:00+0100",
                             "2013-01-01T05:00:00+24:00",
                             "2013-01-01T05:00:00+01:60",
                             "2013-01-01X05:00:00Z",
                             "2013/01/01T05:00:00Z",
                             "2013-01-01T05-00-00Z",
                             "2013-01-01T05:00:00ZZ",
                             " 2013-01-01T05:00:00Z",
                             "2013-01-01T05:00:00 ",
                             "2O13-01-01T05:00:00Z",
                             "2013-01-01T05:0a:00Z",
                             "2013-01-01T05:00:0\xFFZ",
                             "1357016400",
                             "2013-01-01T05:00:00+1:000"})
        EXPECT_EQ(error(text), text_error::not_a_time) << text;
}

TEST(timestamp, reaches_the_ends_of_int64_and_refuses_what_lies_behind) {
    EXPECT_EQ(written(std::numeric_limits<std::int64_t>::max()), "2262-04-11T23:47:16.854775807Z");
    EXPECT_EQ(written(std::numeric_limits<std::int64_t>::min()), "1677-09-21T00:12:43.145224192Z");
    EXPECT_EQ(ns("2262-04-11T23:47:16.854775807Z"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(ns("1677-09-21T00:12:43.145224192Z"), std::numeric_limits<std::int64_t>::min());
    for (auto const* text : {"2262-04-11T23:47:16.854775808Z", "1677-09-21T00:12:43.145224191Z",
                             "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z"})
        EXPECT_EQ(error(text), text_error::out_of_range) << text;
}

TEST(timestamp, agrees_with_the_c_library_on_every_day) {
    for (std::int64_t day = -100'000; day < 100'000; ++day) {
        std::time_t const t = day * 86'400 + 3661;
        std::tm parts{};
        ASSERT_NE(gmtime_r(&t, &parts), nullptr);
        char text[32];
        auto const size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
        ASSERT_EQ(written(t * second), (std::string{text, size}));
        ASSERT_EQ(ns({text, size}), t * second);
    }
}

TEST(timestamp, reads_back_what_it_wrote) {
    std::mt19937_64 random{5};
    for (int i = 0; i < 100'000; ++i) {
        auto t = static_cast<std::int64_t>(random());
        if (i % 3 == 0) t -= t % second;
        if (i % 3 == 1) t -= t % 1'000'000;
        ASSERT_EQ(ns(written(t)), t);
    }
}

TEST(timestamp, counts_since_the_epoch_where_told) {
    time_point t;
    EXPECT_EQ(read("1357016400", t, time_format::epoch_s), text_error::none);
    EXPECT_EQ(t.ns, 1'357'016'400 * second);
    EXPECT_EQ(read("-1", t, time_format::epoch_us), text_error::none);
    EXPECT_EQ(t.ns, -1000);
    EXPECT_EQ(error("9223372037", time_format::epoch_s), text_error::out_of_range);
    EXPECT_EQ(error("2013-01-01T05:00:00Z", time_format::epoch_ms), text_error::not_a_number);
    EXPECT_EQ(written(-1, time_format::epoch_ms), "-1") << "cut downwards";
    EXPECT_EQ(written(1'999'999, time_format::epoch_ms), "1");
    EXPECT_EQ(written(-5, time_format::epoch_ns), "-5");
}
