// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdlib>
#include <deque>
#include <numeric>
#include <sched.h>

#include <millrace/io/udp.hpp>

#include "on_tiers.hpp"
#include "scratch.hpp"

namespace {

using namespace millrace;
using namespace millrace_test;
using strings = std::vector<std::string>;

/// A plain socket that receives.
struct receiver {
    millrace::detail::descriptor fd;
    explicit receiver(int family = AF_INET)
        : fd(millrace::detail::descriptor::own(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0))) {
        int const room = 8 << 20;
        ::setsockopt(fd.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
        auto const local =
            millrace::detail::resolve({family == AF_INET ? "127.0.0.1" : "::1", 0, {}}, "test")
                .front();
        if (::bind(fd.fd(), local.get(), local.bytes) != 0) ADD_FAILURE() << std::strerror(errno);
    }
    [[nodiscard]] std::uint16_t port() const {
        return millrace::detail::local_address(fd.fd()).port();
    }
    void take(strings& into) const {
        std::vector<char> buffer(70'000);
        for (ssize_t n = 0; (n = ::recv(fd.fd(), buffer.data(), buffer.size(), 0)) >= 0;)
            into.emplace_back(buffer.data(), static_cast<std::size_t>(n));
    }
};

struct udp_sink_on : on_tiers {
    auto open(udp::send_options options) { return udp::send(std::move(options)).open_sink(env); }
    auto open_to(receiver const& peer) {
        return open({.host = "127.0.0.1", .port = peer.port(), .max_datagram = 60'000});
    }
};
MILLRACE_ON_TIERS(udp_sink_on);

TEST_P(udp_sink_on, sends_each_record_as_a_datagram) {
    receiver const peer;
    auto sink = open_to(peer);
    sink.write({"one", false});
    sink.write({"two", true});
    sink.write({"", false});
    sink.write({"", true});
    EXPECT_FALSE(sink.drained());
    sink.batch_end();
    EXPECT_TRUE(sink.drained());
    strings got;
    peer.take(got);
    EXPECT_EQ(got, (strings{"one", "two\n", "", "\n"}));
    EXPECT_EQ(sink.counts().datagrams, 4U);
    EXPECT_EQ(sink.counts().bytes, 8U);
    sink.close(true);
}

TEST_P(udp_sink_on, sends_any_lengths_in_order_with_runs_and_without) {
    char const* const told = std::getenv("MILLRACE_SEED");
    auto const seed = told == nullptr ? 9U : static_cast<unsigned>(std::atoi(told));
    for (bool const runs : {false, true}) {
        receiver const peer;
        auto sink = open({.host = "127.0.0.1",
                          .port = peer.port(),
                          .max_datagram = 60'000,
                          .send_offload = runs});
        std::mt19937 random(seed);
        strings sent;
        strings got;
        for (unsigned i = 0; i < 2000; ++i) {
            // Runs of equal lengths, some with a shorter or longer end.
            std::size_t const length = random() % 40 == 0 ? random() % 60'000 : 3 + i / 50 % 7;
            sent.push_back(noise(length, i));
            if (sink.room() == 0) {
                sink.batch_end();
                peer.take(got);
            }
            ASSERT_GT(sink.room(), 0U);
            sink.write({sent.back(), false});
            if (random() % 100 == 0) sink.batch_end();
        }
        sink.finish();
        peer.take(got);
        ASSERT_EQ(got.size(), sent.size()) << "MILLRACE_SEED=" << seed;
        EXPECT_TRUE(got == sent) << "MILLRACE_SEED=" << seed;
        EXPECT_EQ(sink.counts().datagrams, sent.size());
    }
}

TEST_P(udp_sink_on, refuses_a_record_that_is_too_long_and_goes_on) {
    receiver const peer;
    auto sink = open({.host = "127.0.0.1", .port = peer.port(), .max_datagram = 10});
    EXPECT_THROW(sink.write({"0123456789", true}), refused_record);
    sink.write({"0123456789", false});
    sink.finish();
    strings got;
    peer.take(got);
    EXPECT_EQ(got, strings{"0123456789"});
}

TEST_P(udp_sink_on, counts_what_nobody_listens_to) {
    std::uint16_t port = 0;
    {
        receiver const gone;
        port = gone.port();
    }
    auto sink = open({.host = "127.0.0.1", .port = port});
    for (int i = 0; i < 5; ++i) {
        sink.write({"x", false});
        sink.batch_end();
    }
    EXPECT_GT(sink.counts().refused, 0U);
    EXPECT_EQ(sink.counts().datagrams, 5U);
    EXPECT_TRUE(sink.drained());
}

TEST_P(udp_sink_on, has_room_for_what_it_says) {
    receiver const peer;
    for (std::size_t const longest : {1U, 100U, 5000U}) {
        auto sink = open({.host = "127.0.0.1",
                          .port = peer.port(),
                          .max_datagram = longest,
                          .buffer_bytes = 50'000});
        std::size_t const room = sink.room();
        ASSERT_GT(room, 0U);
        ASSERT_LE(room * longest, 50'000U);
        for (std::size_t i = 0; i < room; ++i) sink.write({std::string(longest, 'x'), false});
        EXPECT_EQ(sink.counts().datagrams, 0U);
        sink.finish();
        EXPECT_EQ(sink.counts().datagrams, room);
    }
}

TEST_P(udp_sink_on, sends_on_ipv6) {
    if (::access("/proc/net/if_inet6", R_OK) != 0) GTEST_SKIP() << "this kernel has no IPv6";
    receiver const peer(AF_INET6);
    auto sink = open({.host = "::1", .port = peer.port(), .ttl = 3});
    for (int i = 0; i < 10; ++i) sink.write({"six", false});
    sink.finish();
    strings got;
    peer.take(got);
    EXPECT_EQ(got, strings(10, "six"));
}

TEST_P(udp_sink_on, sends_to_a_group_and_is_heard_on_this_machine) {
    std::uint16_t port = 0;
    {
        receiver const free;
        port = free.port();
    }
    auto source =
        udp::listen({.port = port, .group = "239.4.5.6", .interface = "lo"}).open_source(env);
    auto sink = open({.host = "239.4.5.6", .port = port, .interface = "lo", .ttl = 1});
    sink.write({"hello", false});
    sink.finish();
    if (sink.counts().datagrams == 0) GTEST_SKIP() << "lo carries no multicast";
    strings got;
    ASSERT_TRUE(until([&] {
        (void)source.poll(9, [&](frame const& one) { got.emplace_back(one.data); });
        return !got.empty();
    }));
    EXPECT_EQ(got, strings{"hello"});
}

TEST(udp_sink, says_whether_this_machine_hears_its_group) {
    for (bool const loop : {true, false}) {
        auto const fd = millrace::detail::connect_udp(
            {.host = "239.4.5.6", .port = 9, .interface = "lo", .ttl = 7, .loop = loop});
        int got = -1;
        socklen_t size = sizeof got;
        ASSERT_EQ(::getsockopt(fd.fd(), IPPROTO_IP, IP_MULTICAST_LOOP, &got, &size), 0);
        EXPECT_EQ(got, loop ? 1 : 0);
        ASSERT_EQ(::getsockopt(fd.fd(), IPPROTO_IP, IP_MULTICAST_TTL, &got, &size), 0);
        EXPECT_EQ(got, 7);
    }
}

TEST_P(udp_sink_on, refuses_at_start_what_cannot_be) {
    auto const refused = [&](udp::send_options const& options) {
        return failure_of([&] { (void)open(options); });
    };
    EXPECT_EQ(refused({.host = "127.0.0.1"}).message(),
              "millrace: udp: no port is named to send to. Write .port = ….");
    EXPECT_EQ(refused({.port = 9}).code(), exit_code::configuration);
    EXPECT_EQ(refused({.host = "127.0.0.1", .port = 9, .ttl = 300}).message(),
              "millrace: udp: a ttl of 300 is refused. Take 1 to 255.");
    EXPECT_EQ(refused({.host = "127.0.0.1", .port = 9, .interface = "nosuch0"}).code(),
              exit_code::configuration);
}

// ---- what the kernel may answer, told by a script ----

/// Each call takes the next answer: so many messages, or minus an errno; then all is taken.
struct scripted_calls {
    static inline std::deque<int> script;
    static inline strings sent;
    static inline std::vector<unsigned> runs;

    static int send(int, mmsghdr* messages, unsigned count) {
        int answer = static_cast<int>(count);
        if (!script.empty()) {
            answer = std::min(script.front(), answer);
            script.pop_front();
        }
        if (answer < 0) {
            errno = -answer;
            return -1;
        }
        for (int i = 0; i < answer; ++i) {
            msghdr const& m = messages[i].msg_hdr;
            std::string_view rest(static_cast<char const*>(m.msg_iov->iov_base),
                                  m.msg_iov->iov_len);
            std::uint16_t size = 0;
            if (cmsghdr* const told = CMSG_FIRSTHDR(&m); told != nullptr)
                std::memcpy(&size, CMSG_DATA(told), sizeof size);
            unsigned run = 0;
            do {
                sent.emplace_back(rest.substr(0, size == 0 ? rest.size() : size));
                rest.remove_prefix(sent.back().size());
                ++run;
            } while (!rest.empty());
            runs.push_back(run);
        }
        return answer;
    }
};

struct udp_sink_told : udp_sink_on {
    using sink_type = basic_udp_sink<core_engine, scripted_calls>;
    strings expected;

    void SetUp() override {
        scripted_calls::script.clear();
        scripted_calls::sent.clear();
        scripted_calls::runs.clear();
    }
    sink_type open_told() {
        return {service_handle<core_engine>(env.engine), {.host = "127.0.0.1", .port = 9}};
    }
    void fill(sink_type& sink, std::initializer_list<std::string> records) {
        for (std::string const& record : records) {
            sink.write({record, false});
            expected.push_back(record);
        }
    }
};
MILLRACE_ON_TIERS(udp_sink_told);

TEST_P(udp_sink_told, joins_equal_datagrams_with_a_shorter_last_one) {
    auto sink = open_told();
    fill(sink, {"aa", "bb", "c", "dd", "ee", "ffff", "", "", "gg"});
    sink.batch_end();
    EXPECT_EQ(scripted_calls::sent, expected);
    EXPECT_EQ(scripted_calls::runs, (std::vector<unsigned>{3, 2, 1, 1, 1, 1}));
}

TEST_P(udp_sink_told, waits_where_the_kernel_has_no_room_and_keeps_the_order) {
    auto sink = open_told();
    scripted_calls::script = {1, -EAGAIN};
    fill(sink, {"a", "bb", "ccc", "dddd"});
    sink.batch_end();
    EXPECT_FALSE(sink.drained());
    EXPECT_EQ(scripted_calls::sent, strings{"a"});
    fill(sink, {"eeeee"});
    sink.batch_end();  // not asked again before there is room
    EXPECT_EQ(scripted_calls::sent, strings{"a"});
    ASSERT_TRUE(until([&] { return sink.drained(); }));
    EXPECT_EQ(scripted_calls::sent, expected);
    EXPECT_EQ(sink.counts().waits, 1U);
    EXPECT_EQ(sink.counts().datagrams, 5U);
}

TEST_P(udp_sink_told, does_without_runs_where_the_way_refuses_them) {
    for (int const error : {EINVAL, EIO, EMSGSIZE}) {
        SetUp();
        expected.clear();
        auto sink = open_told();
        scripted_calls::script = {-error};
        fill(sink, {"aa", "bb", "cc"});
        sink.batch_end();
        EXPECT_EQ(scripted_calls::sent, expected);
        EXPECT_EQ(scripted_calls::runs, (std::vector<unsigned>{1, 1, 1}));
        EXPECT_EQ(sink.counts().too_long, 0U);
    }
}

TEST_P(udp_sink_told, counts_what_is_lost_by_its_reason) {
    auto sink = open_told();
    scripted_calls::script = {-EMSGSIZE, -EINTR, -ENETUNREACH, -ENETUNREACH,
                              -EPERM,    1,      -ECONNREFUSED};
    fill(sink, {"a", "bb", "ccc", "dddd"});
    sink.batch_end();
    EXPECT_EQ(scripted_calls::sent, (strings{"ccc", "dddd"}));
    EXPECT_EQ(sink.counts().too_long, 1U);
    EXPECT_EQ(sink.counts().unreachable, 1U);
    EXPECT_EQ(sink.counts().refused, 1U);
    EXPECT_EQ(sink.counts().failed, 0U);
    EXPECT_EQ(sink.counts().datagrams, 2U);
    EXPECT_TRUE(sink.drained());
}

TEST_P(udp_sink_told, waits_for_room_where_nobody_asks_for_it) {
    auto sink = open_told();
    strings records;
    for (int i = 0; i < 1000; ++i) {
        if (i % 100 == 0) scripted_calls::script = {-EAGAIN};
        records.push_back(std::string(1000, static_cast<char>('a' + i % 26)));
        sink.write({records.back(), false});
    }
    sink.finish();
    EXPECT_TRUE(scripted_calls::sent == records);
}

TEST_P(udp_sink_told, is_gone_while_it_waits) {
    auto sink = open_told();
    scripted_calls::script = {-EAGAIN};
    fill(sink, {"a"});
    sink.batch_end();
    EXPECT_FALSE(sink.drained());
}

}  // namespace
