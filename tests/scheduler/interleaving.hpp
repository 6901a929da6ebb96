// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A small model checker: walks through all interleavings of a few threads and all values that the
// C++ memory model lets their loads see. Threads are fibers; an execution is a list of choices,
// replayed from the start and extended (stateless search, Godefroid 1997), cut where a state was
// seen before. Memory is that of views (Kang et al., "A promising semantics", 2017, without
// promises): each location has a list of messages, a load reads any that its thread may still see,
// release and acquire hand views on, sequentially consistent fences order them. A store goes behind
// all others of its location, which is exact where each location has one writer.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <ucontext.h>
#include <unordered_set>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace interleaving {

inline constexpr std::size_t locations_max = 32;

/// The oldest message of each location that a thread may still see.
struct view {
    std::array<std::uint8_t, locations_max> from{};
    void join(view const& other) {
        for (std::size_t i = 0; i < locations_max; ++i)
            if (from[i] < other.from[i]) from[i] = other.from[i];
    }
};

class engine {
public:
    static engine*& current() {
        static engine* running = nullptr;
        return running;
    }

    // What the modelled code calls.

    std::size_t make_location(std::uint64_t value) {
        if (locations_.size() == locations_max) stop("too many locations");
        locations_.push_back({});
        locations_.back().push_back({value, {}});
        return locations_.size() - 1;
    }
    std::uint64_t load(std::size_t at, std::memory_order order) {
        if (!in_thread()) return locations_[at].back().value;
        yield();
        thread& me = threads_[running_];
        std::size_t const first = me.now.from[at];
        std::size_t const read = first + choose(locations_[at].size() - first);
        message const& m = locations_[at][read];
        me.now.from[at] = static_cast<std::uint8_t>(read);
        me.at_next_acquire.join(m.carried);
        if (order != std::memory_order_relaxed) me.now.join(m.carried);
        note(m.value);
        return m.value;
    }
    void store(std::size_t at, std::uint64_t value, std::memory_order order) {
        if (!in_thread()) return void(locations_[at].back().value = value);
        yield();
        append(at, value, order, {});
    }
    std::uint64_t exchange(std::size_t at, std::uint64_t value, std::memory_order order) {
        yield();
        thread& me = threads_[running_];
        message const before = locations_[at].back();
        me.at_next_acquire.join(before.carried);
        if (order != std::memory_order_relaxed) me.now.join(before.carried);
        append(at, value, order, before.carried);
        note(before.value);
        return before.value;
    }
    void fence() {
        yield();
        thread& me = threads_[running_];
        me.now.join(me.at_next_acquire);
        me.now.join(fences_);
        fences_ = me.released = me.now;
    }
    /// A use of memory that is no atomic: all uses before it must have happened before it.
    void touch(void const* address) {
        if (!in_thread()) return;
        std::size_t at = 0;
        while (at < plain_.size() && plain_[at] != address) ++at;
        if (at == plain_.size()) {
            plain_.push_back(address);
            plain_location_.push_back(make_location(0));
        }
        std::size_t const where = plain_location_[at];
        if (threads_[running_].now.from[where] + 1U != locations_[where].size())
            stop("a data race");
        append(where, 0, std::memory_order_relaxed, {});
    }
    /// A wake that is kept until somebody waits for it; it hands everything on, as the kernel does.
    void wake(std::size_t who) {
        yield();
        threads_[who].permit = true;
        threads_[who].permitted.join(threads_[running_].now);
    }
    void wait_for_wake() {
        threads_[running_].waiting = true;
        yield();
        thread& me = threads_[running_];
        me.waiting = me.permit = false;
        me.now.join(me.permitted);
        ++sleeps_;
    }
    [[nodiscard]] std::size_t self() const { return running_; }
    void stop(char const* why) {
        if (failure_.empty()) failure_ = why;
        cut_ = true;
        leave();
    }

    // The search.

    struct outcome {
        std::string failure;  ///< empty: none in all executions
        std::size_t executions = 0;
        std::size_t states = 0;
        std::size_t sleeps = 0;
    };
    /// `Scenario` is made anew for each execution; `bodies()` gives its threads, `check()` is
    /// called where all ended and returns what is wrong, or null.
    template <class Scenario>
    static outcome explore(std::size_t states_max) {
        engine e;
        outcome result;
        current() = &e;
        do {
            e.reset();
            {
                Scenario scenario;
                e.execute(scenario.bodies());
                e.running_ = none;
                if (!e.cut_)
                    if (char const* const wrong = scenario.check()) e.failure_ = wrong;
            }
            ++result.executions;
            if (e.seen_.size() > states_max) e.failure_ = "too many states";
        } while (e.failure_.empty() && e.next());
        current() = nullptr;
        result.failure = e.failure_;
        result.states = e.seen_.size();
        result.sleeps = e.sleeps_;
        return result;
    }

private:
    static constexpr std::size_t none = ~std::size_t{0};
    static constexpr std::size_t stack_bytes = 256 << 10;

    struct message {
        std::uint64_t value;
        view carried;
    };
    struct thread {
        std::function<void()> body;
        ucontext_t context{};
        view now, at_next_acquire, released, permitted;
        std::uint64_t history = 0;  ///< of all that it read: its own state follows from it
        bool waiting = false, permit = false, ended = false;
    };
    struct choice {
        std::size_t taken, of;
    };

    [[nodiscard]] bool in_thread() const { return running_ != none; }
    static std::uint64_t mixed(std::uint64_t h, std::uint64_t v) {
        h = (h ^ v) * 0x9E37'79B9'7F4A'7C15;
        return h ^ (h >> 29);
    }
    void note(std::uint64_t value) {
        threads_[running_].history = mixed(threads_[running_].history + 1, value);
    }
    void append(std::size_t at, std::uint64_t value, std::memory_order order, view carried) {
        thread& me = threads_[running_];
        if (locations_[at].size() == 255) stop("too many stores");
        me.now.from[at] = static_cast<std::uint8_t>(locations_[at].size());
        bool const releases =
            order == std::memory_order_release || order == std::memory_order_acq_rel;
        carried.join(releases ? me.now : me.released);
        carried.from[at] = me.now.from[at];
        locations_[at].push_back({value, carried});
        note(at);
    }
    std::size_t choose(std::size_t of) {
        if (of == 1) return 0;
        if (depth_ == choices_.size()) choices_.push_back({0, of});
        return choices_[depth_++].taken;
    }
    void yield() { leave(); }
    void leave() { ::swapcontext(&threads_[running_].context, &scheduler_); }

    static void enter() {
        engine& e = *current();
        e.threads_[e.running_].body();
        e.threads_[e.running_].ended = true;
        e.leave();
    }
    void reset() {
        locations_.clear();
        plain_.clear();
        plain_location_.clear();
        threads_.clear();
        fences_ = {};
        depth_ = 0;
        running_ = none;
        cut_ = false;
    }
    void execute(std::vector<std::function<void()>> bodies) {
        for (auto& body : bodies) {
            threads_.emplace_back();
            threads_.back().body = std::move(body);
        }
        while (stacks_.size() < threads_.size())
            stacks_.push_back(std::make_unique<char[]>(stack_bytes));
        for (std::size_t i = 0; i < threads_.size(); ++i) {
#if defined(__SANITIZE_ADDRESS__)
            ASAN_UNPOISON_MEMORY_REGION(stacks_[i].get(), stack_bytes);
#endif
            ucontext_t& c = threads_[i].context;
            ::getcontext(&c);
            c.uc_stack.ss_sp = stacks_[i].get();
            c.uc_stack.ss_size = stack_bytes;
            c.uc_link = nullptr;
            ::makecontext(&c, &engine::enter, 0);
        }
        for (std::size_t i = 0; i < threads_.size(); ++i) resume(i);  // to its first step
        while (!cut_) {
            std::vector<std::size_t> ready;
            bool all_ended = true;
            for (std::size_t i = 0; i < threads_.size(); ++i) {
                thread const& t = threads_[i];
                all_ended = all_ended && t.ended;
                if (!t.ended && (!t.waiting || t.permit)) ready.push_back(i);
            }
            if (all_ended) return;
            if (ready.empty()) {
                failure_ = "a deadlock";
                cut_ = true;
                return;
            }
            if (depth_ >= choices_.size() && !seen_.insert(state()).second) {
                cut_ = true;
                return;
            }
            resume(ready[choose(ready.size())]);
        }
    }
    void resume(std::size_t i) {
        running_ = i;
        ::swapcontext(&scheduler_, &threads_[i].context);
    }
    bool next() {
        while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().of)
            choices_.pop_back();
        if (choices_.empty()) return false;
        ++choices_.back().taken;
        return true;
    }
    [[nodiscard]] std::uint64_t state() const {
        std::uint64_t h = 1;
        auto const add = [&h](view const& v) {
            for (std::uint8_t const b : v.from) h = mixed(h, b + 1U);
        };
        for (thread const& t : threads_) {
            h = mixed(h, t.history + t.waiting + 2U * t.permit + 4U * t.ended);
            add(t.now), add(t.at_next_acquire), add(t.released), add(t.permitted);
        }
        for (auto const& l : locations_) {
            h = mixed(h, l.size());
            for (message const& m : l) h = mixed(h, m.value), add(m.carried);
        }
        add(fences_);
        return h;
    }

    std::vector<std::vector<message>> locations_;
    std::vector<void const*> plain_;
    std::vector<std::size_t> plain_location_;
    std::vector<thread> threads_;
    std::vector<std::unique_ptr<char[]>> stacks_;
    std::vector<choice> choices_;
    std::unordered_set<std::uint64_t> seen_;
    view fences_;
    ucontext_t scheduler_{};
    std::size_t depth_ = 0;
    std::size_t running_ = none;
    std::size_t sleeps_ = 0;
    bool cut_ = false;
    std::string failure_;
};

/// What to break, to see that it is found.
enum class broken : std::uint8_t { nothing, release, acquire, fence };

/// The policy to give a lane and a sleep flag.
template <broken Part>
struct atomics {
    template <class V>
    class variable {
    public:
        explicit(false) variable(V value)
            : at_(engine::current()->make_location(static_cast<std::uint64_t>(value))) {}
        [[nodiscard]] V load(std::memory_order order) const {
            if constexpr (Part == broken::acquire) order = std::memory_order_relaxed;
            return static_cast<V>(engine::current()->load(at_, order));
        }
        void store(V value, std::memory_order order) {
            if constexpr (Part == broken::release) order = std::memory_order_relaxed;
            engine::current()->store(at_, static_cast<std::uint64_t>(value), order);
        }
        V exchange(V value, std::memory_order order) {
            return static_cast<V>(
                engine::current()->exchange(at_, static_cast<std::uint64_t>(value), order));
        }

    private:
        std::size_t at_;
    };
    /// Memory that is no atomic, whose uses must be ordered.
    template <class V>
    class plain {
    public:
        plain() = default;
        plain& operator=(V const& value) {
            engine::current()->touch(this);
            value_ = value;
            return *this;
        }
        explicit(false) operator V() const {
            engine::current()->touch(this);
            return value_;
        }

    private:
        V value_{};
    };
    static void fence() {
        if constexpr (Part != broken::fence) engine::current()->fence();
    }
};

}  // namespace interleaving
