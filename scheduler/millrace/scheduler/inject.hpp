// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `inject<order> orders; run(orders.source() | …)`: a source that any thread pushes records into.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/owning.hpp>
#include <millrace/model/stage.hpp>
#include <millrace/scheduler/inject_queue.hpp>
#include <millrace/scheduler/wake_handle.hpp>

namespace millrace {

struct inject_options {
    static constexpr std::size_t capacity_max = std::size_t{1} << 24;
    std::size_t capacity =
        4096;  ///< records that wait, at most; rounded up to a power of two, from 2
};

/// Where the records of an `inject` went: accepted = handed on + waiting.
struct inject_counts {
    std::uint64_t accepted = 0;
    std::uint64_t handed_on = 0;  ///< to the pipeline
    std::uint64_t waiting = 0;    ///< or, once the run is over, never taken by it
    std::uint64_t refused = 0;    ///< by `try_push`, since it was full
    std::uint64_t waits = 0;      ///< of `push`, for room
};

namespace detail {

/// Reads the queue of an `inject`. Records are handed on in place; nothing is allocated.
template <class T>
class inject_operator {
public:
    std::uint64_t read = 0;  ///< records handed on: what the loop accounts for

    template <class Env>
    inject_operator(std::shared_ptr<inject_queue<T>> queue, Env& env) : queue_(std::move(queue)) {
        queue_->attach(waker_of(env));
    }
    inject_operator(inject_operator&&) noexcept = default;
    inject_operator(inject_operator const&) = delete;
    inject_operator& operator=(inject_operator const&) = delete;
    ~inject_operator() {
        if (!queue_) return;
        queue_->release();
        queue_->publish_count();
        queue_->detach();
    }

    template <class Push>
    source_state poll(std::size_t n, Push&& push) {
        inject_queue<T>& queue = *queue_;
        queue.release();
        if (!queue.ready()) {
            if (queue.exhausted()) return source_state::ended;
            if (!queue.announce_empty()) return idle();
        }
        for (std::size_t i = 0; i < n; ++i) {
            T* const record = queue.next();
            if (record == nullptr) break;
            ++read;
            push(static_cast<T&&>(*record));
        }
        queue.publish_count();
        return source_state::more;
    }
    /// What was accepted is still handed on.
    void stop() { queue_->close(); }

    template <class F>
    void report(F&& line) const {
        line(std::string_view("accepted"), queue_->accepted());
        line(std::string_view("refused"), queue_->refused());
        line(std::string_view("waits"), queue_->waits());
    }

private:
    /// Closed while it looked idle? Then the next poll ends it, and nobody else would ask for it.
    source_state idle() const {
        return queue_->exhausted() ? source_state::ended : source_state::idle;
    }

    std::shared_ptr<inject_queue<T>> queue_;
};

}  // namespace detail

/// What `inject<T>::source()` is in a pipeline.
template <class T>
struct inject_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "inject";
    static constexpr auto name = fixed_string{""};
    static constexpr placement runs = placement::single;
    static constexpr bool live = true;
    using record = T;

    std::shared_ptr<detail::inject_queue<T>> queue;

    template <class Env>
    auto open_source(Env& env) const {
        return detail::inject_operator<T>(queue, env);
    }
    /// Its run is over, perhaps before it was opened.
    void run_over() {
        if (queue) queue->abandon();
    }
};

/// The end that the program holds: a bounded queue in front of one run of one pipeline. All may be
/// called from any thread, also before the run begins, and when it is over; copies are the same
/// queue. Records come out in the order of one producer's pushes. A push is two atomic
/// read-modify-writes and a fence, and a system call only where the core sleeps.
template <class T>
class inject {
    static_assert(
        std::is_nothrow_move_constructible_v<T>,
        "millrace: inject: the record may throw when it is moved, so a push could leave a "
        "hole. Give it a noexcept move constructor.");
    static_assert(owning<T>,
                  "millrace: inject: a view would outlive its bytes on the way to the core. Take "
                  "text<16> or std::string.");

public:
    explicit inject(inject_options options = {}) : queue_(make(options.capacity)) {}

    /// Goes into one pipeline, which runs once.
    [[nodiscard]] auto source() const { return detail::lift(inject_stage<T>{{}, queue_}); }

    /// False where it is full or closed: then `x` is as it was. Counted as refused where it is
    /// full.
    [[nodiscard]] bool try_push(T&& x) { return offered(queue_->try_push(static_cast<T&&>(x))); }
    [[nodiscard]] bool try_push(T const& x) {
        return offered(with(
            x, [this](auto&& one) { return queue_->try_push(static_cast<decltype(one)>(one)); }));
    }
    /// Waits for room; false where it is closed. Not for a thread that the pipeline waits for, and
    /// not for a handler that others wait behind: there `try_push` is the word.
    [[nodiscard]] bool push(T&& x) { return queue_->push(static_cast<T&&>(x)) == taken; }
    [[nodiscard]] bool push(T const& x) {
        return with(x, [this](auto&& one) { return queue_->push(static_cast<decltype(one)>(one)); })
               == taken;
    }
    /// The end of the input. What was accepted is processed.
    void close() { queue_->close(); }
    /// By `close`, or since the pipeline has stopped or ended.
    [[nodiscard]] bool closed() const { return queue_->closed(); }

    [[nodiscard]] std::size_t capacity() const { return queue_->capacity(); }
    [[nodiscard]] inject_counts counts() const {
        inject_counts c;
        c.handed_on = queue_->handed_on();
        c.accepted = queue_->accepted();
        c.waiting = c.accepted - c.handed_on;
        c.refused = queue_->refused();
        c.waits = queue_->waits();
        return c;
    }

private:
    using queue_type = detail::inject_queue<T>;
    using offer = typename queue_type::offer;
    static constexpr offer taken = offer::taken;

    static std::shared_ptr<queue_type> make(std::size_t capacity) {
        if (capacity < 1 || capacity > inject_options::capacity_max)
            throw failure(exit_code::configuration,
                          "millrace: inject: .capacity is not between 1 and 16777216.");
        return std::make_shared<queue_type>(capacity);
    }
    bool offered(offer o) {
        if (o == offer::full) queue_->count_refused();
        return o == taken;
    }
    /// A copy that may throw is made before a slot is taken.
    template <class F>
    static offer with(T const& x, F&& f) {
        if constexpr (std::is_nothrow_copy_constructible_v<T>)
            return f(x);
        else
            return f(T(x));
    }

    std::shared_ptr<queue_type> queue_;
};

}  // namespace millrace
