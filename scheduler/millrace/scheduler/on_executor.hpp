// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `to(on_executor<verdict>(context.get_executor(), f))`: results handed back to an executor of
// Boost.Asio, or to anything with an `execute(handler)`.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/model/failure.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/owning.hpp>
#include <millrace/scheduler/executor_queue.hpp>
#include <millrace/scheduler/wake_handle.hpp>

namespace millrace {

struct executor_options {
    static constexpr std::size_t in_flight_max = std::size_t{1} << 24;
    /// Results that wait for the executor, at most; rounded up to a power of two. At least what one
    /// record can become.
    std::size_t in_flight = 4096;
    std::size_t batch = 256;  ///< results of one handler: behind them others have their turn
};

/// Runs a function object once, some time, on a thread of its own choice.
template <class E>
concept executor = std::is_copy_constructible_v<E> && requires(E const& e) { e.execute([] {}); };

namespace detail {

template <class T, class Executor, class F>
class executor_operator {
    using queue_type = executor_queue<T, F>;

public:
    executor_operator(Executor e, F f, executor_options const& options, wake_handle waker)
        : executor_(std::move(e)),
          queue_(std::make_shared<queue_type>(options.in_flight, std::move(f), waker)),
          batch_(options.batch) {}
    executor_operator(executor_operator&&) noexcept = default;
    executor_operator(executor_operator const&) = delete;
    executor_operator& operator=(executor_operator const&) = delete;
    ~executor_operator() {
        if (queue_) queue_->detach();
    }

    void write(T const& result) { queue_->push(result); }
    [[nodiscard]] std::size_t room() const { return queue_->room(); }
    void takes_at_once(std::size_t results) { queue_->takes_at_once(results); }
    /// One post for all that came, unless one is on its way.
    void batch_end() {
        if (queue_->must_post()) post(executor_, queue_, batch_);
    }
    void finish() { batch_end(); }

    template <class Line>
    void report(Line&& line) const {
        line(std::string_view("handed over"), queue_->pushed());
        line(std::string_view("in flight"), queue_->pushed() - queue_->run());
    }

private:
    struct handler {
        Executor executor;
        std::shared_ptr<queue_type> queue;
        std::size_t batch;
        void operator()() const {
            try {
                queue->take(batch);
            } catch (...) {  // the executor gets it, and the results behind it still come
                if (queue->go_on()) post(executor, queue, batch);
                throw;
            }
            if (queue->go_on()) post(executor, queue, batch);
        }
    };
    static void post(Executor const& e, std::shared_ptr<queue_type> const& queue,
                     std::size_t batch) {
        try {
            e.execute(handler{e, queue, batch});
        } catch (...) {
            queue->not_posted();
            throw;
        }
    }

    Executor executor_;
    std::shared_ptr<queue_type> queue_;
    std::size_t batch_;
};

/// What `on_executor` makes.
template <class T, class Executor, class F>
struct executor_sink {
    static constexpr placement runs = placement::every_partition;

    Executor executor;
    F function;
    executor_options options;

    template <class Env>
    auto open_sink(Env& env) {
        return executor_operator<T, Executor, F>(executor, function, options, waker_of(env));
    }
};

}  // namespace detail

/// A sink that calls `f(T&&)` on an executor for each result, in the order in which its partition
/// made them; two partitions call it side by side where the executor has several threads (a strand
/// keeps them apart). At most `in_flight` wait; then the pipeline does, never the executor. A burst
/// is one post, which allocates what the executor allocates. The run may end before all of `f` was
/// called: results that were handed over stay alive until then. Not for an executor that runs on
/// the thread that runs the pipeline.
template <class T, executor Executor, class F>
[[nodiscard]] auto on_executor(Executor e, F f, executor_options options = {}) {
    static_assert(
        owning<T>,
        "millrace: on_executor: a view would outlive its bytes on the way to the executor. "
        "Take text<16> or std::string.");
    static_assert(
        requires(F& g, T&& t) { g(static_cast<T&&>(t)); },
        "millrace: on_executor: the function can't be called with the result. Write "
        "[](result&& r) { … }.");
    static_assert(
        std::is_copy_constructible_v<F>,
        "millrace: on_executor: the function can't be copied, and each partition needs one. "
        "Capture by pointer.");
    if (options.in_flight < 2 || options.in_flight > executor_options::in_flight_max)
        throw failure(exit_code::configuration,
                      "millrace: on_executor: .in_flight is not between 2 and 16777216.");
    if (options.batch < 1)
        throw failure(exit_code::configuration,
                      "millrace: on_executor: .batch is 0. Give at least 1.");
    return detail::executor_sink<T, Executor, F>{std::move(e), std::move(f), options};
}

}  // namespace millrace
