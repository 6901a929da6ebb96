// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the cores of a run share besides their lanes: whether it is to stop, and why it failed.

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>

#include <millrace/model/failure.hpp>
#include <millrace/scheduler/clock.hpp>

namespace millrace::detail {

enum class stop_level : int {
    none,
    gently,  ///< sources stop, what is in flight goes on to the sinks
    now,
};

class run_state {
public:
    /// Hears of a new level, from whatever thread raises it.
    struct told {
        virtual void level_changed() noexcept = 0;

    protected:
        ~told() = default;
    };

    /// `controlled`: somebody besides the run's own threads may stop it, and is told of stalls.
    explicit run_state(bool controlled = false) : controlled_(controlled) {}
    [[nodiscard]] bool controlled() const { return controlled_; }

    [[nodiscard]] stop_level level() const {
        return static_cast<stop_level>(level_.load(std::memory_order_acquire));
    }
    /// When a gentle stop gives up: monotonic ns.
    [[nodiscard]] std::int64_t deadline() const {
        return deadline_.load(std::memory_order_relaxed);
    }

    /// From any thread. The first asks gently, with `within` ns to end; the second ends the run
    /// now.
    void stop(std::int64_t within) {
        {
            std::lock_guard const lock(mutex_);
            if (level() == stop_level::none) {
                deadline_.store(time_after(read_clock(CLOCK_MONOTONIC), within),
                                std::memory_order_relaxed);
                raise(stop_level::gently);
            } else {
                if (code_ == exit_code::ok) {
                    code_ = exit_code::temporary;
                    message_ = "millrace: run: stopped at once, by a second stop.";
                }
                raise(stop_level::now);
            }
        }
        wake_all();
    }
    /// The deadline of a stop has passed.
    void give_up() {
        fail(exit_code::temporary,
             "millrace: run: stopped at the deadline with records still on their way. Give "
             ".stop_within more time, or look at the sink that did not take them.");
    }
    /// The first failure is the run's.
    void fail(exit_code code, std::string_view message) {
        {
            std::lock_guard const lock(mutex_);
            if (code_ == exit_code::ok) {
                code_ = code;
                message_ = message;
            }
            raise(stop_level::now);
        }
        wake_all();
    }
    /// In a catch block: what it caught is the run's failure.
    void fail_by_exception() {
        try {
            throw;
        } catch (failure const& f) {
            fail(f.code(), f.message());
        } catch (std::exception const& e) {
            fail(exit_code::software, std::string("millrace: ") + e.what());
        } catch (...) {
            fail(exit_code::software, "millrace: an exception that is no std::exception");
        }
    }
    /// What taking back an output said after the run had failed.
    void add(std::string_view message) {
        std::lock_guard const lock(mutex_);
        message_.append(" ").append(message);
    }
    [[nodiscard]] bool failed() const { return code() != exit_code::ok; }
    [[nodiscard]] exit_code code() const {
        std::lock_guard const lock(mutex_);
        return code_;
    }
    [[nodiscard]] std::string message() const {
        std::lock_guard const lock(mutex_);
        return message_;
    }
    /// Who is told when the level changes; set while the run's cores are there.
    void on_change(told* who) {
        std::lock_guard const lock(wake_mutex_);
        told_ = who;
    }

private:
    /// Behind the deadline: who sees the level sees that too.
    void raise(stop_level to) { level_.store(static_cast<int>(to), std::memory_order_release); }
    void wake_all() {
        std::lock_guard const lock(wake_mutex_);
        if (told_ != nullptr) told_->level_changed();
    }

    bool const controlled_;
    std::atomic<int> level_{0};
    std::atomic<std::int64_t> deadline_{INT64_MAX};
    mutable std::mutex mutex_;
    std::mutex wake_mutex_;
    told* told_ = nullptr;
    exit_code code_ = exit_code::ok;
    std::string message_;
};

}  // namespace millrace::detail
