// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The examples of docs/how-to and docs/reference: records from threads, results to executors, a
// source and a sink of one's own.

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <millrace/millrace.hpp>
#include <millrace/scheduler/inject.hpp>
#include <millrace/scheduler/on_executor.hpp>

using namespace millrace;

namespace {

struct order {
    int account = 0;
    std::int64_t cents = 0;
};
struct total {
    int account = 0;
    std::int64_t cents = 0;
};

TEST(docs_reference, inject) {
    std::int64_t sum = 0;
    // [inject]
    inject<order> orders({.capacity = 1024});
    std::thread pipeline([&] {
        report const result = run(orders.source() | to([&](order const& o) { sum += o.cents; }));
        EXPECT_TRUE(result.ok());
    });
    EXPECT_TRUE(orders.push({1, 250}));  // waits where it is full
    if (!orders.try_push({2, 120}))      // never waits
        ADD_FAILURE() << "full: " << orders.counts().refused << " were refused so far";
    orders.close();  // the end of the input
    pipeline.join();
    EXPECT_FALSE(orders.push({3, 1}));  // the run is over
    // [inject]
    EXPECT_EQ(sum, 370);
}

TEST(docs_reference, on_executor) {
    namespace asio = boost::asio;
    std::vector<std::int64_t> shown;
    // [on_executor]
    asio::io_context context;
    inject<order> orders;
    auto staying = asio::make_work_guard(context);
    std::thread pipeline([&] {
        report const result =
            run(orders.source() | key_by(&order::account) | aggregate(sum<"cents">(&order::cents))
                | map([](auto const& row) { return total{get<"key">(row), get<"cents">(row)}; })
                | to(on_executor<total>(context.get_executor(),
                                        [&](total const& t) { shown.push_back(t.cents); })));
        EXPECT_TRUE(result.ok());
        staying.reset();
    });
    EXPECT_TRUE(orders.push({1, 250}));
    EXPECT_TRUE(orders.push({1, 120}));
    orders.close();
    context.run();  // calls the function, on this thread
    pipeline.join();
    // [on_executor]
    EXPECT_EQ(shown, (std::vector<std::int64_t>{250, 370}));
}

// A library that calls back when it has something, and is asked for it without blocking.
class feed {
public:
    bool take(order& out) {
        std::lock_guard const lock(mutex_);
        if (waiting_.empty()) return false;
        out = waiting_.front();
        waiting_.pop_front();
        return true;
    }
    template <class F>
    void on_data(F f) {
        std::lock_guard const lock(mutex_);
        call_ = new called<F>(std::move(f));
    }
    void forget() {
        std::lock_guard const lock(mutex_);
        delete std::exchange(call_, nullptr);
    }
    void arrives(order o) {
        std::lock_guard const lock(mutex_);
        waiting_.push_back(o);
        if (call_ != nullptr) call_->call();
    }
    bool is_over() const { return over_; }
    void end() {
        over_ = true;
        std::lock_guard const lock(mutex_);
        if (call_ != nullptr) call_->call();
    }
    ~feed() { delete call_; }

private:
    struct callable {
        virtual ~callable() = default;
        virtual void call() = 0;
    };
    template <class F>
    struct called : callable {
        explicit called(F f) : function(std::move(f)) {}
        void call() override { function(); }
        F function;
    };
    std::mutex mutex_;
    std::deque<order> waiting_;
    callable* call_ = nullptr;
    std::atomic<bool> over_{false};
};

// [own_source]
// What runs: made by `open_source` on the thread of its core, and called by that thread alone.
class feed_operator {
public:
    template <class Env>
    feed_operator(feed& from, Env& env) : from_(&from) {
        if constexpr (requires { env.waker(); })  // a test's environment has none
            from.on_data([waker = env.waker()] { waker.wake(); });
    }
    feed_operator(feed_operator&& other) noexcept
        : read(other.read),
          from_(std::exchange(other.from_, nullptr)),
          stopping_(other.stopping_) {}
    ~feed_operator() {
        if (from_ != nullptr) from_->forget();  // no wake outlives the run
    }

    // At most `n` records, which is the room that there is downstream; never waits.
    template <class Push>
    source_state poll(std::size_t n, Push&& push) {
        bool const over = stopping_ || from_->is_over();  // before the look, so nothing is missed
        order next;
        for (std::size_t i = 0; i < n; ++i) {
            if (!from_->take(next)) {
                if (i > 0) return source_state::more;  // something came: ask again
                return over ? source_state::ended : source_state::idle;
            }
            ++read;
            push(std::move(next));
        }
        return source_state::more;
    }
    void stop() { stopping_ = true; }  // what the feed holds still comes, then it ends

    std::uint64_t read = 0;  // what the report calls the records that came in

private:
    feed* from_;
    bool stopping_ = false;
};

// What is written in a pipeline: a small value that can be copied.
struct feed_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr std::string_view word = "feed";
    static constexpr auto name = fixed_string{""};
    using record = order;
    feed* from;

    template <class Env>
    auto open_source(Env& env) const {
        return feed_operator(*from, env);
    }
};
feed_stage from_feed(feed& f) { return {{}, &f}; }
// [own_source]

// A store that takes a limited number at a time.
class store {
public:
    void put(std::vector<total> const& some) {
        for (total const& t : some) all.push_back(t);
        ++calls;
    }
    std::vector<total> all;
    int calls = 0;
    bool committed = false;
};

// [own_sink]
class store_operator {
public:
    static constexpr std::size_t capacity = 256;
    explicit store_operator(store& into) : into_(&into) { batch_.reserve(capacity); }

    void write(total const& t) { batch_.push_back(t); }
    // How many more it takes for certain: no loop in front of it sends more. Without it: any
    // number.
    std::size_t room() const { return capacity - batch_.size(); }
    // The end of a batch: what waits longer than that is latency.
    void batch_end() {
        if (batch_.empty()) return;
        into_->put(batch_);
        batch_.clear();
    }
    // The end of the run: to be kept, or to be taken back.
    void close(bool success) { into_->committed = success; }

private:
    store* into_;
    std::vector<total> batch_;
};

struct store_sink {
    store* into;
    template <class Env>
    auto open_sink(Env&) const {
        return store_operator(*into);
    }
};
store_sink to_store(store& s) { return {&s}; }
// [own_sink]

TEST(docs_how_to, own_source_and_sink) {
    feed orders;
    store totals;
    std::thread producer([&] {
        for (int i = 0; i < 1000; ++i) orders.arrives({i % 3, i});
        orders.end();
    });
    // [own_pipeline]
    report const result =
        run(from_feed(orders) | map([](order const& o) { return total{o.account, o.cents}; })
            | to(to_store(totals)));
    // [own_pipeline]
    producer.join();
    EXPECT_TRUE(result.ok()) << result.message;
    EXPECT_EQ(result.records_in, 1000U);
    EXPECT_EQ(totals.all.size(), 1000U);
    EXPECT_TRUE(totals.committed);
    EXPECT_LE(totals.calls, 1000);
}

}  // namespace
