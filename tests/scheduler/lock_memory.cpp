// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// `.lock_memory`, each time in a process of its own: what is locked stays so.

#include <cstddef>
#include <cstdio>
#include <fstream>
#include <linux/capability.h>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>
#include <millrace/state/memory.hpp>

namespace {
using namespace millrace;

/// A line of /proc/self/status, KiB.
std::size_t status_of(std::string const& name) {
    std::ifstream in("/proc/self/status");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1));
    return 0;
}
/// What `f` returns, from 0 to 255, in a process that ends with it.
template <class F>
int apart(F&& f) {
    std::fflush(nullptr);
    ::pid_t const child = ::fork();
    if (child == 0) ::_exit(f());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}
/// From now on this process may lock nothing, whoever it belongs to.
bool give_up_locking() {
    rlimit const none{0, 0};
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    return ::setrlimit(RLIMIT_MEMLOCK, &none) == 0 && ::syscall(SYS_capset, &header, data) == 0;
}
bool may_lock() {
    return apart([] { return ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? 0 : 1; })
           == 0;
}
report run_locked(std::vector<int> const& numbers) {
    return run(from(numbers) | discard(), {.lock_memory = true});
}

TEST(lock_memory, locks_what_the_process_has) {
    if (!may_lock()) GTEST_SKIP() << "this process may not lock its memory";
    EXPECT_EQ(apart([] {
                  if (status_of("VmLck") != 0) return 1;
                  if (!run_locked({1, 2, 3}).ok()) return 2;
                  return status_of("VmLck") >= status_of("RssAnon") / 2 ? 0 : 3;
              }),
              0);
}
/// A table that grows is mapped whole and faulted in a turn's share at a time (SEMANTICS 14).
TEST(lock_memory, faults_nothing_in_that_was_not_touched) {
    if (!may_lock()) GTEST_SKIP() << "this process may not lock its memory";
    EXPECT_EQ(apart([] {
                  if (!run_locked({1}).ok()) return 1;
                  std::size_t const before = status_of("VmRSS");
                  detail::page_faults_here const small(page_faults::small);
                  memory_block block(std::size_t{256} << 20);
                  if (status_of("VmRSS") > before + 32 * 1024) return 2;
                  (void)block.populate(0);
                  return status_of("VmRSS") > before ? 0 : 3;
              }),
              0);
}
TEST(lock_memory, that_is_refused_ends_the_run_with_the_cure) {
    EXPECT_EQ(apart([] {
                  if (!give_up_locking()) return 1;
                  report const r = run_locked({1, 2, 3});
                  if (r.code != exit_code::configuration || r.records_in != 0) return 2;
                  return r.message.find("ulimit -l") != std::string::npos ? 0 : 3;
              }),
              0);
}
}  // namespace
