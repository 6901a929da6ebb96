// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// SIGINT and SIGTERM stop a run, while this lives: the first gently, the second at once. The third
// does what it did before, so a stage that blocks for ever can still be ended.

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <pthread.h>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <millrace/model/time.hpp>
#include <millrace/scheduler/clock.hpp>
#include <millrace/scheduler/run_state.hpp>

namespace millrace::detail {

/// On a control thread of its own, which is never pinned. When it dies the signals do again what
/// they did before.
class stop_signals {
public:
    stop_signals(run_state& run, duration within) : run_(run), within_(within), signals_(context_) {
        for (std::size_t i = 0; i < signals.size(); ++i) {
            ::sigaction(signals[i], nullptr, &before_[i]);
            signals_.add(signals[i]);
        }
        listen();
        thread_ = std::thread([this] {
            ::pthread_setname_np(::pthread_self(), "millrace-ctl");
            context_.run();
        });
    }
    stop_signals(stop_signals const&) = delete;
    stop_signals& operator=(stop_signals const&) = delete;
    ~stop_signals() {
        context_.stop();
        thread_.join();
        give_back();
    }

private:
    static constexpr std::array<int, 2> signals{SIGINT, SIGTERM};
    /// What `timeout` and other wrappers pass on has come from the terminal already: ns.
    static constexpr std::int64_t one_and_the_same = 100'000'000;

    void listen() {
        signals_.async_wait([this](boost::system::error_code error, int) {
            if (error) return;
            std::int64_t const now = read_clock(CLOCK_MONOTONIC);
            if (heard_ == 1 && now - first_at_ < one_and_the_same) return listen();
            first_at_ = now;
            run_.stop(within_.ns);
            if (++heard_ < 2)
                listen();
            else
                give_back();
        });
    }
    /// Asio leaves the default action behind.
    void give_back() {
        if (given_back_) return;
        given_back_ = true;
        signals_.clear();
        for (std::size_t i = 0; i < signals.size(); ++i)
            ::sigaction(signals[i], &before_[i], nullptr);
    }

    run_state& run_;
    duration within_;
    boost::asio::io_context context_{1};
    boost::asio::signal_set signals_;
    std::array<struct sigaction, signals.size()> before_{};
    std::int64_t first_at_ = 0;
    unsigned heard_ = 0;
    bool given_back_ = false;
    std::thread thread_;
};

}  // namespace millrace::detail
