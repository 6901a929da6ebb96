// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// How bytes get to and from the kernel: by io_uring, or where that is refused by pread and pwrite.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/io/blocking_engine.hpp>
#include <millrace/io/request.hpp>
#include <millrace/io/ring.hpp>
#include <millrace/model/failure.hpp>

namespace millrace {

/// Tries a ring; refused (EPERM, ENOSYS, ENOMEM, …), it does the same calls itself. The environment
/// may say `MILLRACE_IO=sync` (never a ring) or `MILLRACE_IO=ring` (or fail, exit code 78).
class io_engine {
public:
    explicit io_engine(unsigned entries = 16) {
        char const* const told = std::getenv("MILLRACE_IO");
        std::string_view const how = told == nullptr ? "" : told;
        if (how == "sync") return;
        ring_ = std::make_unique<io_ring>(entries);
        if (ring_->usable()) return;
        refusal_ = ring_->error();
        ring_.reset();
        if (how == "ring")
            throw failure(
                exit_code::configuration,
                std::string("millrace: io: MILLRACE_IO=ring, but the kernel refuses io_uring: ")
                    + std::strerror(refusal_) + ". Allow it, or say MILLRACE_IO=sync.");
    }

    [[nodiscard]] bool has_ring() const { return ring_ != nullptr; }
    /// The errno with which the kernel refused a ring, or 0.
    [[nodiscard]] int refusal() const { return refusal_; }

    void submit(io_request& request) { ring_ ? ring_->submit(request) : blocking_.submit(request); }
    void flush() { ring_ ? ring_->flush() : blocking_.flush(); }
    void wait(io_request& request) { ring_ ? ring_->wait(request) : blocking_.wait(request); }
    void cancel(io_request& request) { ring_ ? ring_->cancel(request) : blocking_.cancel(request); }
    /// True if the request is done; with a ring this never waits.
    bool ready(io_request& request) {
        return ring_ ? ring_->ready(request) : blocking_.ready(request);
    }
    /// See `io_ring::add_buffer`; without a ring always -1.
    std::int16_t add_buffer(char* data, std::size_t bytes) {
        return ring_ ? ring_->add_buffer(data, bytes) : std::int16_t{-1};
    }
    void remove_buffer(std::int16_t number, std::size_t bytes) {
        if (ring_) ring_->remove_buffer(number, bytes);
    }

private:
    std::unique_ptr<io_ring> ring_;
    blocking_engine blocking_;
    int refusal_ = 0;
};

/// The engine of an operator: the core's where there is one, else its own, made by the thread that
/// first uses it.
template <class Engine>
class engine_handle {
public:
    engine_handle() = default;
    explicit engine_handle(Engine& shared) : shared_(&shared) {}
    explicit engine_handle(std::unique_ptr<Engine> own) : own_(std::move(own)) {}

    Engine& operator*() {
        if (shared_ != nullptr) return *shared_;
        if constexpr (requires { Engine(); })
            if (!own_) own_ = std::make_unique<Engine>();
        return *own_;
    }
    Engine* operator->() { return &**this; }

private:
    Engine* shared_ = nullptr;
    std::unique_ptr<Engine> own_;
};

/// The handle that an environment gives: to `env.ring()` if it has one.
template <class Env>
auto engine_of(Env& env) {
    if constexpr (requires { env.ring(); })
        return engine_handle<std::remove_cvref_t<decltype(env.ring())>>(env.ring());
    else
        return engine_handle<io_engine>();
}

}  // namespace millrace
