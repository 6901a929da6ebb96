// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <array>
#include <cstddef>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <thread>

#include <millrace/io/engine.hpp>

#include "scratch.hpp"

namespace {

using namespace millrace;
using namespace millrace_test;

/// From now on the kernel answers io_uring_setup with `error`, as container runtimes make it do.
bool forbid_io_uring(unsigned error) {
    std::array<sock_filter, 4> code{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    sock_fprog const program{static_cast<unsigned short>(code.size()), code.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
           && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(engine, takes_a_ring_unless_the_environment_says_no) {
    EXPECT_EQ(0, in_child([] {
                  ::unsetenv("MILLRACE_IO");
                  bool const free = io_engine().has_ring() || io_engine().refusal() != 0;
                  ::setenv("MILLRACE_IO", "sync", 1);
                  bool const told = io_engine().has_ring();
                  return free && !told ? 0 : 1;
              }));
}

TEST(engine, does_without_where_io_uring_is_refused) {
    scratch const directory;
    std::string const content = noise(100'000);
    std::string const in = directory.put("in", content);
    for (int const error : {EPERM, ENOSYS, ENOMEM, EINVAL}) {
        EXPECT_EQ(0, in_child([&] {
                      ::unsetenv("MILLRACE_IO");
                      if (!forbid_io_uring(static_cast<unsigned>(error))) return 2;
                      io_engine const one;
                      if (one.has_ring() || one.refusal() != error) return 3;
                      bare_env none;
                      auto source = file(in, {.buffer_bytes = 1000}).open_source(none);
                      auto sink = file(directory / "out", {.buffer_bytes = 700}).open_sink(none);
                      for (chunk next; source.next(next);) sink.write({next.data, false});
                      sink.close(true);
                      return 0;
                  }))
            << error;
        EXPECT_EQ(content_of(directory / "out"), content);
    }
}

TEST(engine, fails_where_a_ring_is_demanded_and_refused) {
    EXPECT_EQ(static_cast<int>(exit_code::configuration), in_child([] {
                  ::setenv("MILLRACE_IO", "ring", 1);
                  if (!forbid_io_uring(EPERM)) return 2;
                  io_engine one;
                  return 0;
              }));
}

TEST(ring, does_more_operations_than_it_has_entries) {
    scratch const directory;
    io_ring four(4);
    if (!four.usable()) GTEST_SKIP() << "io_uring is refused here";
    std::string const content = noise(640);
    int const fd = ::open(directory.put("a", content).c_str(), O_RDONLY);
    std::array<std::array<char, 10>, 64> parts{};
    std::array<io_request, 64> requests{};
    for (std::size_t i = 0; i < 64; ++i) {
        requests[i] = {.data = parts[i].data(), .offset = 10 * i, .bytes = 10, .fd = fd};
        four.submit(requests[i]);
    }
    for (std::size_t i = 64; i-- > 0;) {
        four.wait(requests[i]);
        EXPECT_EQ(requests[i].result, 10);
        EXPECT_EQ(std::string_view(parts[i].data(), 10), content.substr(10 * i, 10));
    }
    ::close(fd);
}

TEST(ring, lets_go_of_the_buffer_of_a_cancelled_read) {
    io_ring one(4);
    if (!one.usable()) GTEST_SKIP() << "io_uring is refused here";
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    std::array<char, 4> buffer{};
    io_request request{.data = buffer.data(), .bytes = 4, .fd = ends[0]};
    one.submit(request);
    one.cancel(request);
    EXPECT_FALSE(request.pending);
    EXPECT_EQ(request.result, -ECANCELED);
    ASSERT_EQ(::write(ends[1], "late", 4), 4);
    one.flush();
    EXPECT_EQ(buffer[0], 0);
    request = {.data = buffer.data(), .bytes = 4, .fd = ends[0]};
    one.submit(request);
    one.wait(request);
    EXPECT_EQ(request.result, 4);
    one.cancel(request);  // of what is done: nothing
    EXPECT_EQ(request.result, 4);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(ring, refuses_a_second_thread_in_one_sentence) {
    io_ring one(4);
    if (!one.usable() || (one.flags() & IORING_SETUP_SINGLE_ISSUER) == 0)
        GTEST_SKIP() << "needs deferred task work";
    exit_code code = exit_code::ok;
    std::thread([&] {
        io_request request{.verb = io_verb::sync};
        try {
            one.submit(request);
            one.flush();
        } catch (failure const& error) {
            code = error.code();
        }
    }).join();
    EXPECT_EQ(code, exit_code::software);
}

}  // namespace
