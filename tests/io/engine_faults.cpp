// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <fcntl.h>

#include <millrace/io/fault.hpp>

#include "engine_harness.hpp"
#include "scratch.hpp"

namespace {

using namespace millrace_test;
using faulty_engine = basic_core_engine<fault_plan>;

class faults : public testing::TestWithParam<io_tier> {
protected:
    static std::unique_ptr<faulty_engine> with(fault_plan plan) {
        return engine_of<faulty_engine>(GetParam(), {}, std::move(plan));
    }
};
MILLRACE_ON_EVERY_TIER(faults);

/// Sends `content` from one end, receives it at the other, and does what is right at each fault.
struct stream {
    faulty_engine& engine;
    std::string const& content;
    probe in;
    probe out;
    std::size_t sent = 0;
    bool ended = false;

    stream(faulty_engine& with, int from, int to, std::string const& what)
        : engine(with),
          content(what),
          in({.fd = to, .verb = op_verb::receive, .multishot = true, .pool = &with.pool()}),
          out({.fd = from, .verb = op_verb::send}) {
        in.then = [this](completion const& got) {
            if (got.more) return;
            if (got.result == -ENOBUFS)
                engine.park(in);
            else if (got.result == 0)
                ended = true;
            else
                engine.submit(in);
        };
        out.then = [this](completion const& got) {
            if (got.result > 0) sent += static_cast<std::size_t>(got.result);
            send();
        };
        engine.submit(in);
        send();
    }
    void send() {
        if (sent == content.size()) {
            ::shutdown(out.fd, SHUT_WR);
            return;
        }
        out.data = const_cast<char*>(content.data()) + sent;
        out.bytes = static_cast<std::uint32_t>(content.size() - sent);
        engine.submit(out);
    }
    bool run() {
        return until(engine, [&] { return ended; }) && in.bytes_got == content;
    }
};

TEST_P(faults, short_sends_at_every_byte) {
    std::string const content = noise(200);
    for (std::int32_t at = 1; at < 200; ++at) {
        auto const engine = with(fault_plan().add(
            {.what = fault::kind::shorten, .verb = op_verb::send, .value = at, .every = 1}));
        if (!engine) GTEST_SKIP() << "io_uring is refused here";
        auto const [a, b] = socket_pair();
        stream flow(*engine, a.fd, b.fd, content);
        ASSERT_TRUE(flow.run()) << at;
        std::size_t const most = static_cast<std::size_t>(at);
        EXPECT_EQ(flow.out.got.size(), (content.size() + most - 1) / most);
    }
}

TEST_P(faults, short_receives_at_every_byte) {
    std::string const content = noise(200);
    for (std::uint32_t bytes = 1; bytes < 200; ++bytes) {
        auto const engine = with(fault_plan().with_pools_of({.buffers = 4, .bytes = bytes}));
        if (!engine) GTEST_SKIP() << "io_uring is refused here";
        auto const [a, b] = socket_pair();
        stream flow(*engine, a.fd, b.fd, content);
        ASSERT_TRUE(flow.run()) << bytes;
        EXPECT_GE(flow.in.got.size(), (content.size() + bytes - 1) / bytes);
    }
}

TEST_P(faults, short_gathered_sends_at_every_byte) {
    std::string const content = noise(60);
    for (std::int32_t at = 1; at < 60; ++at) {
        auto const engine = with(fault_plan().add(
            {.what = fault::kind::shorten, .verb = op_verb::send_message, .value = at}));
        if (!engine) GTEST_SKIP() << "io_uring is refused here";
        auto const [a, b] = socket_pair();
        char* const data = const_cast<char*>(content.data());
        iovec parts[3] = {{data, 20}, {data + 20, 20}, {data + 40, 20}};
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = 3;
        operation asked{.fd = a.fd, .verb = op_verb::send_message};
        asked.message = &message;
        ASSERT_EQ(result_of(*engine, asked), at);
        std::string got(64, 0);
        ASSERT_EQ(::recv(b.fd, got.data(), got.size(), 0), at);
        EXPECT_EQ(got.substr(0, static_cast<std::size_t>(at)),
                  content.substr(0, static_cast<std::size_t>(at)));
    }
}

TEST_P(faults, short_writes_and_reads_of_files_at_every_byte) {
    scratch const directory;
    std::string content = noise(100);
    for (std::int32_t at = 1; at < 100; ++at) {
        auto const engine =
            with(fault_plan()
                     .add({.what = fault::kind::shorten, .verb = op_verb::write, .value = at})
                     .add({.what = fault::kind::shorten, .verb = op_verb::read, .value = at}));
        if (!engine) GTEST_SKIP() << "io_uring is refused here";
        socket_handle const file(
            ::open((directory / "f").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
        operation asked{.fd = file.fd, .verb = op_verb::write};
        asked.data = content.data();
        asked.bytes = 100;
        asked.offset = 0;
        ASSERT_EQ(result_of(*engine, asked), at);
        std::string into(100, 0);
        asked.verb = op_verb::read;
        asked.data = into.data();
        ASSERT_EQ(result_of(*engine, asked), at);
        EXPECT_EQ(into.substr(0, static_cast<std::size_t>(at)),
                  content.substr(0, static_cast<std::size_t>(at)));
    }
}

TEST_P(faults, refusals_move_nothing) {
    auto const engine = with(
        fault_plan()
            .add({.what = fault::kind::refuse, .verb = op_verb::send, .value = EINTR})
            .add({.what = fault::kind::refuse, .verb = op_verb::send, .value = EAGAIN, .from = 1}));
    if (!engine) GTEST_SKIP() << "io_uring is refused here";
    auto const [a, b] = socket_pair();
    std::string const content = noise(100);
    stream flow(*engine, a.fd, b.fd, content);
    ASSERT_TRUE(flow.run());
    EXPECT_EQ(flow.out.got[0].result, -EINTR);
    EXPECT_EQ(flow.out.got[1].result, -EAGAIN);
    EXPECT_EQ(flow.out.got[2].result, 100);
    EXPECT_EQ(engine->faults().struck(), 2U);
}

TEST_P(faults, rewritten_results_keep_what_was_done) {
    auto const engine = with(fault_plan().add(
        {.what = fault::kind::rewrite, .verb = op_verb::sync, .value = -EIO, .from = 1}));
    if (!engine) GTEST_SKIP() << "io_uring is refused here";
    scratch const directory;
    socket_handle const file(::open(directory.put("f", "x").c_str(), O_RDWR));
    EXPECT_EQ(result_of(*engine, {.fd = file.fd, .verb = op_verb::sync}), 0);
    EXPECT_EQ(result_of(*engine, {.fd = file.fd, .verb = op_verb::sync}), -EIO);
    EXPECT_EQ(result_of(*engine, {.fd = file.fd, .verb = op_verb::sync}), 0);
}

TEST_P(faults, a_stopped_multishot_ends_as_told) {
    for (std::int32_t const with_result : {-ENOBUFS, -ECANCELED, -ECONNRESET}) {
        auto const engine = with(fault_plan().add(
            {.what = fault::kind::stop, .verb = op_verb::receive, .value = with_result}));
        if (!engine) GTEST_SKIP() << "io_uring is refused here";
        auto const [a, b] = socket_pair();
        probe in(
            {.fd = b.fd, .verb = op_verb::receive, .multishot = true, .pool = &engine->pool()});
        engine->submit(in);
        ASSERT_EQ(::send(a.fd, "one", 3, 0), 3);
        ASSERT_TRUE(until(*engine, [&] { return in.over(); }));
        EXPECT_EQ(in.last(), with_result);
        EXPECT_EQ(in.bytes_got, "one");
        ASSERT_EQ(::send(a.fd, "two", 3, 0), 3);
        engine->submit(in);
        ASSERT_TRUE(until(*engine, [&] { return in.bytes_got == "onetwo"; }));
        engine->cancel(in);
        ASSERT_TRUE(until(*engine, [&] { return in.over(); }));
    }
}

TEST_P(faults, streams_survive_a_thousand_seeds) {
    std::string const content = noise(3000);
    char const* const given = std::getenv("MILLRACE_SEED");
    std::uint64_t const first = given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
    std::uint64_t const last = given == nullptr ? 1000 : first;
    std::uint64_t struck = 0;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        auto const engine =
            with(fault_plan()
                     .at_random({.seed = seed, .refuse = 10, .shorten = 40, .stop = 15, .hold = 20})
                     .with_pools_of({.buffers = 4, .bytes = 128})
                     .with_small_queues());
        if (!engine) GTEST_SKIP() << "io_uring is refused here";
        auto const [a, b] = socket_pair();
        auto const [c, d] = socket_pair();
        stream one(*engine, a.fd, b.fd, content);
        stream two(*engine, c.fd, d.fd, content);
        ASSERT_TRUE(one.run()) << "MILLRACE_SEED=" << seed;
        ASSERT_TRUE(two.run()) << "MILLRACE_SEED=" << seed;
        EXPECT_EQ(engine->pending(), 0U) << "MILLRACE_SEED=" << seed;
        EXPECT_EQ(engine->pool().free(), 4U) << "MILLRACE_SEED=" << seed;
        struck += engine->faults().struck();
    }
    EXPECT_GT(struck, last - first);
}

}  // namespace
