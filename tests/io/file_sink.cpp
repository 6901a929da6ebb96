// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <csignal>
#include <sys/mount.h>
#include <sys/resource.h>

#include <millrace/io/file_sink.hpp>
#include <millrace/io/standard_io.hpp>

#include "scratch.hpp"

namespace {

using namespace millrace;
using namespace millrace_test;

template <class Engine>
struct file_sink_on : testing::Test {
    scratch directory;
    env_with<Engine> env;
    auto open(std::string const& name, file_options options = {}) {
        return file(name, options).open_sink(env);
    }
};
using engines = testing::Types<io_engine, blocking_engine>;
TYPED_TEST_SUITE(file_sink_on, engines);

using names = std::vector<std::string>;

TYPED_TEST(file_sink_on, writes_lines_and_bytes) {
    auto sink = this->open(this->directory / "out");
    sink.write({"one", true});
    sink.write({"two", false});
    sink.write({"", true});
    sink.write({"", false});
    EXPECT_EQ(sink.bytes_written(), 8U);
    sink.batch_end();
    sink.close(true);
    EXPECT_EQ(content_of(this->directory / "out"), "one\ntwo\n");
    EXPECT_EQ(sink.bytes_written(), 8U);
}

TYPED_TEST(file_sink_on, writes_any_record_through_any_buffer) {
    std::string const content = noise(100);
    for (std::size_t buffer = 1; buffer < 40; ++buffer) {
        auto sink = this->open(this->directory / "out", {.buffer_bytes = buffer});
        std::string expected;
        for (std::size_t length = 0; length <= content.size(); ++length) {
            bytes const record{std::string_view(content).substr(0, length), length % 3 != 0};
            sink.write(record);
            expected.append(record.data).append(record.line ? "\n" : "");
        }
        EXPECT_EQ(sink.bytes_written(), expected.size());
        sink.close(true);
        ASSERT_EQ(content_of(this->directory / "out"), expected) << buffer;
        EXPECT_EQ(sink.bytes_written(), expected.size());
    }
    EXPECT_EQ(this->directory.names(), names{"out"});
}

TYPED_TEST(file_sink_on, makes_an_empty_file_of_no_records) {
    this->open(this->directory / "out").close(true);
    EXPECT_EQ(this->directory.names(), names{"out"});
    EXPECT_EQ(content_of(this->directory / "out"), "");
}

TYPED_TEST(file_sink_on, shows_the_file_only_when_all_went_well) {
    auto const& at = this->directory;
    std::string const out = at.put("out", "before");
    {
        auto sink = this->open(out, {.buffer_bytes = 4});
        sink.write({"0123456789", true});
        ASSERT_EQ(at.names().size(), 2U);
        EXPECT_EQ(at.names()[0], ".out." + std::to_string(::getpid()) + "-0.part");
        EXPECT_EQ(content_of(out), "before");
        sink.finish();
        EXPECT_EQ(content_of(out), "before");
        sink.close(true);
        EXPECT_EQ(content_of(out), "0123456789\n");
        EXPECT_EQ(at.names(), names{"out"});
    }
    EXPECT_EQ(at.names(), names{"out"});
}

TYPED_TEST(file_sink_on, leaves_nothing_of_a_run_that_failed) {
    auto const& at = this->directory;
    std::string const out = at.put("out", "before");
    {
        auto sink = this->open(out, {.buffer_bytes = 4});
        sink.write({"0123456789", true});
        sink.close(false);
        EXPECT_EQ(at.names(), names{"out"});
    }
    {
        this->open(at / "closed by nobody").write({"x", true});
    }
    {
        auto sink = this->open(at / "moved");
        sink.write({"x", true});
        auto other = std::move(sink);
        other.write({"y", true});
    }
    {
        auto sink = this->open(at / "finished");
        sink.write({"x", true});
        sink.finish();
        sink.close(false);
    }
    EXPECT_EQ(at.names(), names{"out"});
    EXPECT_EQ(content_of(out), "before");
}

TYPED_TEST(file_sink_on, keeps_the_mode_of_a_file_and_respects_the_umask) {
    auto const& at = this->directory;
    std::string const old = at.put("old", "x");
    ASSERT_EQ(::chmod(old.c_str(), 0640), 0);
    mode_t const before = ::umask(027);
    this->open(old).close(true);
    this->open(at / "new").close(true);
    ::umask(before);
    struct stat info{};
    ASSERT_EQ(::stat(old.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0640U);
    ASSERT_EQ(::stat((at / "new").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0640U);
}

TYPED_TEST(file_sink_on, hides_a_temporary_as_the_file_is_hidden) {
    auto const& at = this->directory;
    std::string const old = at.put("old", "x");
    ASSERT_EQ(::chmod(old.c_str(), 0600), 0);
    auto sink = this->open(old);
    struct stat info{};
    ASSERT_EQ(::stat((at / at.names().front()).c_str(), &info), 0);
    EXPECT_NE(at.names().front(), "old");
    EXPECT_EQ(info.st_mode & 07777U, 0600U);
}

TYPED_TEST(file_sink_on, lets_several_finish_before_any_is_shown) {
    auto const& at = this->directory;
    {
        auto good = this->open(at / "good");
        auto full = this->open("/dev/full");
        good.write({"x", true});
        full.write({"x", true});
        good.finish();
        EXPECT_EQ(failure_of([&] { full.finish(); }).code(), exit_code::io);
    }
    EXPECT_EQ(at.names(), names{});
}

TYPED_TEST(file_sink_on, writes_behind_symbolic_links_and_keeps_them) {
    auto const& at = this->directory;
    ASSERT_EQ(::mkdir((at / "d").c_str(), 0755), 0);
    ASSERT_EQ(::symlink("d/target", (at / "link").c_str()), 0);
    ASSERT_EQ(::symlink("link", (at / "link to link").c_str()), 0);
    for (std::string const text : {"new", "again"}) {
        auto sink = this->open(at / "link to link");
        sink.write({text, false});
        sink.close(true);
        EXPECT_EQ(content_of(at / "d/target"), text);
        EXPECT_EQ(at.names(), (names{"d", "link", "link to link"}));
    }
    ASSERT_EQ(::symlink("circle", (at / "circle").c_str()), 0);
    EXPECT_EQ(failure_of([&] { this->open(at / "circle"); }).code(), exit_code::cannot_create);
}

TYPED_TEST(file_sink_on, takes_names_up_to_what_the_system_allows) {
    std::string const longest(255, 'n');
    auto sink = this->open(this->directory / longest);
    sink.write({"x", false});
    sink.close(true);
    EXPECT_EQ(this->directory.names(), names{longest});
    auto const error = failure_of([&] { this->open(this->directory / (longest + "n")); });
    EXPECT_EQ(error.code(), exit_code::cannot_create);
}

TYPED_TEST(file_sink_on, refuses_at_start_what_cannot_be_made) {
    auto const& at = this->directory;
    auto const error_at = [&](std::string const& name) {
        return failure_of([&] { this->open(name); });
    };
    auto error = error_at(at / "missing/out");
    EXPECT_EQ(error.code(), exit_code::cannot_create);
    EXPECT_EQ(error.message(), "millrace: file: cannot write \"" + at.path()
                                   + "/missing/out\": its directory does not exist. Create it.");
    error = error_at(at.path());
    EXPECT_EQ(error.code(), exit_code::cannot_create);
    EXPECT_EQ(error.message(), "millrace: file: cannot write \"" + at.path()
                                   + "\": it is a directory. Name a file.");
    EXPECT_EQ(error_at(at / "new/").code(), exit_code::cannot_create);
    EXPECT_EQ(error_at(at.put("file", "") + "/out").code(), exit_code::cannot_create);
    EXPECT_EQ(error_at("").code(), exit_code::cannot_create);
    error = failure_of([&] { (void)file({at / "a", at / "b"}).open_sink(this->env); });
    EXPECT_EQ(error.code(), exit_code::configuration);
    EXPECT_EQ(at.names(), names{"file"});
}

TYPED_TEST(file_sink_on, refuses_two_sinks_on_one_file) {
    auto const& at = this->directory;
    ASSERT_EQ(::symlink("out", (at / "link").c_str()), 0);
    auto sink = this->open(at / "out");
    auto const error = failure_of([&] { this->open(at / "link"); });
    EXPECT_EQ(error.code(), exit_code::cannot_create);
    EXPECT_EQ(error.message(), "millrace: file: two sinks write \"" + at.path()
                                   + "/link\". Give each of them a file of its own.");
    sink.close(true);
    this->open(at / "link").close(true);
}

TYPED_TEST(file_sink_on, refuses_without_permission) {
    auto const& at = this->directory;
    std::string const locked = at.put("locked", "before");
    ASSERT_EQ(::chmod(locked.c_str(), 0444), 0);
    ASSERT_EQ(::mkdir((at / "closed").c_str(), 0755), 0);
    ASSERT_EQ(::chmod(at.path().c_str(), 0777), 0);
    auto const unprivileged = [&](std::string const& name) {
        return in_child([&] {
            if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 1;
            env_with<TypeParam> fresh;
            auto sink = file(name).open_sink(fresh);
            return 0;
        });
    };
    if (::geteuid() != 0) {
        ASSERT_EQ(::chmod((at / "closed").c_str(), 0555), 0);
    }
    EXPECT_EQ(unprivileged(locked), static_cast<int>(exit_code::no_permission));
    EXPECT_EQ(unprivileged(at / "closed/out"), static_cast<int>(exit_code::no_permission));
    EXPECT_EQ(unprivileged(at / "free"), 0);
    EXPECT_EQ(content_of(locked), "before");
    EXPECT_EQ(at.names(), (names{"closed", "locked"}));
}

TYPED_TEST(file_sink_on, reports_a_full_device) {
    auto sink = this->open("/dev/full", {.buffer_bytes = 64});
    auto const error = failure_of([&] {
        for (int i = 0; i < 1000; ++i) sink.write({"0123456789", true});
        sink.close(true);
    });
    EXPECT_EQ(error.code(), exit_code::io);
    EXPECT_EQ(
        error.message(),
        "millrace: file: cannot write \"/dev/full\": the disk is full. Free some room, or write "
        "elsewhere.");
    EXPECT_EQ(failure_of([&] { sink.write({"x", true}); }).code(), exit_code::software);
    sink.batch_end();
    sink.close(false);
}

TYPED_TEST(file_sink_on, leaves_nothing_on_a_full_file_system) {
    auto const& at = this->directory;
    if (::mount("none", at.path().c_str(), "tmpfs", 0, "size=64k") != 0)
        GTEST_SKIP()
            << "no right to mount; leaves_nothing_when_the_disk_fails has the same by a fault";
    {
        auto sink = this->open(at / "out", {.buffer_bytes = 4096});
        auto const error = failure_of([&] {
            for (int i = 0; i < 100'000; ++i) sink.write({"0123456789", true});
            sink.close(true);
        });
        EXPECT_EQ(error.code(), exit_code::io);
        EXPECT_EQ(at.names(), names{});
    }
    EXPECT_EQ(::umount(at.path().c_str()), 0);
}

TYPED_TEST(file_sink_on, reports_a_file_that_gets_too_large) {
    auto const& at = this->directory;
    int const code = in_child([&] {
        rlimit const limit{10'000, 10'000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        ::signal(SIGXFSZ, SIG_DFL);
        env_with<TypeParam> fresh;
        auto sink = file(at / "out", {.buffer_bytes = 4096}).open_sink(fresh);
        for (int i = 0; i < 10'000; ++i) sink.write({"0123456789", true});
        sink.close(true);
        return 0;
    });
    EXPECT_EQ(code, static_cast<int>(exit_code::io));
    EXPECT_EQ(at.names(), names{});
}

TYPED_TEST(file_sink_on, hands_each_batch_to_the_reader_of_a_pipe) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    auto sink = this->open("/dev/fd/" + std::to_string(ends[1]));
    for (std::string const text :
         {"one", "two", "three"}) {  // would hang if a batch were held back
        sink.write({text, true});
        sink.batch_end();
        char got[16];
        ASSERT_EQ(::read(ends[0], got, sizeof got), static_cast<ssize_t>(text.size() + 1));
        EXPECT_EQ(std::string_view(got, text.size()), text);
    }
    sink.close(true);
    ::close(ends[0]);
    ::close(ends[1]);
}

TYPED_TEST(file_sink_on, survives_a_reader_that_goes_away) {
    for (int const kind : {0, 1}) {
        int const code = in_child([&] {
            ::signal(SIGPIPE, SIG_DFL);
            int ends[2];
            if (::pipe(ends) != 0) return 1;
            ::dup2(ends[1], STDOUT_FILENO);
            ::close(ends[1]);
            env_with<TypeParam> fresh;
            auto sink = standard_output({.buffer_bytes = 100}).open_sink(fresh);
            sink.write({"x", true});
            sink.batch_end();
            ::close(ends[0]);
            for (int i = 0; i < 1000; ++i) {
                sink.write({"0123456789", true});
                if (kind == 0) sink.batch_end();
            }
            sink.close(true);
            return 0;
        });
        EXPECT_EQ(code, static_cast<int>(exit_code::io));
    }
}

TYPED_TEST(file_sink_on, writes_a_pipe_that_is_read_slowly_and_does_not_block) {
    std::string const content = noise(500'000);
    for (int const flags : {0, O_NONBLOCK}) {
        int ends[2];
        ASSERT_EQ(::pipe2(ends, flags), 0);
        pid_t const child = ::fork();
        if (child == 0) {
            ::close(ends[0]);
            ::dup2(ends[1], STDOUT_FILENO);
            env_with<TypeParam> fresh;
            auto sink = file("-", {.buffer_bytes = 10'000}).open_sink(fresh);
            sink.write({content, false});
            sink.close(true);
            ::_exit(0);
        }
        ::close(ends[1]);
        ::fcntl(ends[0], F_SETFL, 0);
        std::string got;
        char part[4096];
        for (ssize_t came = 0; (came = ::read(ends[0], part, sizeof part)) > 0;)
            got.append(part, static_cast<std::size_t>(came));
        ::waitpid(child, nullptr, 0);
        ::close(ends[0]);
        EXPECT_TRUE(got == content) << flags;
    }
}

TYPED_TEST(file_sink_on, appends_where_standard_output_stands) {
    auto const& at = this->directory;
    std::string const out = at.put("out", "before\n");
    int const code = in_child([&] {
        int const fd = ::open(out.c_str(), O_WRONLY | O_APPEND);
        ::dup2(fd, STDOUT_FILENO);
        env_with<TypeParam> fresh;
        auto sink = standard_output({.buffer_bytes = 16, .durable = true}).open_sink(fresh);
        for (int i = 0; i < 5; ++i) sink.write({"0123456789", true});
        sink.batch_end();
        sink.close(true);
        return 0;
    });
    EXPECT_EQ(code, 0);
    std::string expected = "before\n";
    for (int i = 0; i < 5; ++i) expected += "0123456789\n";
    EXPECT_EQ(content_of(out), expected);
}

TYPED_TEST(file_sink_on, gives_a_stream_what_was_emitted_before_a_failure) {
    auto const& at = this->directory;
    int const code = in_child([&] {
        ::dup2(::open((at / "err").c_str(), O_WRONLY | O_CREAT, 0644), STDERR_FILENO);
        env_with<TypeParam> fresh;
        auto sink = standard_error({.buffer_bytes = 8}).open_sink(fresh);
        for (int i = 0; i < 5; ++i) sink.write({"0123456789", true});
        sink.close(false);
        return 0;
    });
    EXPECT_EQ(code, 0);
    EXPECT_EQ(content_of(at / "err").size(), 55U);
}

TYPED_TEST(file_sink_on, writes_devices_as_they_are) {
    auto sink = this->open("/dev/null", {.durable = true});
    sink.write({"x", true});
    sink.close(true);
    struct stat info{};
    ASSERT_EQ(::stat("/dev/null", &info), 0);
    EXPECT_TRUE(S_ISCHR(info.st_mode));
}

TYPED_TEST(file_sink_on, refuses_what_is_not_open_for_writing) {
    int const code = in_child([&] {
        ::dup2(::open("/dev/null", O_RDONLY), STDOUT_FILENO);
        env_with<TypeParam> fresh;
        auto sink = standard_output().open_sink(fresh);
        return 0;
    });
    EXPECT_EQ(code, static_cast<int>(exit_code::io));
    EXPECT_EQ(failure_of([&] { (void)standard_input().open_sink(this->env); }).code(),
              exit_code::io);
}

TYPED_TEST(file_sink_on, syncs_when_told) {
    auto sink = this->open(this->directory / "out", {.durable = true});
    sink.write({"x", true});
    sink.close(true);
    EXPECT_EQ(content_of(this->directory / "out"), "x\n");
}

TEST(file_sink, takes_the_next_number_where_a_killed_run_left_a_temporary) {
    scratch const directory;
    std::string const left = ".out." + std::to_string(::getpid()) + "-0.part";
    directory.put(left, "old");
    bare_env none;
    auto sink = file(directory / "out").open_sink(none);
    sink.write({"new", false});
    sink.close(true);
    EXPECT_EQ(content_of(directory / "out"), "new");
    EXPECT_EQ(content_of(directory / left), "old");
}

TEST(file_sink, is_not_confused_by_short_writes_and_interruptions) {
    scratch const directory;
    std::string const content = noise(3'000);
    unsigned faults = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        env_with<fault_engine> env;
        env.engine.fault = harmless_faults(seed);
        auto sink = file(directory / "out", {.buffer_bytes = 1 + seed, .durable = seed % 2 == 0})
                        .open_sink(env);
        for (std::size_t at = 0; at < content.size(); at += 100)
            sink.write({std::string_view(content).substr(at, 100), false});
        sink.close(true);
        ASSERT_EQ(content_of(directory / "out"), content) << "seed " << seed;
        faults += env.engine.faults;
    }
    EXPECT_GT(faults, 1000U);
}

TEST(file_sink, leaves_nothing_when_the_disk_fails) {
    scratch const directory;
    for (int const error : {ENOSPC, EIO, EDQUOT, EFBIG, EOPNOTSUPP}) {
        for (unsigned at = 0; at < 8; ++at) {
            env_with<fault_engine> env;
            env.engine.fault = [&, at, error](io_request const&) {
                return env.engine.operations > at ? -error : 0;
            };
            auto sink =
                file(directory / "out", {.buffer_bytes = 16, .durable = true}).open_sink(env);
            auto const got = failure_of([&] {
                for (int i = 0; i < 12; ++i) sink.write({"0123456789", false});  // 8 writes, a sync
                sink.close(true);
            });
            EXPECT_EQ(got.code(), exit_code::io);
            EXPECT_TRUE(got.message().starts_with("millrace: file: cannot write \""))
                << got.message();
            EXPECT_EQ(directory.names(), names{});
        }
    }
}

TEST(file_sink, never_tries_a_failed_sync_again) {
    scratch const directory;
    env_with<fault_engine> env;
    unsigned syncs = 0;
    env.engine.fault = [&](io_request const& r) {
        syncs += r.verb == io_verb::sync;
        return r.verb == io_verb::sync ? -EIO : 0;
    };
    auto sink = file(directory / "out", {.durable = true}).open_sink(env);
    sink.write({"x", true});
    EXPECT_EQ(failure_of([&] { sink.close(true); }).code(), exit_code::io);
    EXPECT_EQ(failure_of([&] { sink.close(true); }).code(), exit_code::software);
    sink.close(false);
    EXPECT_EQ(syncs, 1U);
    EXPECT_EQ(directory.names(), names{});
}

TEST(file_sink, ends_where_a_device_writes_nothing_and_says_nothing) {
    scratch const directory;
    struct mute_engine {
        void submit(io_request& request) { request.pending = true; }
        void flush() {}
        void cancel(io_request& request) { request.pending = false; }
        void wait(io_request& request) {
            request.pending = false;
            request.result = 0;
        }
    };
    env_with<mute_engine> env;
    auto sink = file(directory / "out").open_sink(env);
    sink.write({"x", true});
    EXPECT_EQ(failure_of([&] { sink.close(true); }).code(), exit_code::io);
}

}  // namespace
