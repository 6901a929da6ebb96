// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// One file parsed on all partitions and still one input (SEMANTICS 10): each partition parses
// blocks ahead, the one that has the input takes them in their order.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/io/ask_again.hpp>
#include <millrace/io/detail/format_memory.hpp>
#include <millrace/io/file_blocks.hpp>
#include <millrace/io/file_options.hpp>
#include <millrace/io/input_file.hpp>
#include <millrace/io/io_failure.hpp>
#include <millrace/io/page_buffer.hpp>
#include <millrace/io/parsed_block.hpp>
#include <millrace/io/request.hpp>
#include <millrace/io/service_of.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/failure.hpp>

namespace millrace {

/// What the taker of blocks finds.
enum class block_step : unsigned char {
    fed,      ///< bytes to be parsed in order
    records,  ///< records: `take` gives them
    idle,     ///< the next block isn't parsed yet
    ended,
};

/// A worker on each partition, and on partition 0 the taker.
///
/// The worker of a block takes it that a row begins behind its first line end, and parses from
/// there to the last row that is whole. The taker's parser reads what lies between, in order: the
/// end of one block and the beginning of the next. If it then stands between two rows, the worker
/// was right, and its records follow. If it doesn't (that line end stood inside quotes) the taker's
/// parser reads the whole block itself. So what comes out is what one parser would have made, in
/// its order, with its numbers of lines, whatever the bytes.
///
/// `Engine` reads; `Env` tells the partitions and wakes them; `Traced`: original rows are shown.
template <class Record, class Parser, class Env, class OpenEngine, bool Traced>
class block_parser {
    using block = detail::parsed_block<Record>;
    using board = detail::block_board<Record>;
    using engine_type = decltype(std::declval<OpenEngine&>()(std::declval<Env&>()));

public:
    /// Small files, pipes and terminals are read as if this was not here.
    block_parser(std::vector<std::string> const& names, file_options const& options, Parser parser,
                 Env& env, OpenEngine open)
        : env_(env), parser_(std::move(parser)), open_(open) {
        std::size_t const bytes = detail::read_bytes_of(options);
        if (env.partition() != 0 || !pays(names, bytes)) return;
        board_ = std::make_shared<board>(names, bytes, options.direct,
                                         std::size_t{env.partitions()} * depth);
        begin();
    }
    block_parser(block_parser const&) = delete;
    block_parser& operator=(block_parser const&) = delete;

    [[nodiscard]] bool active() const { return board_ != nullptr; }
    /// On the thread of this one's core: works for what partition 0 has opened.
    void join(block_parser& other) {
        if (board_ || !other.board_ || other.env_.partition() != 0) return;
        board_ = other.board_;
        begin();
    }
    void stop() { stopped_ = true; }
    /// Has it nothing to do any more?
    [[nodiscard]] bool done() const {
        if (!board_ || stopped_) return true;
        if (!exhausted_) return false;
        for (std::size_t i = 0; i < depth; ++i)
            if (slots_[i].out.busy.load(std::memory_order_acquire)) return false;
        return true;
    }

    // --- the worker ---

    /// Asks for what may be read; with `parses`, turns up to `n` rows into records. True if it did
    /// anything.
    bool work(std::size_t n, bool parses) {
        if (!board_ || stopped_) return false;
        bool const asked = claim();
        return (parses && parse_some(n)) || asked;
    }

    // --- the taker ---

    /// Goes on to what comes next, and feeds `parser` with it where that is bytes. `bytes`: of a
    /// block that begins.
    template <class P>
    [[nodiscard]] block_step step(P& parser, std::size_t& bytes) {
        bytes = 0;
        for (;;) {
            switch (at_) {
                case place::nowhere:
                    taken_ = board_->take(next_);
                    if (taken_ == nullptr)
                        return next_ == board_->blocks.total() ? block_step::ended
                                                               : block_step::idle;
                    ++next_;
                    bytes = taken_->data.size();
                    feed(parser, 0, taken_->head);
                    at_ = place::head;
                    return block_step::fed;
                case place::head:
                    if (taken_->head == taken_->data.size()) {
                        give_back();
                    } else if (!parser.between_rows()) {
                        feed(parser, taken_->head, taken_->data.size());
                        at_ = place::rest;
                        return block_step::fed;
                    } else {
                        lines_before_ = parser.line() - 1;
                        record_ = bad_ = 0;
                        at_ = place::records;
                    }
                    break;
                case place::records:
                    if (record_ < taken_->records.size() || bad_ < taken_->bad.size())
                        return block_step::records;
                    parser.skip_lines(taken_->lines);
                    at_ = place::rest;
                    if (taken_->rest == taken_->data.size() && !taken_->place.last) break;
                    feed(parser, taken_->rest, taken_->data.size());
                    return block_step::fed;
                case place::rest:
                    give_back();
                    break;
            }
        }
    }
    /// Emits up to `n` records and bad rows of the block, in order; how many.
    template <class Emit>
    [[gnu::always_inline]] inline std::size_t take(std::size_t n, Emit& emit) {
        block& b = *taken_;
        std::size_t left = n;
        while (left > 0) {
            bool const bad_ahead = bad_ < b.bad.size();
            if (bad_ahead && b.bad[bad_].before == record_) {
                auto const& row = b.bad[bad_++];
                emit.bad(row.reason, row.at.original, row.at.line + lines_before_);
                --left;
                continue;
            }
            std::size_t const end = bad_ahead ? b.bad[bad_].before : b.records.size();
            std::size_t const stop = std::min(end, record_ + left);
            if (stop == record_) break;
            left -= stop - record_;
            while (record_ != stop) {
                std::size_t const i = record_++;
                // They lie in another core's cache.
                if (i + ahead < b.records.size()) __builtin_prefetch(&b.records[i + ahead]);
                if constexpr (Traced)
                    emit(std::move(b.records[i]), b.rows[i].original,
                         b.rows[i].line + lines_before_);
                else
                    emit(std::move(b.records[i]), {}, 0);
            }
        }
        return n - left;
    }

private:
    static constexpr std::size_t depth = 4;         // blocks of each partition in flight
    static constexpr std::size_t unparsed_max = 2;  // of these, claimed ahead
    static constexpr std::size_t ahead = 16;        // records that are fetched before their turn

    struct slot {
        detail::page_buffer buffer;
        io_request request;
        std::int16_t number = -1;  ///< of the registered buffer
        std::size_t filled = 0;
        bool begun = false;  ///< its parsing
        block out;
    };
    enum class place : unsigned char { nowhere, head, records, rest };

    /// Is all of it in regular files, and enough for several blocks?
    static bool pays(std::vector<std::string> const& names, std::size_t block_bytes) {
        std::uint64_t sum = 0;
        for (std::string const& name : names) {
            if (detail::is_standard_input(name)) return false;
            std::uint64_t const bytes = detail::check_input(name);
            if (bytes == detail::unknown_size) return false;
            sum += bytes;
        }
        return sum >= block_bytes * depth;
    }
    void begin() {
        slots_ = std::make_unique<slot[]>(depth);
        for (std::size_t i = 0; i < depth; ++i) slots_[i].out.partition = env_.partition();
        engine_ = open_(env_);
    }
    slot& slot_of(std::uint64_t nth) { return slots_[nth % depth]; }

    bool claim() {
        bool did = false;
        while (!exhausted_ && claimed_ - parsed_ < unparsed_max
               && !slot_of(claimed_).out.busy.load(std::memory_order_acquire)) {
            slot& s = slot_of(claimed_);
            did = true;
            if (!board_->blocks.claim(s.out.place)) {
                exhausted_ = true;
                env_.published_to(0);  // the taker may wait for nothing
                break;
            }
            s.out.busy.store(true, std::memory_order_relaxed);
            if (s.buffer.capacity == 0) open_buffer(s);
            s.filled = 0;
            s.begun = false;
            ask(s);
            ++claimed_;
        }
        if (did) engine_->flush();
        return did;
    }
    void open_buffer(slot& s) {
        s.buffer = detail::page_buffer(board_->blocks.block_bytes());
        if constexpr (requires { engine_->add_buffer(nullptr, 0); })
            s.number = engine_->add_buffer(s.buffer.data.get(), s.buffer.capacity);
    }
    void ask(slot& s) {
        auto const& from = s.out.place;
        if (s.filled == from.bytes) return;  // an empty file
        s.request = {.data = s.buffer.data.get() + s.filled,
                     .offset = from.offset + s.filled,
                     .bytes = static_cast<std::uint32_t>(s.buffer.capacity - s.filled),
                     .fd = from.file->input.fd.fd(),
                     .buffer = s.number,
                     .verb = io_verb::read};
        engine_->submit(s.request);
    }
    /// Has the kernel brought all of it? Asks for what is missing.
    bool is_read(slot& s) {
        auto const& from = s.out.place;
        while (s.filled < from.bytes) {
            if (!engine_->ready(s.request)) return false;
            int const result = s.request.result;
            if (result == 0)
                detail::fail_shrunk(from.file->name, from.offset + s.filled,
                                    from.offset + from.bytes);
            if (result == -EINVAL && from.file->input.direct)
                detail::use_page_cache(from.file->input.fd.fd());
            else if (result < 0 && !detail::ask_again(s.request))
                detail::fail_reading(from.file->name, -result);
            if (result > 0) s.filled += static_cast<std::size_t>(result);
            if (s.filled < from.bytes) {
                ask(s);
                engine_->flush();
            }
        }
        return true;
    }

    bool parse_some(std::size_t n) {
        if (parsed_ == claimed_) return false;
        slot& s = slot_of(parsed_);
        if (!s.begun) {
            if (!is_read(s)) return false;
            begin_block(s);
        }
        if (s.out.head < s.out.data.size()) {
            if (parser_.parse(n, into{s.out}) == n) return true;
            std::size_t const cut = parser_.cut_bytes();
            if (cut == detail::cut_unknown) {
                s.out.forget();
            } else {
                s.out.rest = s.out.data.size() - cut;
                s.out.lines = parser_.line() - 1;
            }
        }
        ++parsed_;
        board_->put(s.out);
        env_.published_to(0);
        return true;
    }
    void begin_block(slot& s) {
        block& b = s.out;
        s.begun = true;
        b.data = {s.buffer.data.get(), b.place.bytes};
        b.forget();
        if (!knows(b.place.file)) return;
        std::size_t const line_end = b.data.find('\n');
        if (line_end == std::string_view::npos) return;
        b.head = line_end + 1;
        parser_.begin_row();
        parser_.feed({b.data.substr(b.head), b.place.file->name, false});
    }
    /// Does the parser know the columns of this file? Whatever is wrong with its first row, the
    /// taker will say it.
    bool knows(std::shared_ptr<detail::block_file> const& file) {
        if (file == file_) return known_;
        file_ = file;
        try {
            known_ = parser_.begin_inside(
                {file->beginning, file->name, file->beginning.size() < detail::beginning_bytes});
        } catch (failure const&) {
            known_ = false;
        }
        return known_;
    }
    /// What the worker's parser emits into.
    struct into {
        block& out;
        void operator()(Record&& record, std::string_view original, std::uint64_t line) const {
            out.records.push_back(std::move(record));
            if constexpr (Traced) out.rows.push_back({original, line});
        }
        void bad(std::string_view reason, std::string_view original, std::uint64_t line) const {
            out.bad.push_back({{original, line}, out.records.size(), std::string(reason)});
        }
    };

    template <class P>
    void feed(P& parser, std::size_t from, std::size_t to) const {
        bool const last = taken_->place.last && to == taken_->data.size();
        parser.feed({taken_->data.substr(from, to - from), taken_->place.file->name, last});
    }
    void give_back() {
        at_ = place::nowhere;
        unsigned const owner = taken_->partition;
        taken_->busy.store(false, std::memory_order_release);
        taken_ = nullptr;
        env_.published_to(owner);
    }

    Env& env_;
    Parser parser_;
    OpenEngine open_;
    std::shared_ptr<board> board_;
    std::unique_ptr<slot[]> slots_;
    engine_type engine_{};  // lets go of the buffers before they do
    std::uint64_t claimed_ = 0;
    std::uint64_t parsed_ = 0;
    bool exhausted_ = false;
    bool stopped_ = false;
    std::shared_ptr<detail::block_file> file_;
    bool known_ = false;

    block* taken_ = nullptr;
    place at_ = place::nowhere;
    std::uint64_t next_ = 0;
    std::uint64_t lines_before_ = 0;
    std::size_t record_ = 0;
    std::size_t bad_ = 0;
};

}  // namespace millrace
