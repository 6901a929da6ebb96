// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `epoll_tier`: the same operations where the kernel gives no ring. Attempts, and waits for
// readiness by edges; files go to two helper threads.

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <millrace/io/detail/file_helpers.hpp>
#include <millrace/io/detail/monotonic.hpp>
#include <millrace/io/detail/operation_list.hpp>
#include <millrace/io/detail/refusal.hpp>
#include <millrace/io/detail/try_socket.hpp>
#include <millrace/io/engine_options.hpp>

namespace millrace::detail {

/// Belongs to the thread that made it. Memory: 64 bytes for each descriptor number up to the
/// largest that waited.
class epoll_tier {
public:
    using place = operation_state::place;

    epoll_tier(engine_counts& counts, engine_options const& made_of)
        : counts_(counts), tries_(made_of.tries_per_turn) {}
    epoll_tier(epoll_tier const&) = delete;
    epoll_tier& operator=(epoll_tier const&) = delete;
    ~epoll_tier() {
        helpers_.reset();
        if (epoll_ >= 0) ::close(epoll_);
        if (wake_fd_ >= 0) ::close(wake_fd_);
    }

    /// 0, or why there is none.
    int open() {
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        if (epoll_ < 0) return errno;
        wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (wake_fd_ < 0) return errno;
        epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = wake_fd_}};
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_fd_, &event) < 0) return errno;
        helpers_ = std::make_unique<file_helpers>(wake_fd_);
        return 0;
    }

    void submit(operation& asked) {
        asked.engine.where = place::queued;
        asked.engine.begun = false;
        submitted_.push(asked);
    }

    /// True if the operation is out of the tier, without a completion.
    bool cancel(operation& asked) {
        switch (asked.engine.where) {
            case place::queued:
                return submitted_.remove(asked) || beginning_.remove(asked);
            case place::waiting:
                return waiters(slots_[static_cast<std::size_t>(asked.fd)], asked).remove(asked)
                       || polling_.remove(asked);
            case place::kernel:
                return helpers_->cancel(asked);
            default:
                return false;
        }
    }

    template <class Deliver>
    bool turn(Deliver&& deliver) {
        bool did = begin_submitted(deliver);
        if (events_ == 0) events_ = wait(0);
        did |= events_ != 0;
        for (; events_ > 0; --events_) note(ready_[events_ - 1]);
        did |= serve_ready(deliver);
        for (operation_list done = helpers_->done(); !done.empty(); did = true) {
            operation& asked = done.pop();
            finish(asked, {.result = asked.engine.result}, deliver);
        }
        return did;
    }

    /// Until something is ready, or `until`; returns at once if something is queued.
    void sleep(std::int64_t until) {
        if (!submitted_.empty() || !busy_.empty() || events_ != 0 || helpers_->has_done()) return;
        std::int64_t const left = until == INT64_MAX ? -1 : until - monotonic_ns();
        if (until != INT64_MAX && left <= 0) return;
        ++counts_.sleeps;
        events_ = wait(left);
    }

    void wake() noexcept {
        std::uint64_t const one = 1;
        // A counter that is full is readable: whoever waits for it is awake.
        [[maybe_unused]] ssize_t const written = ::write(wake_fd_, &one, sizeof one);
    }

private:
    static constexpr int events_max = 64;

    /// What waits for one descriptor.
    struct slot {
        operation_list reading;
        operation_list writing;
        operation_list polling;
        bool known = false;  ///< to epoll for certain: something has waited for it all the while
        bool stream = false;
        bool hung_up = false;   ///< an end or an error is behind the bytes
        bool readable = false;  ///< as far as known
        bool writable = false;
        bool polled = false;
        bool busy = false;  ///< stands in `busy_`

        [[nodiscard]] bool idle() const {
            return reading.empty() && writing.empty() && polling.empty();
        }
    };

    static operation_list& waiters(slot& of, operation const& asked) {
        switch (asked.verb) {
            case op_verb::accept:
            case op_verb::receive:
            case op_verb::receive_message:
            case op_verb::read:
                return of.reading;
            case op_verb::poll:
                return of.polling;
            default:
                return of.writing;
        }
    }
    slot& slot_of(int fd) {
        auto const index = static_cast<std::size_t>(fd);
        if (index >= slots_.size()) slots_.resize(std::max(index + 1, slots_.size() * 2));
        return slots_[index];
    }

    /// `left` in ns; < 0: without end. By milliseconds, rounded up, before Linux 5.11.
    int wait(std::int64_t left) {
        ++counts_.enters;
        int count = -1;
        if (left != 0 && precise_) {
            timespec const time{left / 1'000'000'000, left % 1'000'000'000};
            count = ::epoll_pwait2(epoll_, ready_, events_max, left < 0 ? nullptr : &time, nullptr);
            if (count < 0 && (errno == ENOSYS || errno == EPERM)) precise_ = false;
        }
        if (left == 0 || !precise_) {
            std::int64_t const ms = left < 0 ? -1 : (left + 999'999) / 1'000'000;
            count = ::epoll_wait(epoll_, ready_, events_max,
                                 static_cast<int>(std::min<std::int64_t>(ms, 1 << 30)));
        }
        if (count < 0) ++counts_.retries;  // EINTR
        return std::max(count, 0);
    }

    void note(epoll_event const& event) {
        if (event.data.fd == wake_fd_) return;
        slot& of = slot_of(event.data.fd);
        bool const over = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
        of.hung_up = over || (event.events & EPOLLRDHUP) != 0;
        of.readable |= over || (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI)) != 0;
        of.writable |= over || (event.events & EPOLLOUT) != 0;
        of.polled = true;
        make_busy(of, event.data.fd);
    }
    void make_busy(slot& of, int fd) {
        if (std::exchange(of.busy, true)) return;
        busy_.push_back(fd);
    }

    /// First attempts, of what was submitted before this turn.
    template <class Deliver>
    bool begin_submitted(Deliver& deliver) {
        if (beginning_.empty()) beginning_ = submitted_.taken();
        if (beginning_.empty()) return false;
        while (!beginning_.empty()) begin(beginning_.pop(), deliver);
        return true;
    }

    template <class Deliver>
    void begin(operation& asked, Deliver& deliver) {
        bool const file = asked.verb == op_verb::read || asked.verb == op_verb::write;
        if (asked.fd < 0) return finish(asked, {.result = -EBADF}, deliver);
        if (asked.verb == op_verb::sync) return helpers_->submit(asked);
        slot& of = slot_of(asked.fd);
        if (of.idle()) of.known = false;
        if (file && !of.known) {
            if (int const error = know(of, asked.fd); error == EPERM)
                return helpers_->submit(asked);
            else if (error != 0)
                return finish(asked, {.result = -error}, deliver);
        }
        if (asked.verb == op_verb::accept) make_nonblocking(asked.fd);
        operation_list& line = waiters(of, asked);
        bool const first = line.empty();
        asked.engine.where = place::waiting;
        line.push(asked);
        if (!first) return;
        of.readable |= &line == &of.reading;
        of.writable |= &line == &of.writing;
        of.polled |= &line == &of.polling;
        serve(asked.fd, deliver);
    }

    /// Tells epoll of the descriptor, with an edge now if it is ready: 0 or an errno.
    int know(slot& of, int fd) {
        epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
                          .data = {.fd = fd}};
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) < 0
            && (errno != EEXIST || ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) < 0))
            return errno;
        int type = 0;
        socklen_t size = sizeof type;
        of.stream = ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
        of.hung_up = false;
        of.known = true;
        return 0;
    }

    template <class Deliver>
    bool serve_ready(Deliver& deliver) {
        if (busy_.empty()) return false;
        std::swap(busy_, serving_);
        for (int const fd : serving_) {
            slots_[static_cast<std::size_t>(fd)].busy = false;
            serve(fd, deliver);
        }
        serving_.clear();
        return true;
    }

    /// Attempts in each direction until it is exhausted or had its share. Handlers may submit and
    /// cancel, which may move the slots: nothing of them is held across one.
    template <class Deliver>
    void serve(int fd, Deliver& deliver) {
        auto const at = static_cast<std::size_t>(fd);
        serve_polls(at, deliver);
        for (unsigned left = tries_; left > 0 && slots_[at].readable; --left)
            if (!attempt(at, &slot::reading, &slot::readable, deliver)) break;
        for (unsigned left = tries_; left > 0 && slots_[at].writable; --left)
            if (!attempt(at, &slot::writing, &slot::writable, deliver)) break;
        slot& of = slots_[at];
        if (of.idle()) {
            of.known = false;
            return;
        }
        if (!of.known) {
            if (int const error = know(of, fd); error != 0) return drop_all(at, -error, deliver);
        }
        bool const more =
            (of.readable && !of.reading.empty()) || (of.writable && !of.writing.empty());
        if (more) make_busy(of, fd);
    }

    template <class Deliver>
    void drop_all(std::size_t at, std::int32_t result, Deliver& deliver) {
        for (auto const line : {&slot::reading, &slot::writing, &slot::polling})
            for (operation_list all = (slots_[at].*line).taken(); !all.empty();)
                finish(all.pop(), {.result = result}, deliver);
    }

    template <class Deliver>
    void serve_polls(std::size_t at, Deliver& deliver) {
        if (!std::exchange(slots_[at].polled, false) || slots_[at].polling.empty()) return;
        polling_ = slots_[at].polling.taken();
        while (!polling_.empty()) {
            operation* const next = &polling_.pop();
            std::int32_t const result = try_once(*next, nullptr);
            bool const stays = result == -EAGAIN || (result > 0 && next->multishot);
            if (stays) slots_[at].polling.push(*next);
            if (result == -EAGAIN) continue;
            if (stays)
                deliver(*next, completion{.result = result, .more = true});
            else
                finish(*next, {.result = result}, deliver);
        }
    }

    /// One attempt of the first in line; false if there is none, or it has to wait.
    template <class Deliver>
    bool attempt(std::size_t at, operation_list slot::* line, bool slot::* ready,
                 Deliver& deliver) {
        slot& of = slots_[at];
        if ((of.*line).empty()) return false;
        operation& asked = *(of.*line).first();
        completion got;
        bool const pooled = asked.pool != nullptr;
        if (pooled && (got.buffer = asked.pool->take()) == no_buffer) {
            (of.*line).pop();
            finish(asked, {.result = -ENOBUFS}, deliver);
            return true;
        }
        if (pooled) got.data = asked.pool->data(got.buffer);
        got.result = try_once(asked, got.data);
        if (pooled && got.result <= 0) {
            asked.pool->untake(std::exchange(got.buffer, no_buffer));
            got.data = nullptr;
        }
        bool const refused_connect = asked.verb == op_verb::connect && !asked.engine.begun;
        if (got.result == -EINPROGRESS || (got.result == -EAGAIN && !refused_connect)) {
            of.*ready = false;
            return false;
        }
        // A stream that gave less than there was room for is empty, unless its end is behind.
        if (asked.verb == op_verb::receive && of.stream && of.known && !of.hung_up && got.result > 0
            && static_cast<std::uint32_t>(got.result) < room_of(asked))
            of.*ready = false;
        bool const goes_on = got.result > 0 || (got.result == 0 && asked.verb != op_verb::receive);
        got.more = asked.multishot && goes_on;
        if (got.more) {
            deliver(asked, got);
        } else {
            (of.*line).pop();
            finish(asked, got, deliver);
        }
        return true;
    }
    static std::uint32_t room_of(operation const& asked) {
        if (asked.pool == nullptr) return asked.engine.bytes;
        std::uint32_t const room = asked.pool->buffer_bytes();
        return asked.multishot || asked.engine.bytes == 0 ? room
                                                          : std::min(room, asked.engine.bytes);
    }

    template <class Deliver>
    static void finish(operation& asked, completion const& got, Deliver& deliver) {
        asked.engine.where = place::nowhere;
        deliver(asked, got);
    }

    engine_counts& counts_;
    unsigned tries_;
    int epoll_ = -1;
    int wake_fd_ = -1;
    int events_ = 0;
    bool precise_ = true;
    operation_list submitted_;
    operation_list beginning_;  // of them, in this turn
    operation_list polling_;    // of one descriptor, while each is asked
    std::vector<slot> slots_;   // by descriptor
    std::vector<int> busy_;
    std::vector<int> serving_;
    std::unique_ptr<file_helpers> helpers_;
    epoll_event ready_[events_max];
};

}  // namespace millrace::detail
