// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <thread>

#include <millrace/io/file_source.hpp>

#include "scratch.hpp"

namespace {

using namespace millrace;
using namespace millrace_test;

struct piece {
    std::string data;
    std::string name;
    bool last;
};

template <class Source>
std::vector<piece> pieces_of(Source& source) {
    std::vector<piece> out;
    chunk next;
    while (source.next(next))
        out.push_back({std::string(next.data), std::string(next.name), next.last});
    return out;
}
std::string joined(std::vector<piece> const& pieces) {
    std::string out;
    for (piece const& p : pieces) out += p.data;
    return out;
}
unsigned lasts(std::vector<piece> const& pieces) {
    unsigned count = 0;
    for (piece const& p : pieces) count += p.last;
    return count;
}

template <class Engine>
struct file_source_on : testing::Test {
    scratch directory;
    env_with<Engine> env;
    auto open(std::vector<std::string> names, file_options options = {}) {
        return file(std::move(names), options).open_source(env);
    }
};
using engines = testing::Types<io_engine, blocking_engine>;
TYPED_TEST_SUITE(file_source_on, engines);

TYPED_TEST(file_source_on, reads_a_whole_file) {
    std::string const content = noise(1'000'003);
    auto source = this->open({this->directory.put("a", content)});
    auto const pieces = pieces_of(source);
    EXPECT_EQ(joined(pieces), content);
    EXPECT_EQ(pieces.size(), 4U);
    EXPECT_EQ(lasts(pieces), 1U);
    EXPECT_TRUE(pieces.back().last);
    EXPECT_EQ(pieces.front().name, this->directory / "a");
    EXPECT_EQ(source.progress().bytes_done, content.size());
    EXPECT_EQ(source.progress().bytes_total, content.size());
}

TYPED_TEST(file_source_on, marks_the_last_chunk_of_every_size_around_a_buffer) {
    for (std::size_t bytes = 0; bytes <= 70; ++bytes) {
        std::string const content = noise(bytes);
        std::string const name = this->directory.put("a" + std::to_string(bytes), content);
        for (std::size_t const buffer : {1U, 2U, 7U, 16U, 64U, 70U}) {
            for (unsigned const ahead : {1U, 2U, 3U, 8U}) {
                auto source = this->open({name}, {.buffer_bytes = buffer, .read_ahead = ahead});
                auto const pieces = pieces_of(source);
                ASSERT_EQ(joined(pieces), content) << buffer << ' ' << bytes << ' ' << ahead;
                ASSERT_EQ(lasts(pieces), 1U);
                ASSERT_TRUE(pieces.back().last);
                ASSERT_EQ(pieces.size(), bytes == 0 ? 1 : (bytes + buffer - 1) / buffer);
            }
        }
    }
}

TYPED_TEST(file_source_on, reads_several_files_in_order_as_one_input) {
    auto const& at = this->directory;
    std::vector<std::string> const content = {noise(100, 1), "", noise(64, 2), noise(1, 3), ""};
    std::vector<std::string> names;
    for (std::size_t i = 0; i < content.size(); ++i)
        names.push_back(at.put("f" + std::to_string(i), content[i]));
    auto source = this->open(names, {.buffer_bytes = 32, .read_ahead = 3});
    auto const pieces = pieces_of(source);
    std::size_t i = 0;
    std::string got;
    for (piece const& p : pieces) {
        ASSERT_LT(i, names.size());
        EXPECT_EQ(p.name, names[i]);
        got += p.data;
        if (!p.last) continue;
        EXPECT_EQ(got, content[i]) << i;
        got.clear();
        ++i;
    }
    EXPECT_EQ(i, names.size());
    EXPECT_EQ(source.progress().bytes_total, 165U);
}

TYPED_TEST(file_source_on, gives_one_empty_last_chunk_for_an_empty_file) {
    auto source = this->open({this->directory.put("a", "")});
    auto const pieces = pieces_of(source);
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_TRUE(pieces[0].data.empty());
    EXPECT_TRUE(pieces[0].last);
    chunk more;
    EXPECT_FALSE(source.next(more));
}

TYPED_TEST(file_source_on, keeps_a_chunk_until_the_next_is_asked_for) {
    std::string const content = noise(64);
    auto source =
        this->open({this->directory.put("a", content)}, {.buffer_bytes = 16, .read_ahead = 2});
    chunk first;
    ASSERT_TRUE(source.next(first));
    EXPECT_EQ(first.data, content.substr(0, 16));
    auto moved = std::move(source);
    EXPECT_EQ(first.data, content.substr(0, 16));
    EXPECT_EQ(joined(pieces_of(moved)), content.substr(16));
}

TYPED_TEST(file_source_on, reads_what_is_appended_while_it_reads) {
    std::string const name = this->directory.put("a", "0123");
    auto source = this->open({name}, {.buffer_bytes = 4});
    std::ofstream(name, std::ios::app) << "456789";
    EXPECT_EQ(joined(pieces_of(source)), "0123456789");
}

TYPED_TEST(file_source_on, refuses_a_file_that_shrinks) {
    std::string const name = this->directory.put("a", noise(64));
    auto source = this->open({name}, {.buffer_bytes = 8, .read_ahead = 2});
    chunk next;
    ASSERT_TRUE(source.next(next));
    ASSERT_EQ(::truncate(name.c_str(), 20), 0);
    auto const error = failure_of([&] { pieces_of(source); });
    EXPECT_EQ(error.code(), exit_code::io);
    EXPECT_EQ(error.message(), "millrace: file: \"" + name +
                                   "\" shrank while it was read: it ends at 20 of 64 bytes. Read a "
                                   "copy that nobody writes.");
}

TYPED_TEST(file_source_on, hands_out_what_a_pipe_has_at_once) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    auto source = this->open({"/dev/fd/" + std::to_string(ends[0])});
    chunk next;
    for (std::string const text : {"one", "two", "three"}) {  // would hang if chunks were held back
        ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
        ASSERT_TRUE(source.next(next));
        EXPECT_EQ(next.data, text);
        EXPECT_FALSE(next.last);
    }
    ::close(ends[1]);
    ASSERT_TRUE(source.next(next));
    EXPECT_TRUE(next.data.empty());
    EXPECT_TRUE(next.last);
    EXPECT_FALSE(source.next(next));
    EXPECT_EQ(source.progress().bytes_done, 11U);
    EXPECT_EQ(source.progress().bytes_total, 0U);
    ::close(ends[0]);
}

TYPED_TEST(file_source_on, reads_a_long_pipe_through_small_buffers) {
    std::string const content = noise(300'000);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    std::thread writer([&] {
        for (std::size_t at = 0; at < content.size();) {
            ssize_t const wrote = ::write(ends[1], content.data() + at, content.size() - at);
            if (wrote > 0) at += static_cast<std::size_t>(wrote);
        }
        ::close(ends[1]);
    });
    auto source = this->open({"/dev/fd/" + std::to_string(ends[0])}, {.buffer_bytes = 1000});
    EXPECT_EQ(joined(pieces_of(source)), content);
    writer.join();
    ::close(ends[0]);
}

TYPED_TEST(file_source_on, can_be_given_up_while_a_pipe_is_silent) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    {
        auto source = this->open({"/dev/fd/" + std::to_string(ends[0])});
        ASSERT_EQ(::write(ends[1], "x", 1), 1);
        chunk next;
        ASSERT_TRUE(source.next(next));  // the next read is in flight now
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

TYPED_TEST(file_source_on, waits_for_a_descriptor_that_does_not_block) {
    int const code = in_child([&] {
        int ends[2];
        if (::pipe2(ends, O_NONBLOCK) != 0) return 2;
        ::dup2(ends[0], STDIN_FILENO);
        std::thread writer;
        env_with<TypeParam> fresh;
        auto source = file("-").open_source(fresh);
        writer = std::thread([&] {
            if (::write(ends[1], "late", 4) != 4) ::_exit(3);
            ::close(ends[1]);
        });
        bool const right = joined(pieces_of(source)) == "late";
        writer.join();
        return right ? 0 : 1;
    });
    EXPECT_EQ(code, 0);
}

TYPED_TEST(file_source_on, reads_standard_input_from_a_pipe_and_from_a_file) {
    std::string const name = this->directory.put("a", "0123456789");
    auto const child = [&](auto const& prepare, std::string_view expected, std::uint64_t total) {
        return in_child([&] {
            prepare();
            env_with<TypeParam> fresh;
            auto source = file({"-", "/dev/stdin"}).open_source(fresh);
            auto const pieces = pieces_of(source);
            return joined(pieces) == expected && lasts(pieces) == 2
                           && source.progress().bytes_total == total
                       ? 0
                       : 1;
        });
    };
    EXPECT_EQ(0, child(
                     [] {
                         int ends[2];
                         if (::pipe(ends) != 0 || ::write(ends[1], "piped", 5) != 5) ::_exit(2);
                         ::close(ends[1]);
                         ::dup2(ends[0], STDIN_FILENO);
                     },
                     "piped", 0));
    EXPECT_EQ(0, child(
                     [&] {
                         int const fd = ::open(name.c_str(), O_RDONLY);
                         ::lseek(fd, 4, SEEK_SET);
                         ::dup2(fd, STDIN_FILENO);
                     },
                     "456789", 12));
}

TYPED_TEST(file_source_on, reads_pseudo_files_whose_size_means_nothing) {
    auto status = this->open({"/proc/self/status"});
    EXPECT_NE(joined(pieces_of(status)).find("Name:"), std::string::npos);
    std::string const sys = "/sys/kernel/mm/transparent_hugepage/enabled";
    if (::access(sys.c_str(), R_OK) != 0) return;
    auto setting = this->open({sys});
    EXPECT_EQ(joined(pieces_of(setting)), content_of(sys));
}

TYPED_TEST(file_source_on, refuses_what_is_no_file_before_reading_any) {
    auto const& at = this->directory;
    std::string const good = at.put("good", "x");
    auto const sentence = [&](std::string const& name) {
        return failure_of([&] { this->open({good, name}); });
    };
    auto error = sentence(at / "missing");
    EXPECT_EQ(error.code(), exit_code::no_input);
    EXPECT_EQ(error.message(), "millrace: file: cannot read \"" + at.path()
                                   + "/missing\": no such file. Check the path.");
    error = sentence(at.path());
    EXPECT_EQ(error.code(), exit_code::no_input);
    EXPECT_EQ(error.message(), "millrace: file: cannot read \"" + at.path()
                                   + "\": it is a directory. Name the files in it.");
    error = sentence(good + "/x");
    EXPECT_EQ(error.code(), exit_code::no_input);
    error = sentence("");
    EXPECT_EQ(error.code(), exit_code::no_input);
    error = failure_of([&] { this->open({}); });
    EXPECT_EQ(error.code(), exit_code::configuration);
}

TYPED_TEST(file_source_on, refuses_without_permission) {
    std::string const name = this->directory.put("a", "x");
    ASSERT_EQ(::chmod(name.c_str(), 0), 0);
    ASSERT_EQ(::chmod(this->directory.path().c_str(), 0755), 0);
    int const code = in_child([&] {
        if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 1;
        env_with<TypeParam> fresh;
        auto source = file(name).open_source(fresh);
        return 0;
    });
    EXPECT_EQ(code, static_cast<int>(exit_code::no_permission));
}

TEST(file_source, is_not_confused_by_short_reads_and_interruptions) {
    scratch const directory;
    std::string const content = noise(5'000);
    std::string const name = directory.put("a", content);
    unsigned faults = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        env_with<fault_engine> env;
        env.engine.fault = harmless_faults(seed);
        auto source = file({name, name}, {.buffer_bytes = 1 + seed * 7, .read_ahead = 1 + seed % 5})
                          .open_source(env);
        auto const pieces = pieces_of(source);
        ASSERT_EQ(joined(pieces), content + content) << "seed " << seed;
        ASSERT_EQ(lasts(pieces), 2U) << "seed " << seed;
        faults += env.engine.faults;
    }
    EXPECT_GT(faults, 1000U);
}

TEST(file_source, stops_with_the_name_when_the_device_fails) {
    scratch const directory;
    std::string const name = directory.put("a", noise(100));
    env_with<fault_engine> env;
    env.engine.fault = [&](io_request const& r) { return r.offset >= 48 ? -EIO : 0; };
    auto source = file(name, {.buffer_bytes = 16}).open_source(env);
    chunk next;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(source.next(next));
    auto const error = failure_of([&] { (void)source.next(next); });
    EXPECT_EQ(error.code(), exit_code::io);
    EXPECT_EQ(error.message(),
              "millrace: file: cannot read \"" + name
                  + "\": the device reports an error. Check the disk and the kernel's log.");
}

TEST(file_source, makes_an_engine_of_its_own_where_the_environment_has_none) {
    scratch const directory;
    bare_env none;
    auto source = file(directory.put("a", "text")).open_source(none);
    EXPECT_EQ(joined(pieces_of(source)), "text");
}

}  // namespace
