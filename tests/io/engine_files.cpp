// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <fcntl.h>
#include <sys/resource.h>

#include "engine_harness.hpp"
#include "scratch.hpp"

namespace {

using namespace millrace_test;

class files : public every_tier {
protected:
    static operation transfer(op_verb verb, int fd, char* data, std::size_t bytes,
                              std::uint64_t offset) {
        operation asked{.fd = fd, .verb = verb};
        asked.data = data;
        asked.bytes = static_cast<std::uint32_t>(bytes);
        asked.offset = offset;
        return asked;
    }
};
MILLRACE_ON_EVERY_TIER(files);

TEST_P(files, are_written_synced_and_read_in_any_order) {
    scratch const directory;
    socket_handle const file(::open((directory / "f").c_str(), O_RDWR | O_CREAT, 0600));
    std::string content = noise(100'000);
    constexpr std::size_t parts = 50;
    std::vector<std::unique_ptr<probe>> all;
    for (std::size_t i = 0; i < parts; ++i) {
        all.push_back(std::make_unique<probe>(
            transfer(op_verb::write, file.fd, content.data() + 2000 * i, 2000, 2000 * i)));
        engine().submit(*all.back());
    }
    ASSERT_TRUE(until(engine(), [&] { return engine().pending() == 0; }));
    for (auto const& one : all) EXPECT_EQ(one->last(), 2000);
    EXPECT_EQ(result_of(engine(), {.fd = file.fd, .verb = op_verb::sync}), 0);
    EXPECT_EQ(result_of(engine(), {.fd = file.fd, .verb = op_verb::sync, .flags = 1}), 0);
    EXPECT_TRUE(content_of(directory / "f") == content);
    std::string back(content.size(), 0);
    all.clear();
    for (std::size_t i = parts; i-- > 0;) {
        all.push_back(std::make_unique<probe>(
            transfer(op_verb::read, file.fd, back.data() + 2000 * i, 2000, 2000 * i)));
        engine().submit(*all.back());
    }
    ASSERT_TRUE(until(engine(), [&] { return engine().pending() == 0; }));
    EXPECT_TRUE(back == content);
    EXPECT_EQ(result_of(engine(), transfer(op_verb::read, file.fd, back.data(), 10, 100'000)), 0);
}

TEST_P(files, cancelled_are_done_or_not_and_end_once) {
    scratch const directory;
    socket_handle const file(::open((directory / "f").c_str(), O_RDWR | O_CREAT, 0600));
    std::string content = noise(2000);
    std::vector<std::unique_ptr<probe>> all;
    for (std::size_t i = 0; i < 200; ++i) {
        all.push_back(std::make_unique<probe>(
            transfer(op_verb::write, file.fd, content.data(), 2000, 2000 * i)));
        engine().submit(*all.back());
    }
    for (std::size_t i = 0; i < 200; i += 3) engine().cancel(*all[i]);
    engine().turn();
    for (auto const& one : all) engine().cancel(*one);
    ASSERT_TRUE(until(engine(), [&] { return engine().pending() == 0; }));
    for (int i = 0; i < 10; ++i)  // whatever was still under way is behind us
        EXPECT_EQ(result_of(engine(), {.fd = file.fd, .verb = op_verb::sync}), 0);
    for (auto const& one : all) {
        EXPECT_EQ(one->got.size(), 1U);
        EXPECT_TRUE(one->last() == 2000 || one->last() == -ECANCELED) << one->last();
    }
    EXPECT_EQ(engine().pending(), 0U);
}

TEST_P(files, done_end_a_sleep) {
    scratch const directory;
    socket_handle const file(::open(directory.put("f", "abcdef").c_str(), O_RDWR));
    std::int64_t const before = millrace::detail::monotonic_ns();
    for (int round = 0; round < 50; ++round) {
        probe one({.fd = file.fd, .verb = op_verb::sync});
        engine().submit(one);
        while (one.got.empty()) {
            engine().sleep(before + 30'000'000'000);
            engine().turn();
        }
    }
    EXPECT_LT(millrace::detail::monotonic_ns() - before, 25'000'000'000);
}

TEST_P(files, are_read_at_their_own_position) {
    scratch const directory;
    socket_handle const file(::open(directory.put("f", "abcdef").c_str(), O_RDONLY));
    std::string into(3, 0);
    EXPECT_EQ(result_of(engine(), transfer(op_verb::read, file.fd, into.data(), 3, at_position)),
              3);
    EXPECT_EQ(into, "abc");
    EXPECT_EQ(result_of(engine(), transfer(op_verb::read, file.fd, into.data(), 3, at_position)),
              3);
    EXPECT_EQ(into, "def");
}

TEST_P(files, say_when_the_disk_is_full_or_the_limit_reached) {
    std::string data = "data";
    socket_handle const full(::open("/dev/full", O_WRONLY));
    EXPECT_EQ(result_of(engine(), transfer(op_verb::write, full.fd, data.data(), 4, 0)), -ENOSPC);
    scratch const directory;
    socket_handle const read_only(::open(directory.put("f", "").c_str(), O_RDONLY));
    EXPECT_EQ(result_of(engine(), transfer(op_verb::write, read_only.fd, data.data(), 4, 0)),
              -EBADF);
}

TEST_P(files, writes_at_the_size_limit_are_short) {
    scratch const directory;
    EXPECT_EQ(
        0, in_child([&] {
            ::signal(SIGXFSZ, SIG_IGN);
            auto const own = engine_of(GetParam());
            socket_handle const file(::open((directory / "f").c_str(), O_RDWR | O_CREAT, 0600));
            rlimit const limit{1904, 1904};
            ::setrlimit(RLIMIT_FSIZE, &limit);
            std::string data(4096, 'x');
            if (result_of(*own, transfer(op_verb::write, file.fd, data.data(), 4096, 0)) != 1904)
                return 1;
            return result_of(*own, transfer(op_verb::write, file.fd, data.data(), 100, 1904))
                           == -EFBIG
                       ? 0
                       : 2;
        }));
}

TEST_P(files, pipes_wait_for_bytes_and_can_be_cancelled) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    socket_handle const in(ends[0]);
    socket_handle const out(ends[1]);
    std::string into(4, 0);
    probe reading(transfer(op_verb::read, in.fd, into.data(), 4, at_position));
    engine().submit(reading);
    for (int i = 0; i < 5; ++i) engine().turn();
    EXPECT_TRUE(reading.pending);
    std::string data = "pipe";
    EXPECT_EQ(result_of(engine(), transfer(op_verb::write, out.fd, data.data(), 4, at_position)),
              4);
    ASSERT_TRUE(until(engine(), [&] { return reading.over(); }));
    EXPECT_EQ(into, "pipe");
    engine().submit(reading);
    engine().turn();
    engine().cancel(reading);
    ASSERT_TRUE(until(engine(), [&] { return reading.got.size() == 2; }));
    EXPECT_EQ(reading.last(), -ECANCELED);
}

TEST_P(files, a_full_pipe_never_blocks_the_core) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    socket_handle const in(ends[0]);
    socket_handle const out(ends[1]);
    std::string const content = noise(300'000);
    std::size_t written = 0;
    probe writing(transfer(op_verb::write, out.fd, const_cast<char*>(content.data()),
                           content.size(), at_position));
    writing.then = [&](completion const& got) {
        ASSERT_GT(got.result, 0);
        written += static_cast<std::size_t>(got.result);
        writing.data = const_cast<char*>(content.data()) + written;
        writing.bytes = static_cast<std::uint32_t>(content.size() - written);
        if (written < content.size()) engine().submit(writing);
    };
    engine().submit(writing);
    for (int i = 0; i < 100; ++i) engine().turn();
    EXPECT_LT(written, content.size());
    std::string back;
    std::string part(10'000, 0);
    probe reading(transfer(op_verb::read, in.fd, part.data(), part.size(), at_position));
    reading.then = [&](completion const& got) {
        back.append(part, 0, static_cast<std::size_t>(got.result));
        if (back.size() < content.size()) engine().submit(reading);
    };
    engine().submit(reading);
    ASSERT_TRUE(until(engine(), [&] { return back.size() == content.size(); }));
    EXPECT_TRUE(back == content);
    ASSERT_TRUE(until(engine(), [&] { return engine().pending() == 0; }));
}

TEST_P(files, registered_buffers_are_an_offer) {
    scratch const directory;
    std::string const content = noise(8192);
    socket_handle const file(::open(directory.put("f", content).c_str(), O_RDWR));
    alignas(4096) static char memory[8192];
    operation asked = transfer(op_verb::read, file.fd, memory, 8192, 0);
    asked.fixed = engine().register_buffer(memory, sizeof memory);
    EXPECT_TRUE(asked.fixed == -1 || GetParam() != io_tier::epoll);
    EXPECT_EQ(result_of(engine(), asked), 8192);
    EXPECT_EQ(std::string_view(memory, 8192), content);
    memory[0] = 'M';
    asked.verb = op_verb::write;
    EXPECT_EQ(result_of(engine(), asked), 8192);
    EXPECT_EQ(content_of(directory / "f")[0], 'M');
}

}  // namespace
