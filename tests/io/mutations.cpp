// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Ten thousand mutations of valid inputs per decoder: each must give frames, records or counted bad
// rows, with the properties of tests/fuzz. MILLRACE_SEED=n replays another series than 1.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/json.hpp>

#include "fuzz/binary_properties.hpp"
#include "fuzz/csv_properties.hpp"
#include "fuzz/framing_properties.hpp"
#include "fuzz/json_properties.hpp"

using namespace format_test;

namespace {

fuzz::place random_place(std::mt19937_64& random) {
    fuzz::place out{.x = random_integer<std::int16_t>(random), .y = {}};
    if (random() % 2 != 0U) out.y = random_finite<double>(random);
    return out;
}

fuzz::sample random_sample(std::mt19937_64& random, std::string_view spice) {
    fuzz::sample r;
    r.name = random_text(random, 12, spice);
    r.small = random_integer<std::int8_t>(random);
    r.large = random_integer<std::uint64_t>(random);
    r.ratio = random_finite<double>(random);
    r.flag = random() % 2 != 0U;
    r.letter = static_cast<char>('a' + random() % 26);
    r.tone = random() % 2 != 0U ? fuzz::shade::light : fuzz::shade::dark;
    r.code = millrace::text<5>{std::string_view{random_text(random, 5, spice)}};
    r.at = millrace::time_point{random_integer<std::int64_t>(random)};
    r.took = millrace::duration{random_integer<std::int64_t>(random)};
    if (random() % 2 != 0U) r.count = random_integer<std::int64_t>(random);
    if (random() % 2 != 0U) r.note = random() % 3 == 0 ? "NA" : random_text(random, 9, spice);
    r.where = random_place(random);
    return r;
}

fuzz::packed random_packed(std::mt19937_64& random) {
    fuzz::packed r;
    r.small = random_integer<std::uint8_t>(random);
    r.flag = random() % 2 != 0U;
    r.ratio = random_finite<double>(random);
    r.code = millrace::text<5>{std::string_view{random_text(random, 5, "\xFF")}};
    r.note = millrace::text<300>{std::string_view{random_text(random, 300, "\xFF\n")}};
    r.at = millrace::time_point{random_integer<std::int64_t>(random)};
    if (random() % 2 != 0U) r.count = random_integer<std::int64_t>(random);
    if (random() % 2 != 0U) r.unit = millrace::text<3>{"ab"};
    r.where = random_place(random);
    if (random() % 2 != 0U) r.whither = random_place(random);
    return r;
}

template <class Framing>
std::string random_stream(std::mt19937_64& random, Framing const& framing, std::string_view spice) {
    millrace::detail::byte_buffer out;
    for (auto frames = 1 + random() % 6; frames > 0; --frames)
        (void)framing.put(out, random_text(random, framing.max_frame, spice));
    return std::string{out.view()};
}

/// What an input looks like to printable eyes.
std::string escaped(std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string out;
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7F && c != '\\')
            out += c;
        else
            out += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    }
    return out;
}

/// Checks 10,000 mutations. `make(random, settings)` gives a valid text for these settings.
template <class Make, class Check>
void survives(std::string_view spice, Make&& make, Check&& check) {
    char const* const given = std::getenv("MILLRACE_SEED");
    std::uint64_t const seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    std::mt19937_64 random{seed};
    std::size_t good = 0, bad = 0;
    for (int i = 0; i < 10'000; ++i) {
        auto settings = static_cast<unsigned char>(random());
        if (i % 100 != 0 && (settings & 12) == 12) settings ^= 8;  // a repeated text costs 40 times
        std::string text = make(random, settings);
        std::string const valid = text;
        for (auto edits = 1 + random() % 4; edits > 0; --edits) mutate(text, random, spice);
        std::string const prefix{static_cast<char>(settings), static_cast<char>(random())};
        fuzz::verdict const v = check(prefix + text);
        ASSERT_EQ(v.wrong, "") << "mutation " << i << ": " << escaped(prefix + text);
        fuzz::verdict const whole = check(prefix + valid);
        ASSERT_EQ(whole.wrong, "") << "before mutation " << i << ": " << escaped(prefix + valid);
        good += v.good;
        bad += v.bad;
    }
    EXPECT_GT(good, 2'000U);
    EXPECT_GT(bad, 500U);
}

}  // namespace

TEST(mutations, leave_lines_whole) {
    survives(
        "\n\r",
        [](auto& random, unsigned) {
            return random_stream(random, millrace::lines{.max_frame = 16}, "\r ");
        },
        fuzz::check_lines);
}

TEST(mutations, leave_length_prefixed_frames_whole) {
    survives(
        std::string_view{"\0\1\xFF", 3},
        [](auto& random, unsigned settings) {
            using enum millrace::byte_order;
            std::size_t const most = (settings & 8) != 0 ? 255 : settings >> 4;
            switch (settings & 7) {
                case 0:
                case 4:
                    return random_stream(random, millrace::length_prefix<1>{most}, "\xFF");
                case 1:
                    return random_stream(random, millrace::length_prefix<2>{most}, "\xFF");
                case 5:
                    return random_stream(random, millrace::length_prefix<2, little>{most}, "\xFF");
                case 2:
                case 3:
                    return random_stream(random, millrace::length_prefix<4>{most}, "\xFF");
                default:
                    return random_stream(random, millrace::length_prefix<4, little>{most}, "\xFF");
            }
        },
        fuzz::check_length_prefix);
}

TEST(mutations, of_csv_give_records_or_bad_rows) {
    survives(
        ",;\"\n\r0-NA.eZ:\xEF\xBB\xBF",
        [](auto& random, unsigned settings) {
            std::vector<fuzz::sample> records;
            for (auto n = 1 + random() % 3; n > 0; --n)
                records.push_back(random_sample(random, ",;\"\n\r\xEF\xBB\xBF"));
            return write<fuzz::sample>(
                millrace::csv(
                    {.header = (settings & 1) != 0, .separator = (settings & 2) != 0 ? ';' : ','}),
                records);
        },
        fuzz::check_csv);
}

TEST(mutations, of_json_give_records_or_bad_rows) {
    survives(
        "{}[],:\"\\ \n0-1.e9tfnuTZ\xC3",
        [](auto& random, unsigned) {
            std::vector<fuzz::sample> records;
            for (auto n = 1 + random() % 3; n > 0; --n)
                records.push_back(random_sample(random, "{}[],:\"\\\n\r\t"));
            return write<fuzz::sample>(millrace::json(), records);
        },
        fuzz::check_json);
}

TEST(mutations, of_binary_give_records_or_bad_rows) {
    survives(
        std::string_view{"\0\1\2\xFF", 4},
        [](auto& random, unsigned settings) {
            if ((settings & 1) != 0) {
                std::vector<fuzz::plain> records;
                for (auto n = 1 + random() % 3; n > 0; --n)
                    records.push_back({.at = random_integer<std::int64_t>(random),
                                       .price = random_integer<std::int32_t>(random),
                                       .size = random_integer<std::uint32_t>(random)});
                return write<fuzz::plain>(millrace::binary(), records);
            }
            std::vector<fuzz::packed> records;
            for (auto n = 1 + random() % 3; n > 0; --n) records.push_back(random_packed(random));
            return write<fuzz::packed>(millrace::binary(), records);
        },
        fuzz::check_binary);
}

// What the properties found.

TEST(mutations, of_a_line_that_ends_with_a_cr_keep_it) {
    millrace::lines const framing;
    millrace::detail::byte_buffer out;
    ASSERT_TRUE(framing.put(out, "one\r"));
    ASSERT_TRUE(framing.put(out, "two"));
    EXPECT_EQ(out.view(), "one\r\r\ntwo\n");
    EXPECT_EQ(fuzz::read_framed(framing, {out.view()}, 9).frames,
              (std::vector<std::string>{"one\r", "two"}));
}

TEST(mutations, of_a_skipped_key_are_refused_each_time_they_come) {
    std::string const good = write<fuzz::place>(millrace::json(), {{.x = 7, .y = 1.5}});
    std::string bad = good;
    bad.replace(0, 1, "{\"k\xD5\":1,");
    // The blanks let the last line be guessed from the ones before.
    std::string const text = good + bad + bad + bad + good + std::string(80, ' ');
    auto const rows =
        parse<fuzz::place>(millrace::json<fuzz::place>(), text, fuzz::show<fuzz::place>);
    EXPECT_EQ(rows.counted, 5U);
    EXPECT_EQ(rows.bad, 3U);
}

TEST(mutations, of_a_first_row_above_the_limit_do_not_set_the_width) {
    millrace::csv_options const options{.header = false, .row_max = 20};
    std::string const text = "1,2,3,4,5,6,7,8,9,10,11,12\n1,2,3\n4,5,6\n";
    for (std::size_t size = 1; size <= text.size(); ++size) {
        auto const rows = parse_pieces<fuzz::place>(millrace::csv<fuzz::place>(options),
                                                    cut(text, size), fuzz::show<fuzz::place>);
        ASSERT_EQ(rows.counted, 3U) << size;
        ASSERT_EQ(rows.bad, 1U) << size;
    }
}

TEST(mutations, that_open_a_quote_behind_the_limit_give_a_long_row_however_cut) {
    millrace::csv_options const options{.header = false, .row_max = 10};
    std::string const text = "1,2\n3,4444444444,\"\n5,6\n";
    for (std::size_t size = 1; size <= text.size(); ++size) {
        auto const rows = parse_pieces<fuzz::place>(millrace::csv<fuzz::place>(options),
                                                    cut(text, size), fuzz::show<fuzz::place>);
        ASSERT_EQ(rows.rows.size(), 2U) << size;
        ASSERT_EQ(rows.rows[1].original, "3,44444444") << size;
        ASSERT_EQ(rows.rows[1].reason,
                  "the row is longer than .row_max; only its beginning is kept")
            << size;
    }
}

TEST(mutations, of_text_that_begins_with_an_order_mark_keep_it) {
    fuzz::sample record;
    record.name = "\xEF\xBB\xBFname";
    std::string const text = write<fuzz::sample>(millrace::csv({.header = false}), {record});
    auto const rows = parse<fuzz::sample>(millrace::csv<fuzz::sample>({.header = false}), text,
                                          fuzz::show<fuzz::sample>);
    ASSERT_EQ(rows.rows.size(), 1U);
    EXPECT_EQ(rows.rows[0].record, fuzz::show(record));
}
