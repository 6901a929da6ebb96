// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator behind `append(…)`: a log that is written in groups, each safe on the disk before
// the next begins, without ever blocking its core.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <sched.h>
#include <string>
#include <sys/uio.h>
#include <utility>

#include <millrace/io/append_file.hpp>
#include <millrace/io/append_options.hpp>
#include <millrace/io/io_failure.hpp>
#include <millrace/io/operation.hpp>
#include <millrace/io/page_buffer.hpp>
#include <millrace/io/refused_record.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/failure.hpp>

namespace millrace {

/// What a log has taken; reported.
struct append_counts {
    std::uint64_t groups = 0;         ///< writes that were completed
    std::uint64_t bytes_written = 0;  ///< of content; with `every_group` safe on the disk
    std::uint64_t bytes_waiting = 0;  ///< taken, not yet written
};

/// Two buffers: records are copied into one while the other is written. A group begins at the block
/// in which the one before ended, so that block is written again, with what it had. Nothing is
/// allocated after opening. After an error of the disk the log takes nothing more and is not
/// synced again: what a group before it had is safe, what came behind is not.
template <class Engine>
class basic_append_sink {
public:
    basic_append_sink(service_handle<Engine> engine, std::string const& name,
                      append_options const& options)
        : body_(std::make_unique<body>(std::move(engine), name, options)) {}
    basic_append_sink(basic_append_sink&&) noexcept = default;
    basic_append_sink& operator=(basic_append_sink&&) = delete;
    ~basic_append_sink() {
        if (body_) close(false);
    }

    /// Throws `refused_record` for one that is longer than `max_record`. Who does not ask for
    /// `room` may wait here for the group before.
    void write(bytes const& record) { body_->take(record); }
    /// Records that can be taken for certain.
    [[nodiscard]] std::size_t room() const {
        return (body_->capacity - body_->filled) / body_->record_max;
    }
    /// Begins a group of what came, if none is being written; that one's end begins it else. While
    /// one is being written this gives way to the kernel's worker that ends a write with O_DSYNC:
    /// it stands on this processor, and behind a thread that spins it waits for the end of a time
    /// slice (80 us became 4 ms on Linux 6.18).
    void batch_end() {
        if (body_->engine.owned()) body_->engine->turn();
        body_->go_on();
        if (body_->writing.pending) ::sched_yield();
    }
    /// All that was taken is written, and with `every_group` safe.
    [[nodiscard]] bool drained() const { return body_->safe == body_->end(); }

    /// Waits until all is written and safe, and takes the padding off.
    void finish() { body_->finish(); }
    /// A log keeps what it has, also of a run that failed. Only success can throw.
    void close(bool success) {
        if (success) return finish();
        try {
            finish();
        } catch (...) {
            return;  // the run has failed already, and says why
        }
    }

    [[nodiscard]] append_counts counts() const {
        return {body_->groups, body_->safe - body_->opened_at, body_->end() - body_->safe};
    }
    [[nodiscard]] std::uint64_t bytes_written() const { return body_->end() - body_->opened_at; }
    /// Past the page cache: O_DIRECT with O_DSYNC, the fastest that is safe.
    [[nodiscard]] bool direct() const { return body_->file.direct(); }
    template <class F>
    void report(F&& line) const {
        append_counts const now = counts();
        line("groups", now.groups);
        line("bytes written", now.bytes_written);
        line("bytes waiting", now.bytes_waiting);
    }

private:
    static constexpr std::size_t piece = std::size_t{256} * 1024;  ///< of room made ahead

    /// What operations point at, so it stays where it is.
    struct body {
        struct request : operation {
            body* owner = nullptr;
        };
        enum class state : unsigned char { open, failed, closed };

        service_handle<Engine> engine;
        detail::append_file file;
        std::size_t record_max;
        std::size_t capacity;  ///< of content in a buffer; behind it is room for padding
        std::size_t ahead;
        detail::page_buffer buffers[2];
        detail::page_buffer zeros;
        request writing;
        request zeroing;
        std::uint64_t opened_at;
        std::uint64_t base;      ///< the offset of the current buffer's first byte, a whole block
        std::uint64_t safe;      ///< the content up to here is written
        std::uint64_t asked;     ///< up to here, once `writing` is done
        std::uint64_t prepared;  ///< up to here the file has blocks
        std::uint64_t groups = 0;
        std::size_t filled;  ///< of the current buffer
        unsigned current = 0;
        int error = 0;
        state now = state::open;
        bool syncs;
        bool needs_mark = false;  ///< the last group ended so that a block with a mark follows

        body(service_handle<Engine> e, std::string const& name, append_options const& options)
            : engine(std::move(e)),
              file(name, options),
              record_max(std::clamp<std::size_t>(options.max_record, 1, std::size_t{256} << 20)),
              capacity(
                  std::clamp<std::size_t>(options.buffer_bytes, record_max, std::size_t{1} << 30)
                  + detail::append_block),
              ahead(options.preallocate),
              opened_at(file.end()),
              base(detail::block_floor(opened_at)),
              safe(opened_at),
              asked(opened_at),
              prepared(file.prepared()),
              filled(static_cast<std::size_t>(opened_at - base)),
              syncs(options.sync == append_sync::every_group) {
            for (detail::page_buffer& b : buffers)
                b = detail::page_buffer(detail::block_ceiling(capacity) + 2 * detail::append_block);
            if (ahead != 0) {
                zeros = detail::page_buffer(piece);
                std::memset(zeros.data.get(), 0, piece);
            }
            std::memcpy(content(), file.last_block(), filled);
            writing.owner = zeroing.owner = this;
            writing.verb = zeroing.verb = op_verb::write;
            writing.fd = zeroing.fd = file.fd();
            writing.flags = syncs ? RWF_DSYNC : 0;
            writing.done = [](operation& op, completion const& got) {
                static_cast<request&>(op).owner->written(got.result);
            };
            zeroing.done = [](operation& op, completion const& got) {
                static_cast<request&>(op).owner->zeroed(got.result);
            };
        }
        ~body() {
            error = ECANCELED;  // so that no handler begins anything
            detail::settle(*engine, writing);
            detail::settle(*engine, zeroing);
        }

        [[nodiscard]] char* content() { return buffers[current].data.get(); }
        [[nodiscard]] std::uint64_t end() const { return base + filled; }
        [[nodiscard]] std::uint64_t waiting() const { return end() - asked; }

        void take(bytes const& record) {
            std::size_t const length = record.data.size() + (record.line ? 1 : 0);
            if (length > record_max || length > capacity - filled || now != state::open)
                make_room(length);
            if (!record.data.empty())
                std::memcpy(content() + filled, record.data.data(), record.data.size());
            filled += length;
            if (record.line) content()[filled - 1] = '\n';
        }
        [[gnu::noinline]] void make_room(std::size_t length) {
            if (now != state::open)
                throw failure(exit_code::software,
                              "millrace: append: " + detail::shown(file.name())
                                  + " is closed or failed, and written again. Report this.");
            if (length > record_max)
                throw refused_record("a record is longer than max_record of append");
            while (length > capacity - filled) {
                go_on();
                wait();
            }
        }
        void wait() {
            if (!engine->turn()) engine->sleep(INT64_MAX);
        }

        /// Begins what can begin now. Throws what a completion has found.
        void go_on() {
            if (error != 0) fail();
            if (now == state::open) begin();
        }
        [[noreturn]] void fail() {
            now = state::failed;
            detail::fail_writing(file.name(), error);
        }

        void begin() {
            if (writing.pending || error != 0) return;
            if (waiting() == 0) return make_ahead();
            // Room is made over whole pieces: data must not get in between.
            if (zeroing.pending && end() + 2 * detail::append_block > zeroing.offset) return;
            std::size_t const length = detail::pad(content(), filled);
            if (base + length > file.limit()) {
                error = EFBIG;
                return;
            }
            writing.data = content();
            writing.bytes = static_cast<std::uint32_t>(length);
            writing.offset = base;
            prepared = std::max(prepared, base + length);
            needs_mark = filled % detail::append_block == 0 && length != filled;
            asked = end();
            next_buffer();
            engine->submit(writing);
        }
        /// The other buffer, which begins with the block that isn't full.
        void next_buffer() {
            std::size_t const whole = filled / detail::append_block * detail::append_block;
            char const* const rest = content() + whole;
            filled -= whole;
            base += whole;
            current = 1 - current;
            std::memcpy(content(), rest, filled);
        }

        void written(int result) {
            if (result < 0 && !try_again(-result)) return;
            if (result == 0) error = EIO;  // neither progress nor an error: no end of asking again
            if (error != 0) return;
            auto put = static_cast<std::uint32_t>(std::max(result, 0));
            if (put != writing.bytes) {
                // A part: whole blocks of it stand, as past the page cache none else can be asked.
                put -= put % std::uint32_t{detail::append_block};
                if (put == 0 && result > 0 && file.direct()) file.use_page_cache();
                writing.data += put;
                writing.bytes -= put;
                writing.offset += put;
                engine->submit(writing);
                return;
            }
            safe = asked;
            ++groups;
            begin();
        }
        /// An error of the disk is final: what a failed sync has dropped no second one brings back.
        bool try_again(int why) {
            if (why == EINVAL && file.direct()) {
                file.use_page_cache();
                return true;
            }
            if (why == EAGAIN || why == EINTR) return true;
            error = why;
            return false;
        }

        /// Where no record waits, room is made for those to come.
        void make_ahead() {
            if (ahead == 0 || zeroing.pending || prepared >= end() + ahead / 2) return;
            if (prepared + piece > file.limit()) return;
            zeroing.data = zeros.data.get();
            zeroing.bytes = piece;
            zeroing.offset = prepared;
            engine->submit(zeroing);
        }
        void zeroed(int result) {
            if (result == -EIO) {  // its sync has failed: see `try_again`
                error = EIO;
                return;
            }
            auto const whole =
                result > 0 ? static_cast<unsigned>(result) / detail::append_block : 0U;
            prepared = std::max(prepared, zeroing.offset + whole * detail::append_block);
            if (whole == 0) ahead = 0;  // the disk is full, perhaps: the records will meet it
            begin();
        }

        void finish() {
            if (now == state::closed) return;
            if (now == state::failed) fail();
            for (go_on(); safe != end() || zeroing.pending; go_on()) wait();
            if (error != 0) fail();
            now = state::failed;
            file.finish(end(), needs_mark);
            now = state::closed;
        }
    };

    std::unique_ptr<body> body_;
};

using append_sink = basic_append_sink<core_engine>;

}  // namespace millrace
