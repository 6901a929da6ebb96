// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
//
// The check of virtual calls asks the kernel by a pipe, which is refused without descriptors:
// build: -fno-sanitize=vptr

#include <atomic>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <thread>

#include <millrace/io/fault.hpp>

#include "engine_harness.hpp"
#include "scratch.hpp"

namespace {

using namespace millrace_test;

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

/// The sentence with which an engine of the tier is refused; to be called in a child.
std::string sentence(io_tier tier) {
    try {
        core_engine const none({.tier = tier});
    } catch (failure const& refused) {
        return std::string(refused.message());
    }
    return {};
}
bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

TEST(tiers, automatic_takes_the_best_and_says_which) {
    core_engine const best({});
    bool const ring = best.tier() != io_tier::epoll;
    EXPECT_TRUE(has(best.describe(), ring ? "io: io_uring" : "io: epoll")) << best.describe();
    for (io_tier const tier : {io_tier::deferred, io_tier::cooperative, io_tier::epoll})
        if (auto const made = engine_of(tier)) {
            EXPECT_EQ(made->tier(), tier);
        }
}

TEST(tiers, epoll_takes_over_where_io_uring_is_refused_with_one_warning) {
    for (int const error : {EPERM, ENOSYS, ENOMEM, EINVAL, EMFILE})
        EXPECT_EQ(0, in_child([error] {
                      if (!forbid_io_uring(error)) return 2;
                      core_engine const first({});
                      core_engine const second({});
                      if (first.tier() != io_tier::epoll || second.tier() != io_tier::epoll)
                          return 3;
                      if (!has(first.describe(), "warning: io: io_uring is refused")) return 4;
                      if (has(second.describe(), "warning: ")) return 5;
                      if (!has(second.describe(), "io: refused: ")) return 6;
                      core_engine const asked_for({.tier = io_tier::epoll});
                      return has(asked_for.describe(), "refused") ? 7 : 0;
                  }))
            << error;
}

TEST(tiers, a_forced_ring_that_is_refused_fails_with_cause_and_cure) {
    struct row {
        int error;
        char const* cause;
        char const* cure;
    };
    for (row const& one :
         {row{EPERM, "seccomp", "docker run --security-opt"},
          row{ENOSYS, "the kernel has none", "Linux 6.1"},
          row{ENOMEM, "too little memory may be locked", "ulimit -l"},
          row{EMFILE, "too few descriptors", "ulimit -n"}, row{EINVAL, "too old", "Linux 6.1"}})
        for (io_tier const tier : {io_tier::ring, io_tier::deferred, io_tier::cooperative})
            EXPECT_EQ(0, in_child([&] {
                          if (!forbid_io_uring(one.error)) return 2;
                          std::string const said = sentence(tier);
                          return has(said, one.cause) && has(said, one.cure) && has(said, "epoll")
                                     ? 0
                                     : 3;
                      }))
                << one.error;
    EXPECT_EQ(static_cast<int>(exit_code::configuration), in_child([] {
                  if (!forbid_io_uring(EPERM)) return 2;
                  core_engine const none({.tier = io_tier::ring});
                  return 0;
              }));
}

TEST(tiers, too_few_descriptors_are_told_of_on_every_tier) {
    for (io_tier const tier : {io_tier::deferred, io_tier::cooperative, io_tier::epoll})
        for (int const left : {0, 1})
            EXPECT_EQ(0, in_child([=] {
                          int const next = ::dup(0);
                          rlimit const few{static_cast<rlim_t>(next + left),
                                           static_cast<rlim_t>(next + left)};
                          ::close(next);
                          ::setrlimit(RLIMIT_NOFILE, &few);
                          std::string const said = sentence(tier);
                          return has(said, "descriptors") && has(said, "ulimit -n") ? 0 : 3;
                      }))
                << name_of(tier) << left;
}

/// Every test of behaviour once more, with io_uring really refused.
TEST(tiers, behave_alike_where_seccomp_refuses_io_uring) {
    std::string own(4096, 0);
    own.resize(static_cast<std::size_t>(::readlink("/proc/self/exe", own.data(), own.size())));
    std::string const folder = own.substr(0, own.rfind('/') + 1);
    std::string const prefix = has(own.substr(folder.size()), "test_io_") ? "test_io_" : "";
    unsigned ran = 0;
    for (char const* name :
         {"engine_sockets", "engine_messages", "engine_pool", "engine_files", "engine_wake",
          "engine_faults", "tcp_listen", "tcp_serve", "tcp_sink", "tcp_limits", "tcp_faults",
          "tcp_sink_faults", "udp_source", "udp_sink", "udp_group", "tail", "append",
          "append_faults", "file_source_live"}) {
        std::string const program = folder + prefix + name;
        if (::access(program.c_str(), X_OK) != 0) continue;  // built alone
        ++ran;
        EXPECT_EQ(0, in_child([&] {
                      if (!forbid_io_uring(EPERM)) return 2;
                      ::execl(program.c_str(), program.c_str(), "--gtest_filter=*epoll*",
                              "--gtest_brief=1", nullptr);
                      return 3;
                  }))
            << name;
    }
    if (ran == 0) GTEST_SKIP() << "the other tests are not built";
}

class rings : public testing::TestWithParam<io_tier> {};
INSTANTIATE_TEST_SUITE_P(tiers, rings, testing::Values(io_tier::deferred, io_tier::cooperative),
                         [](auto const& tested) { return name_of(tested.param); });

TEST_P(rings, lose_nothing_when_the_completion_queue_overflows) {
    auto const small = engine_of(GetParam(), {.submissions = 4, .completions = 8});
    if (!small) GTEST_SKIP() << "io_uring is refused here";
    socket_handle const null(::open("/dev/null", O_WRONLY));
    constexpr std::size_t count = 10'000;
    std::vector<operation> all(count);
    static std::size_t done = 0;
    done = 0;
    char byte = 0;
    for (operation& one : all) {
        one.done = [](operation&, completion const& got) { done += got.result == 1; };
        one.fd = null.fd;
        one.verb = op_verb::write;
        one.data = &byte;
        one.bytes = 1;
        small->submit(one);
    }
    for (std::size_t i = 0; i < 10 * count && small->pending() > 0; ++i)
        small->turn();  // without a sleep, which would fetch them too
    EXPECT_EQ(done, count);
    EXPECT_GT(small->counts().overflows, 0U);
}

/// A thread without a ring wakes it `rounds` times.
void woken_by_a_stranger(core_engine& engine, int rounds) {
    std::int64_t const before = millrace::detail::monotonic_ns();
    std::atomic<int> sent{0};
    std::atomic<int> seen{0};
    std::thread waker([&] {
        for (int i = 1; i <= rounds; ++i) {
            sent = i;
            engine.wake();
            while (seen.load() < i) std::this_thread::yield();
        }
    });
    for (int i = 1; i <= rounds; ++i) {
        while (sent.load() < i) {
            engine.turn();
            if (sent.load() < i) engine.sleep(millrace::detail::monotonic_ns() + 30'000'000'000);
        }
        seen = i;
    }
    waker.join();
    EXPECT_LT(millrace::detail::monotonic_ns() - before, 30'000'000'000);
}

TEST_P(rings, are_woken_by_an_eventfd_before_linux_6_13) {
    auto const own = engine_of(GetParam(), {.messages_without_ring = false});
    if (!own) GTEST_SKIP() << "io_uring is refused here";
    EXPECT_TRUE(has(own->describe(), "through an eventfd"));
    woken_by_a_stranger(*own, 5'000);
    EXPECT_GT(own->counts().wakes, 0U);
}

TEST_P(rings, cancel_what_found_no_room_in_the_queue) {
    auto const small = engine_of(GetParam(), {.submissions = 4, .completions = 8});
    if (!small) GTEST_SKIP() << "io_uring is refused here";
    auto const [a, b] = socket_pair();
    buffer_pool& pool = small->pool();
    operation const asked{.fd = b.fd, .verb = op_verb::receive, .multishot = true, .pool = &pool};
    std::vector<std::unique_ptr<probe>> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(std::make_unique<probe>(asked));
        small->submit(*all.back());
    }
    EXPECT_EQ(small->counts().enters, 0U);
    small->cancel(*all[10]);
    small->cancel(*all[19]);
    ASSERT_TRUE(until(*small, [&] { return small->pending() == 18; }));
    EXPECT_EQ(all[10]->last(), -ECANCELED);
    EXPECT_EQ(all[19]->last(), -ECANCELED);
    for (auto const& one : all) small->cancel(*one);  // more cancels than entries
    ASSERT_TRUE(until(*small, [&] { return small->pending() == 0; }));
    for (auto const& one : all) EXPECT_EQ(one->got.size(), 1U);
}

TEST_P(rings, a_multishot_survives_an_overflow) {
    auto const small =
        engine_of(GetParam(), {.submissions = 4, .completions = 8, .messages_without_ring = false});
    if (!small) GTEST_SKIP() << "io_uring is refused here";
    listener const here(256);
    probe accepting({.fd = here.socket.fd, .verb = op_verb::accept, .multishot = true});
    small->submit(accepting);
    small->turn();
    std::vector<socket_handle> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(here.connected());
    ASSERT_TRUE(until(*small, [&] { return accepting.got.size() == 100; }));
    for (completion const& one : accepting.got) {
        EXPECT_GE(one.result, 0);
        EXPECT_TRUE(one.more);
        ::close(one.result);
    }
    woken_by_a_stranger(*small, 100);
    small->cancel(accepting);
    ASSERT_TRUE(until(*small, [&] { return accepting.over(); }));
}

TEST_P(rings, are_refused_to_a_second_thread_in_one_sentence) {
    auto const own = engine_of(GetParam());
    if (!own) GTEST_SKIP() << "io_uring is refused here";
    exit_code code = exit_code::ok;
    std::thread([&] {
        probe one({.fd = 0, .verb = op_verb::poll, .flags = POLLIN});
        try {
            own->submit(one);
            own->turn();
        } catch (failure const& refused) {
            code = refused.code();
        }
    }).join();
    EXPECT_EQ(code, exit_code::software);
}

TEST_P(rings, register_buffers_or_say_why_not) {
    EXPECT_EQ(0, in_child([tier = GetParam()] {
                  rlimit const none{0, 0};
                  ::setrlimit(RLIMIT_MEMLOCK, &none);
                  // Who may lock what it likes is asked to be nobody; whoever is not, is one.
                  if (::geteuid() == 0 && ::setresuid(65'534, 65'534, 65'534) != 0) return 1;
                  auto const own = engine_of(tier);
                  if (!own) return 0;
                  alignas(4096) static char memory[1 << 16];
                  if (own->register_buffer(memory, sizeof memory) != -1) return 2;
                  return has(own->describe(), "registered buffers: refused")
                                 && has(own->describe(), "ulimit -l")
                             ? 0
                             : 3;
              }));
}

}  // namespace
