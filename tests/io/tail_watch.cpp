// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <sys/resource.h>

#include <millrace/io/tail_watch.hpp>

#include "scratch.hpp"

namespace {

using namespace millrace_test;

TEST(tail_watch, has_nothing_to_say_where_inotify_is_refused) {
    EXPECT_EQ(in_child([] {
                  auto const next = static_cast<rlim_t>(::dup(0));
                  rlimit const none{next + 1, next + 1};
                  ::setrlimit(RLIMIT_NOFILE, &none);
                  millrace::detail::tail_watch watch("log");
                  watch.watch_file(0);
                  return watch.fd() < 0 && !watch.drain() ? 0 : 1;
              }),
              0);
}

}  // namespace
