// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// A program of Boost.Asio with a pipeline inside: the front end runs on the main thread, the
// buckets on the cores that `--cores` names.

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include "limits.hpp"
#include "server.hpp"

namespace rate_limiter {

// The command line: `rate_limiter --port 7500 --rate 5 --burst 10 --cores 1`.
struct config {
    std::uint16_t port = 7500;
    std::int64_t rate = 5;  // tokens a second
    std::int64_t burst = 10;
    std::uint64_t waiting = 65'536;  // questions that may wait for the pipeline
};
MILLRACE_RECORD(config, port, rate, burst, waiting);

// [program]
int serve(config const& c, run_settings const& settings) {
    asio::io_context context;
    inject<question> questions({.capacity = c.waiting});
    server front(context, {tcp::v6(), c.port}, questions);
    auto limiter = questions.source() | verdicts({c.rate, c.burst})
                   | to(on_executor<verdict>(context.get_executor(),
                                             [&](verdict const& v) { front.deliver(v); }));
    if (settings.explain != explain_mode::off) {
        std::fputs(explain(limiter).c_str(), stdout);
        return 0;
    }
    std::printf("listening on port %u\n", static_cast<unsigned>(front.port()));
    std::fflush(stdout);

    // The pipeline has its own threads, and ends when its input does.
    auto staying = asio::make_work_guard(context);
    report result;
    std::thread pipeline([&] {
        result = run(std::move(limiter), settings);
        asio::post(context, [&] { context.stop(); });
    });
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](boost::system::error_code, int) {
        front.stop();
        questions.close();
    });

    context.run();
    pipeline.join();
    std::fputs(to_text(result).c_str(), stderr);
    return static_cast<int>(result.code);
}
// [program]

}  // namespace rate_limiter

int main(int argc, char** argv) {
    try {
        auto const line = millrace::parse_command_line<rate_limiter::config>(argc, argv);
        if (line.next != millrace::command_line_next::run) {
            bool const wrong = line.next == millrace::command_line_next::wrong;
            std::fputs(line.text.c_str(), wrong ? stderr : stdout);
            return static_cast<int>(line.code);
        }
        if (line.configuration.rate < 1 || line.configuration.burst < 1)
            throw millrace::failure(millrace::exit_code::configuration,
                                    "rate_limiter: --rate and --burst are at least 1.");
        return rate_limiter::serve(line.configuration, line.settings);
    } catch (millrace::failure const& f) {
        std::fprintf(stderr, "%s\n", f.what());
        return static_cast<int>(f.code());
    } catch (std::exception const& e) {
        std::fprintf(stderr, "rate_limiter: %s\n", e.what());
        return 1;
    }
}
