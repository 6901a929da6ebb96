// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Two threads that read, write and sync files for a core without io_uring, because no readiness
// tells when a file would not block.

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

#include <millrace/io/detail/free_affinity.hpp>
#include <millrace/io/detail/operation_list.hpp>
#include <millrace/io/operation.hpp>

namespace millrace::detail {

/// The bytes moved, or a negative errno. Blocks as the descriptor does.
inline std::int32_t do_file(operation const& asked) {
    iovec const part{asked.data, asked.engine.bytes};
    auto const offset = static_cast<off_t>(asked.offset);  // at_position is -1, as preadv2 has it
    auto const flags = static_cast<int>(asked.flags);
    ssize_t done = 0;
    if (asked.verb == op_verb::read)
        done = ::preadv2(asked.fd, &part, 1, offset, flags);
    else if (asked.verb == op_verb::write)
        done = ::pwritev2(asked.fd, &part, 1, offset, flags);
    else
        done = asked.flags == 0 ? ::fdatasync(asked.fd) : ::fsync(asked.fd);
    return static_cast<std::int32_t>(done < 0 ? -errno : done);
}

/// The threads are made at the first operation, free of the core's processor and of its signals.
class file_helpers {
public:
    /// `wake_fd`: an eventfd, written when something is done.
    explicit file_helpers(int wake_fd) : wake_fd_(wake_fd) {}
    file_helpers(file_helpers const&) = delete;
    file_helpers& operator=(file_helpers const&) = delete;
    ~file_helpers() {
        {
            std::lock_guard const lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        for (std::thread& one : threads_)
            if (one.joinable()) one.join();
    }

    void submit(operation& asked) {
        if (!threads_[0].joinable()) start();
        asked.engine.where = operation_state::place::kernel;
        {
            std::lock_guard const lock(mutex_);
            waiting_.push(asked);
        }
        changed_.notify_one();
    }
    /// True if none had begun it.
    bool cancel(operation& asked) {
        std::lock_guard const lock(mutex_);
        return waiting_.remove(asked);
    }
    /// What is done since, with its result in `engine.result`. A load if there is nothing.
    operation_list done() {
        if (!has_done_.load(std::memory_order_acquire)) return {};
        std::lock_guard const lock(mutex_);
        has_done_.store(false, std::memory_order_relaxed);
        return done_.taken();
    }
    [[nodiscard]] bool has_done() const { return has_done_.load(std::memory_order_acquire); }

private:
    void start() {
        struct without_signals {
            sigset_t before;
            without_signals() {
                sigset_t all;
                ::sigfillset(&all);
                ::pthread_sigmask(SIG_SETMASK, &all, &before);
            }
            ~without_signals() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }
        } const quiet;
        unpinned const anywhere;
        for (std::thread& one : threads_) one = std::thread([this] { work(); });
    }

    void work() {
        ::pthread_setname_np(::pthread_self(), "millrace-files");
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
            if (stopping_) return;
            operation& asked = waiting_.pop();
            lock.unlock();
            std::int32_t const result = do_file(asked);
            lock.lock();
            asked.engine.result = result;
            done_.push(asked);
            if (has_done_.exchange(true, std::memory_order_release)) continue;
            std::uint64_t const one = 1;
            [[maybe_unused]] ssize_t const written = ::write(wake_fd_, &one, sizeof one);
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    operation_list waiting_;
    operation_list done_;
    std::atomic<bool> has_done_{false};
    bool stopping_ = false;
    int wake_fd_;
    std::thread threads_[2];
};

}  // namespace millrace::detail
