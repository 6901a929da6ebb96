// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A broken pipe and a file that gets too large as errors of the run: while a guard lives, they do
// not end the process, so that a failed run can still remove its temporaries.

#include <csignal>
#include <ctime>
#include <initializer_list>

namespace millrace::detail {

/// Blocks SIGPIPE and SIGXFSZ for this thread, and eats those that came. No handler is installed
/// and none is replaced; what the program itself had pending or blocked stays as it was. Four
/// system calls, for each buffer that is written.
class write_signal_guard {
public:
    write_signal_guard() {
        sigset_t pending;
        ::sigpending(&pending);
        ::sigemptyset(&mine_);
        for (int const signal : {SIGPIPE, SIGXFSZ})
            if (::sigismember(&pending, signal) == 0) ::sigaddset(&mine_, signal);
        ::pthread_sigmask(SIG_BLOCK, &mine_, &before_);
    }
    write_signal_guard(write_signal_guard const&) = delete;
    write_signal_guard& operator=(write_signal_guard const&) = delete;
    ~write_signal_guard() {
        timespec const now{};
        while (::sigtimedwait(&mine_, nullptr, &now) > 0) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    sigset_t mine_{};
    sigset_t before_{};
};

}  // namespace millrace::detail
