// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator behind `file(…)` as a source: chunks of one or several files, read ahead on the
// pipeline's own thread.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/io/ask_again.hpp>
#include <millrace/io/engine.hpp>
#include <millrace/io/file_options.hpp>
#include <millrace/io/input_file.hpp>
#include <millrace/io/io_failure.hpp>
#include <millrace/io/page_buffer.hpp>
#include <millrace/io/request.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/live.hpp>

namespace millrace {

/// Reads each input to its end: what is appended while it is read is read too; one that gets
/// shorter is an error. A file's last chunk carries `last`; it is empty only for an empty file and
/// at the end of a pipe or terminal, where waiting to learn whether more comes would hold back what
/// is there. Allocates when opened and per file, not per chunk. Buffers are registered with the
/// ring, as far as that goes.
template <class Engine>
class basic_file_source {
public:
    /// Checks every name at once: a missing tenth file is refused before the first is read.
    basic_file_source(engine_handle<Engine> io, std::vector<std::string> const& names,
                      file_options const& options)
        : basic_file_source(std::move(io), detail::whole_files(names), options) {
        if (names.empty())
            throw failure(exit_code::configuration,
                          "millrace: file: no input is named. Name at least one file, or \"-\".");
        for (std::string const& name : names) {
            std::uint64_t const bytes = detail::check_input(name);
            total_known_ = total_known_ && bytes != detail::unknown_size;
            progress_.bytes_total += bytes;
        }
        if (!total_known_) progress_.bytes_total = 0;
    }
    /// Stretches of files, not checked. Each begins where it says and is read to the end of its
    /// file unless `leave` is called; up to its own end it is read ahead.
    basic_file_source(engine_handle<Engine> io, std::vector<detail::file_stretch> stretches,
                      file_options const& options)
        : io_(std::move(io)),
          stretches_(std::move(stretches)),
          slot_count_(detail::read_ahead_of(options)),
          slots_(std::make_unique<slot[]>(slot_count_)) {
        direct_ = options.direct;
        for (std::size_t i = 0; i < slot_count_; ++i)
            slots_[i].buffer = detail::page_buffer(detail::read_bytes_of(options));
    }
    basic_file_source(basic_file_source&&) noexcept = default;
    basic_file_source& operator=(basic_file_source&&) = delete;
    ~basic_file_source() {
        if (slots_) drop_slots_for_good();
    }

    /// The next piece, valid until the next call; false behind the last file. Blocks where nothing
    /// has come yet.
    [[nodiscard]] bool next(chunk& out) { return advance<true>(out) == source_state::more; }

    /// The same without blocking: `idle` while the read isn't back, whose completion its engine
    /// tells. Opening a file and its end are calls of the kernel that may wait for the disk.
    [[nodiscard]] source_state try_next(chunk& out) { return advance<false>(out); }

    /// Of the file that the last chunk is from nothing more is read.
    void leave() { ended_ = true; }

    [[nodiscard]] source_progress progress() const { return progress_; }
    /// What is read of it elsewhere, by blocks.
    void count_elsewhere(std::size_t bytes) { progress_.bytes_done += bytes; }

private:
    struct slot {
        detail::page_buffer buffer;
        io_request request;
        std::size_t filled = 0;
        std::int16_t number = -1;  ///< of the registered buffer
        bool asked = false;        ///< a request was made since the slot was last free
        bool ended = false;        ///< a read behind `filled` found the end
        bool known = false;        ///< the request's result is counted in
    };

    template <bool Block>
    source_state advance(chunk& out) {
        if (delivered_) release();
        if (!input_.fd && !open_next()) return source_state::ended;
        if (!(input_.stream ? stream_is_there<Block>() : file_is_there<Block>()))
            return source_state::idle;
        slot const& s = ahead(0);
        out = {{s.buffer.data.get(), s.filled}, name(), ended_};
        deliver_offset_ += s.filled;
        if (!input_.stream && ended_ && input_.shrank_below(deliver_offset_))
            detail::fail_shrunk(name(), deliver_offset_, input_.size);
        progress_.bytes_done += s.filled;
        delivered_ = true;
        return source_state::more;
    }

    slot& ahead(std::size_t n) { return slots_[(head_ + n) % slot_count_]; }

    bool open_next() {
        if (next_ == stretches_.size()) return false;
        if (!registered_) register_buffers();
        detail::file_stretch const& s = stretches_[next_++];
        input_ = detail::open_input(s.name, direct_);
        input_.narrow(s.begin, s.end);
        ask_offset_ = deliver_offset_ = input_.begin;
        ended_ = false;
        return true;
    }

    /// On the thread that reads, which is the ring's.
    void register_buffers() {
        registered_ = true;
        if constexpr (requires { io_->add_buffer(nullptr, 0); })
            for (std::size_t i = 0; i < slot_count_; ++i)
                slots_[i].number =
                    io_->add_buffer(slots_[i].buffer.data.get(), slots_[i].buffer.capacity);
    }
    void remove_buffers() {
        if constexpr (requires { io_->add_buffer(nullptr, 0); })
            for (std::size_t i = 0; i < slot_count_; ++i)
                if (slots_[i].number >= 0)
                    io_->remove_buffer(slots_[i].number, slots_[i].buffer.capacity);
    }

    /// The chunk handed out last is no longer looked at: its buffer is free, its file closed if
    /// that was the end.
    void release() {
        delivered_ = false;
        if (!ended_) {
            clear(ahead(0));
            head_ = (head_ + 1) % slot_count_;
            return;
        }
        drop_slots();
        if (!input_.fd.owned() && !input_.stream)
            ::lseek(input_.fd.fd(), static_cast<off_t>(deliver_offset_), SEEK_SET);
        input_ = {};
    }
    void clear(slot& s) {
        s.filled = 0;
        s.asked = s.ended = s.known = false;
    }
    void drop_slots() {
        for (std::size_t i = 0; i < slot_count_; ++i) {
            if (slots_[i].request.pending) io_->cancel(slots_[i].request);
            clear(slots_[i]);
        }
    }

    /// With a broken ring a buffer is given up rather than freed under the kernel's hands.
    void drop_slots_for_good() noexcept {
        try {
            drop_slots();
            remove_buffers();
        } catch (...) {
            for (std::size_t i = 0; i < slot_count_; ++i)
                if (slots_[i].request.pending) static_cast<void>(slots_[i].buffer.data.release());
        }
    }

    void ask(slot& s, std::uint64_t offset) {
        std::size_t const room = s.buffer.capacity - s.filled;
        s.request = {.data = s.buffer.data.get() + s.filled,
                     .offset = offset,
                     .bytes = static_cast<std::uint32_t>(room),
                     .fd = input_.fd.fd(),
                     .buffer = s.number,
                     .verb = io_verb::read};
        s.asked = true;
        s.known = false;
        io_->submit(s.request);
    }

    /// Counts in what the slot's request brought; submits it again where that is what its result
    /// asks for. False if it isn't back and `Block` doesn't say to wait.
    template <bool Block>
    bool settle(slot& s) {
        while (!s.known) {
            if constexpr (Block)
                io_->wait(s.request);
            else if (!is_ready(s.request))
                return false;
            int const result = s.request.result;
            if (result >= 0) {
                s.known = true;
                s.filled += static_cast<std::size_t>(result);
                s.ended = result == 0;
                if (s.filled < s.buffer.capacity) input_.use_page_cache();
            } else if (input_.direct && result == -EINVAL) {
                input_.use_page_cache();
                io_->submit(s.request);
            } else {
                if (!detail::ask_again(s.request)) detail::fail_reading(name(), -result);
                io_->submit(s.request);
            }
        }
        return true;
    }
    bool is_ready(io_request& request) {
        if constexpr (requires { io_->ready(request); })
            return io_->ready(request);
        else
            io_->wait(request);
        return true;
    }

    std::string_view name() const { return stretches_[next_ - 1].name; }

    // ---- files: several reads in flight at known offsets ----

    /// Asks for whole buffers up to the size that is known; behind it, one at a time, to find the
    /// end. One call of the kernel for half of the buffers: the others are being read meanwhile,
    /// and from the page cache a call for each costs a tenth of the rate.
    void ask_ahead(std::size_t at_least) {
        for (std::size_t i = 0; i < slot_count_; ++i) {
            slot& s = ahead(i);
            if (s.asked) continue;
            if (i >= at_least && ask_offset_ >= input_.size) break;
            ask(s, ask_offset_);
            ask_offset_ += s.buffer.capacity;
            ++unsent_;
        }
        if (unsent_ * 2 < slot_count_) return;
        io_->flush();
        unsent_ = 0;
    }

    /// Reads on until the buffer is full or the end is found: a short read alone is no end.
    template <bool Block>
    bool fill(slot& s, std::uint64_t offset) {
        for (;;) {
            if (!settle<Block>(s)) return false;
            if (s.ended || s.filled == s.buffer.capacity) return true;
            ask(s, offset + s.filled);
            io_->flush();
        }
    }

    /// The head is full or the file's last; whether it is that, the read behind it tells.
    template <bool Block>
    bool file_is_there() {
        ask_ahead(1);
        slot& s = ahead(0);
        if (!fill<Block>(s, deliver_offset_)) return false;
        std::uint64_t const end = deliver_offset_ + s.filled;
        ended_ = s.ended;
        if (ended_ || end < input_.size) return true;
        ask_ahead(2);
        slot& behind = ahead(1);
        if (!settle<Block>(behind)) return false;
        ended_ = behind.filled == 0;
        if (!ended_ && behind.filled < behind.buffer.capacity && !behind.ended)
            ask(behind, end + behind.filled);
        return true;
    }

    // ---- pipes and terminals: one read at a time, the next one asked for before this one is
    // handed out ----

    template <bool Block>
    bool stream_is_there() {
        slot& s = ahead(0);
        if (!s.asked) {
            ask(s, at_position);
            io_->flush();
        }
        if (!settle<Block>(s)) return false;
        ended_ = s.filled == 0;
        if (!ended_ && !ahead(1).asked) {
            ask(ahead(1), at_position);
            io_->flush();
        }
        return true;
    }

    engine_handle<Engine> io_;
    std::vector<detail::file_stretch> stretches_;
    std::size_t next_ = 0;
    detail::input_file input_;
    std::uint64_t ask_offset_ = 0;      ///< where the next buffer will be read
    std::uint64_t deliver_offset_ = 0;  ///< the end of what was handed out
    std::size_t slot_count_;
    std::size_t head_ = 0;
    std::size_t unsent_ = 0;  ///< requests that the kernel may not have seen yet
    std::unique_ptr<slot[]> slots_;
    source_progress progress_;
    bool total_known_ = true;
    bool direct_ = false;
    bool registered_ = false;
    bool delivered_ = false;
    bool ended_ = false;
};

using file_source = basic_file_source<io_engine>;

}  // namespace millrace
