// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// SIGINT and SIGTERM stop a run, while this lives: the first gently, the second at once.

#include <csignal>
#include <cstdint>
#include <pthread.h>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <millrace/model/time.hpp>
#include <millrace/scheduler/run_state.hpp>

namespace millrace::detail {

/// On a control thread of its own, which is never pinned. When it dies the signals do again what
/// they did before.
class stop_signals {
public:
    stop_signals(run_state& run, duration within)
        : run_(run), within_(within), signals_(context_, SIGINT, SIGTERM) {
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
    }

private:
    void listen() {
        signals_.async_wait([this](boost::system::error_code error, int) {
            if (error) return;
            run_.stop(within_.ns);
            listen();
        });
    }

    run_state& run_;
    duration within_;
    boost::asio::io_context context_{1};
    boost::asio::signal_set signals_;
    std::thread thread_;
};

}  // namespace millrace::detail
