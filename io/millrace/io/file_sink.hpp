// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator behind `file(…)` as a sink: buffered, written while the pipeline goes on, complete
// or not there at all.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/io/ask_again.hpp>
#include <millrace/io/engine.hpp>
#include <millrace/io/file_options.hpp>
#include <millrace/io/io_failure.hpp>
#include <millrace/io/output_file.hpp>
#include <millrace/io/page_buffer.hpp>
#include <millrace/io/request.hpp>
#include <millrace/io/write_signals.hpp>
#include <millrace/model/bytes.hpp>

namespace millrace {

/// Two buffers: one is filled, one is written. A record costs a copy; nothing is allocated after
/// opening. An error of the disk is met at the latest two buffers later, and by `finish` in any
/// case; it removes the temporary.
template <class Engine>
class basic_file_sink {
public:
    basic_file_sink(engine_handle<Engine> io, std::string const& name, file_options const& options)
        : io_(std::move(io)),
          target_(name),
          slots_(std::make_unique<slot[]>(2)),
          durable_(options.durable) {
        for (std::size_t i = 0; i < 2; ++i)
            slots_[i].buffer = detail::page_buffer(detail::buffer_bytes_of(options));
        begin_buffer();
    }
    basic_file_sink(basic_file_sink&&) noexcept = default;
    basic_file_sink& operator=(basic_file_sink&&) = delete;
    ~basic_file_sink() {
        if (slots_) close(false);
    }

    void write(bytes const& record) {
        std::size_t const length = record.data.size();
        if (length + 1 > static_cast<std::size_t>(end_ - at_)) return write_across(record);
        if (length != 0) std::memcpy(at_, record.data.data(), length);
        at_ += length;
        if (record.line) *at_++ = '\n';
    }

    /// Between batches: hands on what is there if somebody waits for it (a pipe, a terminal); a
    /// file waits for a full buffer, standard output that was sent to a file too.
    void batch_end() {
        if (target_.watched() && state_ == state::open && at_ != begin()) write_buffer();
    }

    /// Writes the rest and waits; with `durable`, syncs. Of several sinks, finish all before the
    /// first is closed: then a full disk leaves none of them behind.
    void finish() {
        if (state_ == state::finished) return;
        refuse_after_end();
        if (at_ != begin()) write_buffer();
        settle(slots_[0]);
        settle(slots_[1]);
        if (durable_) sync();
        state_ = state::finished;
        at_ = end_ = begin();
    }

    /// Success: `finish`, then the temporary takes its name. Failure: the temporary is removed; a
    /// stream still gets the rows that were emitted, as far as it takes them. Only success can
    /// throw.
    void close(bool success) {
        if (state_ == state::closed) return;
        if (success) {
            finish();
            target_.publish(durable_ && !target_.stream());
        } else {
            abandon();
        }
        state_ = state::closed;
    }

    /// What was taken so far, written or still in a buffer.
    [[nodiscard]] std::uint64_t bytes_written() const {
        return submitted_ + static_cast<std::uint64_t>(at_ - begin());
    }

private:
    enum class state : unsigned char { open, finished, failed, closed };
    struct slot {
        detail::page_buffer buffer;
        io_request request;
        bool busy = false;
    };

    char* begin() const { return slots_ ? slots_[current_].buffer.data.get() : nullptr; }
    void begin_buffer() {
        at_ = begin();
        end_ = at_ + slots_[current_].buffer.capacity;
    }

    /// A record that does not fit, with its line end, into what is left of the buffer.
    [[gnu::noinline]] void write_across(bytes const& record) {
        refuse_after_end();
        for (std::string_view rest = record.data; !rest.empty();) {
            if (at_ == end_) write_buffer();
            auto const room = static_cast<std::size_t>(end_ - at_);
            std::size_t const part = rest.size() < room ? rest.size() : room;
            std::memcpy(at_, rest.data(), part);
            at_ += part;
            rest.remove_prefix(part);
        }
        if (!record.line) return;
        if (at_ == end_) write_buffer();
        *at_++ = '\n';
    }

    void refuse_after_end() const {
        if (state_ == state::open) return;
        throw failure(exit_code::software,
                      "millrace: file: " + detail::shown(target_.name())
                          + " is closed or failed, and written again. Report this.");
    }

    /// Begins to write the current buffer and goes on with the other one, once that is free.
    [[gnu::noinline]] void write_buffer() {
        slot& full = slots_[current_];
        slot& other = slots_[1 - current_];
        auto const length = static_cast<std::uint32_t>(at_ - begin());
        if (target_.stream()) settle(other);  // one position, so one write at a time
        full.request = {.data = begin(),
                        .offset = target_.stream() ? at_position : submitted_,
                        .bytes = length,
                        .fd = target_.fd(),
                        .verb = io_verb::write};
        full.busy = true;
        submitted_ += length;
        current_ = 1 - current_;
        at_ = end_ = begin();  // nothing is pending in the buffer, should what follows throw
        submit(full.request);
        settle(other);
        begin_buffer();
    }

    void submit(io_request& request) {
        detail::write_signal_guard const guard;
        io_->submit(request);
        io_->flush();
    }

    /// Waits until all of the slot's bytes are written. A short write goes on where it stopped.
    void settle(slot& s) {
        while (s.busy) {
            int const error = step(s);
            if (error == 0) continue;
            s.busy = false;
            fail_with(error);
        }
    }

    /// One completion: 0 to go on, or an errno.
    int step(slot& s) {
        detail::write_signal_guard const guard;
        io_request& r = s.request;
        io_->wait(r);
        if (r.result < 0) {
            if (!detail::ask_again(r)) return -r.result;
        } else if (r.result == 0) {
            return EIO;  // neither progress nor an error: asking again might never end
        } else {
            auto const written = static_cast<std::uint32_t>(r.result);
            r.data += written;
            r.bytes -= written;
            if (r.offset != at_position) r.offset += written;
            s.busy = r.bytes != 0;
        }
        if (s.busy) {
            io_->submit(r);
            io_->flush();
        }
        return 0;
    }

    /// Pipes and terminals have nothing to sync and say EINVAL. A failed sync is never tried again:
    /// the kernel may have dropped the pages.
    void sync() {
        slot& s = slots_[current_];
        s.request = {.fd = target_.fd(), .verb = io_verb::sync};
        do {
            io_->submit(s.request);
            io_->wait(s.request);
        } while (s.request.result < 0 && detail::ask_again(s.request));
        int const error = -s.request.result;
        if (error == 0 || (target_.stream() && (error == EINVAL || error == EROFS))) return;
        fail_with(error);
    }

    [[noreturn]] void fail_with(int error) {
        state_ = state::failed;
        abandon();
        detail::fail_writing(target_.name(), error);
    }
    void abandon() noexcept {
        if (target_.stream() && state_ == state::open) try_to_deliver();
        for (std::size_t i = 0; i < 2; ++i) {
            try {
                if (slots_[i].request.pending) io_->cancel(slots_[i].request);
            } catch (...) {
                // A broken ring: rather lose the memory than free it under the kernel's hands.
                static_cast<void>(slots_[i].buffer.data.release());
            }
            slots_[i].busy = false;
        }
        at_ = end_ = begin();
        target_.discard();
    }
    void try_to_deliver() noexcept {
        try {
            state_ = state::failed;  // an error now must not lead here again
            slot& s = slots_[1 - current_];
            while (s.busy)
                if (step(s) != 0) return;
            if (at_ == begin()) return;
            slot& rest = slots_[current_];
            rest.request = {.data = begin(),
                            .bytes = static_cast<std::uint32_t>(at_ - begin()),
                            .fd = target_.fd(),
                            .verb = io_verb::write};
            rest.busy = true;
            submit(rest.request);
            while (rest.busy)
                if (step(rest) != 0) return;
        } catch (...) {
            return;  // the run has failed already, and says why
        }
    }

    engine_handle<Engine> io_;
    detail::output_file target_;
    std::unique_ptr<slot[]> slots_;
    char* at_ = nullptr;
    char* end_ = nullptr;
    std::uint64_t submitted_ = 0;
    std::size_t current_ = 0;
    bool durable_;
    state state_ = state::open;
};

using file_sink = basic_file_sink<io_engine>;

}  // namespace millrace
