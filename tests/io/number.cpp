// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include <millrace/io/number.hpp>

using namespace millrace;

namespace {

/// Ours against `from_chars`, once at the end of memory and once with bytes behind.
template <class I>
void compare_integer(std::string const& text) {
    I expected{};
    auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), expected);
    bool const whole = stop == text.data() + text.size();
    for (std::size_t const behind : {std::size_t{0}, std::size_t{16}}) {
        auto const memory = std::make_unique<char[]>(text.size() + behind);
        std::memset(memory.get(), '7', text.size() + behind);
        std::memcpy(memory.get(), text.data(), text.size());
        char const* const end = memory.get() + text.size();
        I out{};
        auto const e = detail::read_integer(memory.get(), end, end + behind, out);
        ASSERT_EQ(e == text_error::none, error == std::errc{} && whole) << text;
        if (e == text_error::none) {
            ASSERT_EQ(out, expected) << text;
        }
        if (whole && error == std::errc::result_out_of_range) {
            ASSERT_EQ(e, text_error::out_of_range) << text;
        }
    }
}

template <class F>
void compare_floating(std::string const& text) {
    F expected{}, out{};
    auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), expected);
    auto const e = detail::read_floating(text.data(), text.data() + text.size(), out);
    bool const good = error == std::errc{} && stop == text.data() + text.size();
    ASSERT_EQ(e == text_error::none, good) << text;
    if (good && !std::isnan(expected)) {
        ASSERT_EQ(std::memcmp(&out, &expected, sizeof out), 0) << text;
    }
}

}  // namespace

TEST(number, reads_integers_as_from_chars_does) {
    std::mt19937_64 random{1};
    for (int i = 0; i < 200'000; ++i) {
        std::string text = random() % 3 == 0 ? "-" : "";
        auto const digits = random() % 24;
        for (std::uint64_t d = 0; d < digits; ++d) text += static_cast<char>('0' + random() % 10);
        if (random() % 8 == 0 && !text.empty())
            text[random() % text.size()] = static_cast<char>(random());
        if (text.starts_with("-") && text.find_first_not_of('0', 1) == std::string::npos)
            continue;  // an unsigned -0
        compare_integer<std::int8_t>(text);
        compare_integer<std::int64_t>(text);
        if (!text.starts_with("-")) compare_integer<std::uint16_t>(text);
        if (!text.starts_with("-")) compare_integer<std::uint64_t>(text);
    }
}

TEST(number, refuses_negative_values_of_unsigned_types) {
    std::uint32_t out = 5;
    std::string const text = "-1               ";
    EXPECT_EQ(detail::read_integer(text.data(), text.data() + 2, text.data() + text.size(), out),
              text_error::out_of_range);
}

TEST(number, reads_floating_point_as_from_chars_does) {
    std::mt19937_64 random{2};
    for (int i = 0; i < 200'000; ++i) {
        std::string text = random() % 3 == 0 ? "-" : "";
        for (auto n = random() % 12; n > 0; --n) text += static_cast<char>('0' + random() % 10);
        if (random() % 2 == 0) text += '.';
        for (auto n = random() % 12; n > 0; --n) text += static_cast<char>('0' + random() % 10);
        if (random() % 4 == 0) text += "e" + std::to_string(static_cast<int>(random() % 700) - 350);
        if (random() % 16 == 0 && !text.empty())
            text[random() % text.size()] = static_cast<char>(random());
        compare_floating<double>(text);
        compare_floating<float>(text);
    }
    for (auto const* text :
         {"nan", "inf", "-inf", "infinity", "NAN", "", ".", "-", "1e", "e5", "+1", "1 "})
        compare_floating<double>(text);
}
