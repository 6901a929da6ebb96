// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <thread>

#include <millrace/io/fault.hpp>
#include <millrace/io/file.hpp>

#include "on_tiers.hpp"
#include "scratch.hpp"

namespace {

using namespace millrace;
using namespace millrace_test;

struct file_source_live : on_tiers {
    scratch directory;
    std::string got;
    unsigned lasts = 0;
    unsigned idles = 0;

    template <class Source>
    bool ends(Source& source) {
        chunk part;
        return until([&] {
            for (;;) {
                switch (source.try_next(part)) {
                    case source_state::ended:
                        return true;
                    case source_state::idle:
                        ++idles;
                        return false;
                    case source_state::more:
                        got += part.data;
                        lasts += part.last;
                }
            }
        });
    }
};
MILLRACE_ON_TIERS(file_source_live);

TEST_P(file_source_live, reads_files_without_blocking) {
    std::string const one = noise(1'000'003, 1);
    std::string const two = noise(5, 2);
    auto source = file({directory.put("a", one), directory.put("b", ""), directory.put("c", two)},
                       {.buffer_bytes = 10'000, .read_ahead = 3})
                      .open_source(env);
    ASSERT_TRUE(ends(source));
    EXPECT_TRUE(got == one + two);
    EXPECT_EQ(lasts, 3U);
    EXPECT_GT(idles, 0U);
    EXPECT_EQ(source.progress().bytes_done, one.size() + two.size());
}

TEST_P(file_source_live, blocks_where_it_is_asked_to) {
    std::string const content = noise(300'000);
    auto source = file(directory.put("a", content), {.buffer_bytes = 10'000}).open_source(env);
    chunk part;
    while (source.next(part)) got += part.data;
    EXPECT_TRUE(got == content);
}

TEST_P(file_source_live, is_idle_while_a_pipe_is_empty_and_is_woken) {
    int ends_of_pipe[2];
    ASSERT_EQ(::pipe(ends_of_pipe), 0);
    auto source = file("/dev/fd/" + std::to_string(ends_of_pipe[0])).open_source(env);
    chunk part;
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(source.try_next(part), source_state::idle);
        env.engine.turn();
    }
    std::thread writer([&] {
        ASSERT_EQ(::write(ends_of_pipe[1], "hello", 5), 5);
        ::close(ends_of_pipe[1]);
    });
    ASSERT_TRUE(ends(source));
    writer.join();
    ::close(ends_of_pipe[0]);
    EXPECT_EQ(got, "hello");
    EXPECT_EQ(lasts, 1U);
}

TEST_P(file_source_live, is_gone_with_reads_in_flight) {
    std::string const name = directory.put("a", noise(300'000));
    auto source = file(name, {.buffer_bytes = 10'000}).open_source(env);
    chunk part;
    EXPECT_NE(source.try_next(part), source_state::ended);
    env.engine.turn();
}

TEST_P(file_source_live, goes_on_behind_short_reads_and_interruptions) {
    using engine = basic_core_engine<fault_plan>;
    std::string const content = noise(50'000);
    std::string const name = directory.put("a", content);
    std::uint64_t struck = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        fault_plan plan;
        plan.at_random({.seed = seed, .refuse = 20, .shorten = 40, .hold = 20});
        engine faulty({.tier = GetParam()}, {}, plan);
        basic_file_source<core_files<engine>> source(
            engine_handle<core_files<engine>>(
                std::make_unique<core_files<engine>>(service_handle<engine>(faulty))),
            {name}, {.buffer_bytes = 3000, .read_ahead = 4});
        got.clear();
        chunk part;
        for (;;) {
            auto const state = source.try_next(part);
            if (state == source_state::ended) break;
            if (state == source_state::more) got += part.data;
            if (state == source_state::idle) faulty.turn();
        }
        ASSERT_TRUE(got == content) << seed;
        struck += faulty.faults().struck();
    }
    EXPECT_GT(struck, 50U);
}

TEST_P(file_source_live, reads_into_registered_buffers_where_there_is_a_ring) {
    core_files<core_engine> files{service_handle<core_engine>(env.engine)};
    std::string buffer(8192, 'x');
    bool const ring = GetParam() != io_tier::epoll;
    std::int16_t const number = files.add_buffer(buffer.data(), buffer.size());
    EXPECT_EQ(number >= 0, ring);
    auto const file = detail::open_input(directory.put("a", "hello"));
    // One byte beyond it the kernel refuses: so the number is what it reads by.
    for (std::size_t const from : {std::size_t{0}, buffer.size() - 4}) {
        io_request request{.data = buffer.data() + from,
                           .offset = 0,
                           .bytes = 5,
                           .fd = file.fd.fd(),
                           .buffer = number,
                           .verb = io_verb::read};
        if (from != 0 && !ring) continue;
        files.submit(request);
        ASSERT_TRUE(until([&] { return files.ready(request); }));
        EXPECT_EQ(request.result, from == 0 ? 5 : -EFAULT);
    }
    EXPECT_EQ(buffer.substr(0, 6), "hellox");
}

TEST_P(file_source_live, stops_with_the_name_when_the_device_fails) {
    using engine = basic_core_engine<fault_plan>;
    std::string const name = directory.put("a", noise(50'000));
    for (std::uint64_t const at : {0U, 1U, 7U, 16U}) {
        fault_plan plan;
        plan.add({.what = fault::kind::rewrite, .verb = op_verb::read, .value = -EIO, .from = at});
        engine faulty({.tier = GetParam()}, {}, plan);
        basic_file_source<core_files<engine>> source(
            engine_handle<core_files<engine>>(
                std::make_unique<core_files<engine>>(service_handle<engine>(faulty))),
            {name}, {.buffer_bytes = 3000, .read_ahead = 4});
        std::size_t bytes = 0;
        auto const error = failure_of([&] {
            chunk part;
            for (source_state state{}; (state = source.try_next(part)) != source_state::ended;) {
                if (state == source_state::more) bytes += part.data.size();
                if (state == source_state::idle) faulty.turn();
            }
        });
        EXPECT_EQ(error.code(), exit_code::io);
        EXPECT_TRUE(error.message().starts_with("millrace: file: cannot read \"" + name))
            << error.message();
        EXPECT_LT(bytes, 50'000U);
    }
}

template <class Engine>
std::string content_by(std::string const& name, file_options const& options, Engine& engine) {
    basic_file_source<Engine> source(engine_handle<Engine>(engine), {name}, options);
    std::string out;
    for (chunk part; source.next(part);) out += part.data;
    return out;
}

TEST(file_source_direct, reads_any_size_past_the_page_cache) {
    scratch const directory;
    io_engine engine;
    for (std::size_t const bytes : {0U, 1U, 4095U, 4096U, 4097U, 8192U, 100'000U, 131'072U}) {
        std::string const content = noise(bytes);
        std::string const name = directory.put("a" + std::to_string(bytes), content);
        for (std::size_t const buffer : {1U, 4096U, 5000U, 65'536U})
            ASSERT_TRUE(content_by(name, {.buffer_bytes = buffer, .direct = true}, engine)
                        == content)
                << bytes << ' ' << buffer;
    }
    EXPECT_NE(content_by("/proc/self/status", {.direct = true}, engine), "");
}

TEST(file_source_direct, does_without_where_a_read_is_refused) {
    scratch const directory;
    std::string const content = noise(20'000);
    std::string const name = directory.put("a", content);
    fault_engine engine;
    engine.fault = [n = 0](io_request const&) mutable { return n++ == 1 ? -EINVAL : 0; };
    EXPECT_TRUE(content_by(name, {.buffer_bytes = 4096, .direct = true}, engine) == content);
    EXPECT_EQ(engine.faults, 1U);
}

TEST(file_source_registered, pins_no_more_than_its_share_and_gives_it_back) {
    scratch const directory;
    std::string const content = noise(3'000'000);
    std::string const name = directory.put("a", content);
    bare_env env;
    {
        io_ring const probe(4);
        if (!probe.usable()) GTEST_SKIP() << "io_uring is refused here";
    }
    {
        auto first = file(name).open_source(env);
        auto second = file(name).open_source(env);
        auto third = file(name).open_source(env);
        chunk part;
        std::string text[3];
        while (first.next(part)) text[0] += part.data;
        EXPECT_GT(millrace::detail::pinned_bytes::taken(), 0U);
        while (second.next(part)) text[1] += part.data;
        while (third.next(part)) text[2] += part.data;
        EXPECT_LE(millrace::detail::pinned_bytes::taken(), millrace::detail::pinned_bytes::most);
        for (std::string const& one : text) EXPECT_TRUE(one == content);
    }
    EXPECT_EQ(millrace::detail::pinned_bytes::taken(), 0U);
}

}  // namespace
