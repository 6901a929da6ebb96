// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `core_files`: a file source's requests as operations of its core's engine, so that a read that
// comes back ends the core's sleep.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <millrace/io/operation.hpp>
#include <millrace/io/request.hpp>
#include <millrace/io/service_of.hpp>

namespace millrace {

/// The engine of a file source that runs on a core. `ready` never waits and never turns the core's
/// engine, which the core does; `wait` does both. Allocates for the first requests, as many as are
/// pending at once.
template <class Engine>
class core_files {
public:
    explicit core_files(service_handle<Engine> engine) : engine_(std::move(engine)) {}
    core_files(core_files const&) = delete;
    core_files& operator=(core_files const&) = delete;
    ~core_files() {
        for (auto const& one : slots_) detail::settle(*engine_, *one);
    }

    void submit(io_request& request) {
        slot& s = free_slot();
        s.request = &request;
        s.fd = request.fd;
        s.data = request.data;
        s.bytes = request.bytes;
        s.offset = request.offset;
        s.fixed = request.buffer;
        s.verb = request.verb == io_verb::read    ? op_verb::read
                 : request.verb == io_verb::write ? op_verb::write
                                                  : op_verb::sync;
        s.done = [](operation& op, completion const& got) {
            io_request& done = *static_cast<slot&>(op).request;
            done.result = got.result;
            done.pending = false;
        };
        request.pending = true;
        engine_->submit(s);
    }
    void flush() {}
    /// Pinned as long as the engine lives; its number for `io_request::buffer`, or -1 where the
    /// kernel refuses.
    [[nodiscard]] std::int16_t add_buffer(char* data, std::size_t bytes) {
        return static_cast<std::int16_t>(engine_->register_buffer(data, bytes));
    }
    void remove_buffer(std::int16_t, std::size_t) {}
    [[nodiscard]] bool ready(io_request& request) {
        if (request.pending && engine_.owned()) engine_->turn();
        return !request.pending;
    }
    void wait(io_request& request) {
        while (request.pending)
            if (!engine_->turn()) engine_->sleep(INT64_MAX);
    }
    void cancel(io_request& request) {
        for (auto const& one : slots_)
            if (one->pending && one->request == &request) detail::settle(*engine_, *one);
    }

private:
    struct slot : operation {
        io_request* request = nullptr;
    };
    slot& free_slot() {
        for (auto const& one : slots_)
            if (!one->pending) return *one;
        return *slots_.emplace_back(std::make_unique<slot>());
    }

    service_handle<Engine> engine_;
    std::vector<std::unique_ptr<slot>> slots_;
};

}  // namespace millrace
