// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// `--explain=io`: which way to the kernel each core got, and what is said where one is refused.

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/net.hpp>
#include <millrace/scheduler/program.hpp>

namespace {
using namespace millrace;
using testing::HasSubstr;
using testing::Not;

/// From now on the kernel answers io_uring_setup with `error`, as container runtimes make it do.
bool forbid_io_uring(int error) {
    std::array<sock_filter, 4> code{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    sock_fprog const program{static_cast<unsigned short>(code.size()), code.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
           && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

struct answer {
    int code = -1;
    std::string text;  // of both outputs
};
/// What a program with a listener says in a process where io_uring ends with `error`; 0: it works.
answer explained(int error, std::initializer_list<char const*> more) {
    std::FILE* const told = std::tmpfile();
    ::pid_t const child = ::fork();
    if (child == 0) {
        ::dup2(::fileno(told), 1);
        ::dup2(::fileno(told), 2);
        if (error != 0 && !forbid_io_uring(error)) ::_exit(99);
        std::vector<char const*> options{"program", "--explain=io", "--partitions=1"};
        options.insert(options.end(), more);
        int const code = run(static_cast<int>(options.size()), options.data(),
                             tcp::listen({.host = "127.0.0.1"}) | discard());
        std::fflush(nullptr);
        ::_exit(code);
    }
    answer out;
    int status = 0;
    ::waitpid(child, &status, 0);
    out.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    std::rewind(told);
    out.text.resize(64 * 1024);
    out.text.resize(std::fread(out.text.data(), 1, out.text.size(), told));
    std::fclose(told);
    return out;
}

TEST(explain_io, says_which_way_is_in_use) {
    answer const epoll = explained(0, {"--io=epoll"});
    EXPECT_EQ(epoll.code, 0) << epoll.text;
    EXPECT_THAT(epoll.text, HasSubstr("io: epoll"));
    EXPECT_THAT(epoll.text, Not(HasSubstr("refused")));
    answer const best = explained(0, {});
    EXPECT_EQ(best.code, 0) << best.text;
    EXPECT_THAT(best.text, testing::AnyOf(HasSubstr("io: io_uring"), HasSubstr("io: refused")));
}

struct refusal {
    int error;
    char const* cause;
    char const* cure;
};
constexpr std::array refusals{refusal{EPERM, "seccomp", "docker run --security-opt"},
                              refusal{ENOSYS, "the kernel has none", "Linux 6.1"},
                              refusal{ENOMEM, "too little memory may be locked", "ulimit -l"},
                              refusal{EMFILE, "too few descriptors", "ulimit -n"}};

TEST(explain_io, falls_back_and_says_why_and_what_cures_it) {
    for (refusal const& one : refusals) {
        answer const said = explained(one.error, {});
        EXPECT_EQ(said.code, 0) << said.text;
        EXPECT_THAT(said.text, HasSubstr("io: epoll"));
        EXPECT_THAT(said.text, HasSubstr(one.cause));
        EXPECT_THAT(said.text, HasSubstr(one.cure));
    }
}

TEST(explain_io, fails_with_cause_and_cure_where_a_ring_is_asked_for) {
    for (refusal const& one : refusals)
        for (char const* const how : {"--io=ring", "--io=deferred", "--io=cooperative"}) {
            answer const said = explained(one.error, {how});
            EXPECT_EQ(said.code, static_cast<int>(exit_code::configuration)) << said.text;
            EXPECT_THAT(said.text, HasSubstr(one.cause));
            EXPECT_THAT(said.text, HasSubstr(one.cure));
            EXPECT_THAT(said.text, Not(HasSubstr("io: epoll,")));
        }
}

}  // namespace
