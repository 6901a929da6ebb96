// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdlib>

#include <millrace/io/udp_segments.hpp>

#include "scratch.hpp"

namespace {

using namespace millrace::detail;
using millrace_test::noise;

std::vector<std::string> all_of(udp_segments segments) {
    std::vector<std::string> out;
    while (segments.left()) {
        std::size_t const before = segments.count();
        out.emplace_back(segments.take());
        EXPECT_EQ(segments.count(), before - 1);
    }
    return out;
}

TEST(udp_segments, cuts_a_run_into_its_datagrams) {
    using strings = std::vector<std::string>;
    EXPECT_EQ(all_of({}), strings{});
    EXPECT_EQ(all_of({"", 0}), strings{""});
    EXPECT_EQ(all_of({"", 5}), strings{""});
    EXPECT_EQ(all_of({"abc", 0}), strings{"abc"});
    EXPECT_EQ(all_of({"abc", 5}), strings{"abc"});
    EXPECT_EQ(all_of({"abc", 3}), strings{"abc"});
    EXPECT_EQ(all_of({"abc", 1}), (strings{"a", "b", "c"}));
    EXPECT_EQ(all_of({"abcde", 2}), (strings{"ab", "cd", "e"}));
    EXPECT_EQ(all_of({"abcd", 2}), (strings{"ab", "cd"}));
}

TEST(udp_segments, joins_up_to_what_came_for_any_size) {
    for (std::size_t bytes = 1; bytes < 300; bytes += 7) {
        std::string const payload = noise(bytes);
        for (std::size_t size = 1; size < 310; ++size) {
            std::string joined;
            auto const all = all_of({payload, size});
            for (std::size_t i = 0; i < all.size(); ++i) {
                if (i + 1 < all.size()) {
                    ASSERT_EQ(all[i].size(), size);
                }
                joined += all[i];
            }
            ASSERT_EQ(joined, payload);
        }
    }
}

/// Control messages as the kernel writes them.
struct control_text {
    std::string text;
    template <class T>
    control_text& add(int level, int type, T value) {
        cmsghdr head{};
        head.cmsg_level = level;
        head.cmsg_type = type;
        head.cmsg_len = CMSG_LEN(sizeof value);
        std::string one(CMSG_SPACE(sizeof value), 0);
        std::memcpy(one.data(), &head, sizeof head);
        std::memcpy(one.data() + CMSG_LEN(0), &value, sizeof value);
        text += one;
        return *this;
    }
};

TEST(udp_control, reads_segment_size_and_drops_among_others) {
    auto control = read_udp_control("");
    EXPECT_EQ(control.segment_bytes, 0U);
    EXPECT_FALSE(control.has_drops);
    std::string const text = control_text()
                                 .add(SOL_SOCKET, SCM_RIGHTS, 77)
                                 .add(SOL_SOCKET, SO_RXQ_OVFL, std::uint32_t{5})
                                 .add(IPPROTO_UDP, UDP_GRO, 1200)
                                 .text;
    control = read_udp_control(text);
    EXPECT_EQ(control.segment_bytes, 1200U);
    EXPECT_TRUE(control.has_drops);
    EXPECT_EQ(control.drops, 5U);
    EXPECT_EQ(read_udp_control(control_text().add(IPPROTO_UDP, UDP_GRO, std::uint16_t{9}).text)
                  .segment_bytes,
              9U);
    EXPECT_EQ(read_udp_control(control_text().add(IPPROTO_UDP, UDP_GRO, -4).text).segment_bytes,
              0U);
}

TEST(udp_control, survives_any_mutation) {
    char const* const told = std::getenv("MILLRACE_SEED");
    auto const seed = told == nullptr ? 3U : static_cast<unsigned>(std::atoi(told));
    std::mt19937 random(seed);
    std::string const good = control_text()
                                 .add(SOL_SOCKET, SO_RXQ_OVFL, std::uint32_t{5})
                                 .add(IPPROTO_UDP, UDP_GRO, 1200)
                                 .text;
    std::size_t other = 0;
    for (int i = 0; i < 10'000; ++i) {
        std::string bad = good;
        for (auto n = random() % 4; n != 0; --n)
            bad[random() % bad.size()] = static_cast<char>(random());
        bad.resize(random() % (bad.size() + 1));
        std::vector<char> const exact(bad.begin(), bad.end());  // its end is the allocation's
        auto const control = read_udp_control({exact.data(), exact.size()});
        udp_segments segments(std::string_view(exact.data(), exact.size()), control.segment_bytes);
        std::size_t total = 0;
        while (segments.left()) total += segments.take().size();
        ASSERT_EQ(total, exact.size()) << "MILLRACE_SEED=" << seed;
        other += control.segment_bytes != 1200;
    }
    EXPECT_GT(other, 1000U);
}

}  // namespace
