// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `timer_operation`: a deadline within an engine, for operators that nobody polls.

#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <millrace/io/descriptor.hpp>
#include <millrace/io/detail/refusal.hpp>
#include <millrace/io/operation.hpp>
#include <millrace/io/service_of.hpp>

namespace millrace::detail {

/// Late by 10 to 40 µs, and a system call to set: for deadlines that are rare. Stays at its
/// address.
template <class Engine>
class timer_operation {
public:
    using handler = void (*)(void*);

    timer_operation(Engine& engine, void* self, handler due)
        : engine_(engine),
          self_(self),
          due_(due),
          timer_(descriptor::own(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK))) {
        if (!timer_) refuse("a timer", refusal_of(errno));
        poll_.owner = this;
        poll_.fd = timer_.fd();
        poll_.verb = op_verb::poll;
        poll_.flags = POLLIN;
        poll_.done = [](operation& op, completion const&) {
            static_cast<owned_operation&>(op).owner->done();
        };
    }
    timer_operation(timer_operation const&) = delete;
    timer_operation& operator=(timer_operation const&) = delete;
    ~timer_operation() {
        stopped_ = true;
        settle(engine_, poll_);
    }

    /// Calls the handler once, at `at` of the monotonic clock (ns; INT64_MAX: not at all).
    void set(std::int64_t at) {
        if (at == at_ || stopped_) return;
        at_ = at;
        if (at < 1) at = 1;  // zero would disarm it
        itimerspec when{};
        if (at != INT64_MAX) when.it_value = {at / 1'000'000'000, at % 1'000'000'000};
        ::timerfd_settime(timer_.fd(), TFD_TIMER_ABSTIME, &when, nullptr);
        if (at != INT64_MAX && !poll_.pending) engine_.submit(poll_);
    }

private:
    struct owned_operation : operation {
        timer_operation* owner = nullptr;
    };

    void done() {
        if (stopped_) return;
        std::uint64_t expired = 0;
        bool const due = ::read(timer_.fd(), &expired, sizeof expired) == sizeof expired;
        if (due) {
            at_ = INT64_MAX;
            due_(self_);
        }
        if (at_ != INT64_MAX && !poll_.pending) engine_.submit(poll_);
    }

    Engine& engine_;
    void* self_;
    handler due_;
    descriptor timer_;
    owned_operation poll_;
    std::int64_t at_ = INT64_MAX;
    bool stopped_ = false;
};

}  // namespace millrace::detail
