// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Chunks of bytes to rows of CSV: an index of a window of the input, from which any field of a row
// is found at once. A row that is cut by the end of a chunk is carried over; nothing else is
// copied.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include <millrace/io/detail/csv_scan.hpp>
#include <millrace/io/detail/format_memory.hpp>
#include <millrace/model/bytes.hpp>

namespace millrace::detail {

/// A row of the index. Field `i` is [begin_of(i), end_of(i)); a quoted one still has its quotes.
struct csv_row {
    char const* base;
    std::uint32_t const* ends;  ///< ends[-1] + 1 is where the row begins
    std::uint32_t fields;
    std::uint32_t end;  ///< without the line end
    std::uint64_t line;
    char const* readable;  ///< memory may be read up to here

    [[nodiscard]] std::uint32_t start() const { return ends[-1] + 1; }
    [[nodiscard]] char const* begin_of(std::size_t i) const {
        return base + std::uint32_t{ends[static_cast<std::ptrdiff_t>(i) - 1] + 1};
    }
    [[nodiscard]] char const* end_of(std::size_t i) const { return base + std::min(ends[i], end); }
    [[nodiscard]] std::size_t size() const { return end - start(); }
    [[nodiscard]] std::string_view original() const { return {base + start(), size()}; }
};

/// Splits what is fed into rows. Not a template: it knows no record.
class csv_rows {
public:
    enum class found : std::uint8_t {
        rows,      ///< `take` gives the next one
        starved,   ///< feed the next chunk
        too_long,  ///< `broken` is the beginning of a row longer than the limit
        unclosed,  ///< `broken` begins a quote that is never closed; the rest of the file is not
                   ///< read
    };
    struct broken_row {
        std::string_view original;
        std::uint64_t line = 0;
    };

    csv_rows(char separator, std::size_t row_max) : separator_(separator), row_max_(row_max) {}

    void feed(chunk const& c) {
        if (file_ended_) begin_file();
        next_ = c.data.data();
        end_ = next_ + c.data.size();
        last_ = c.last;
        fed_ = true;
        name_ = c.name;
    }

    [[nodiscard]] bool ready() const { return row_ != index_.row_count; }
    [[nodiscard]] std::string_view file() const { return name_; }
    [[nodiscard]] broken_row const& broken() const { return broken_; }
    [[nodiscard]] std::size_t row_max() const { return row_max_; }
    /// True until it was asked: no row of this file was taken yet.
    [[nodiscard]] bool begins_file() { return std::exchange(first_row_, false); }

    /// The next row. Requires `ready()`.
    [[nodiscard]] csv_row take() {
        std::uint32_t const last = index_.row_ends[row_++];
        csv_row out{base_,    index_.ends + first_, last - first_ + 1, index_.ends[last], line_,
                    readable_};
        first_ = last + 1;
        if (out.end > out.start() && base_[out.end - 1] == '\r') --out.end;
        ++line_;
        if (index_.embedded) [[unlikely]]
            line_ += newlines_in(out.original());
        return out;
    }

    /// How many fields the next row has. Requires `ready()`.
    [[nodiscard]] std::uint32_t fields_ahead() const { return index_.row_ends[row_] - first_ + 1; }

    /// Is the next row longer than the limit? Requires `ready()`.
    [[nodiscard]] bool too_long_ahead() const {
        std::uint32_t const begin = index_.ends[first_ - 1] + 1;
        std::uint32_t const end = index_.ends[index_.row_ends[row_]];
        return end - begin - (end != begin && base_[end - 1] == '\r') > row_max_;
    }
    /// The row that was asked about did not begin the file after all.
    void begin_with_next() { first_row_ = true; }

    /// All that was fed is behind us but this many bytes, with which a row begins. Not known in
    /// front of a file's first row, where a row is skipped, and before all is taken.
    [[nodiscard]] std::size_t cut_bytes() const {
        bool const known =
            !fed_ && !in_segment_ && !skipping_ && !stopped_ && !first_row_ && order_mark_ == 3;
        return known ? carry_[carry_in_use_].size() : cut_unknown;
    }
    [[nodiscard]] bool first_row_ahead() const { return first_row_; }
    /// Forgets what was fed. What is fed next begins a file, or a row: line 1 of what is read.
    void begin(bool with_a_file) {
        fed_ = in_segment_ = skipping_ = stopped_ = false;
        row_ = index_.row_count;
        carry().clear();
        begin_file();
        if (with_a_file) return;
        first_row_ = false;
        order_mark_ = 3;
    }
    /// Of the next row, from 1.
    [[nodiscard]] std::uint64_t line() const { return line_; }
    /// Others have read so many.
    void skip_lines(std::uint64_t count) { line_ += count; }

    /// Looks for more rows. Requires `!ready()`.
    found refill() {
        auto what = found::starved;
        while (in_segment_ ? !scan(what) : fed_ && !open_next(what)) {
        }
        return what;
    }

    /// What is wrong with a row that was taken and is longer than the limit: a quote still open
    /// there ends the file.
    found judge_long(csv_row const& row) { return judge(row.base + row.start(), row.line); }

private:
    static constexpr std::size_t window_bytes = 16 * 1024;
    static constexpr std::size_t index_slack = 64;

    static std::uint64_t newlines_in(std::string_view text) {
        return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    }
    format_buffer& carry() { return carry_[carry_in_use_]; }

    void begin_file() {
        file_ended_ = stopped_ = skipping_ = false;
        first_row_ = true;
        order_mark_ = 0;
        line_ = 1;
        cursor_ = {};
    }

    /// Opens what is to be scanned next: the cut row, or else what was fed. True: stop, `what` has
    /// the answer.
    bool open_next(found& what) {
        if (order_mark_ != 3) skip_order_mark();
        if (stopped_) next_ = end_;
        if (skipping_) skip_row();
        if (!carry().empty()) return open_carried(what);
        if (next_ == end_) return end_chunk();
        open_segment(next_, end_, end_, last_);
        next_ = end_;
        return false;
    }

    bool end_chunk() {
        fed_ = false;
        file_ended_ = last_;
        return true;
    }

    /// Takes a UTF-8 byte order mark off the beginning of a file, wherever it is cut.
    void skip_order_mark() {
        static constexpr char mark[] = {'\xEF', '\xBB', '\xBF'};
        while (order_mark_ < 3 && next_ != end_ && *next_ == mark[order_mark_]) {
            ++next_;
            ++order_mark_;
        }
        if (order_mark_ == 3 || (next_ == end_ && !last_)) return;
        if (order_mark_ != 0) {  // it was none
            carry().append({mark, order_mark_});
            cursor_.at = csv_cursor::place::unquoted;
        }
        order_mark_ = 3;
    }

    /// Goes to the end of a row that was too long.
    void skip_row() {
        char const* const row_end = cursor_.find_row_end(next_, end_, separator_);
        skipping_ = row_end == end_;
        next_ = skipping_ ? end_ : row_end + 1;
        if (skipping_) return;
        line_ += cursor_.newlines;
        cursor_ = {};
    }

    /// Completes the cut row from what was fed, as far as that goes.
    bool open_carried(found& what) {
        char const* const row_end = cursor_.find_row_end(next_, end_, separator_);
        bool const complete = row_end != end_;
        char const* const behind = complete ? row_end + 1 : end_;
        carry().append({next_, static_cast<std::size_t>(behind - next_)});
        next_ = behind;
        bool const too_long = !complete && carry().size() > row_max_ + 1;
        if (!complete && !too_long && !last_) return end_chunk();
        format_buffer const& row = carry();
        carry_in_use_ ^=
            1;  // the next cut row goes elsewhere: this one is looked at until the next chunk
        carry().clear();
        if (too_long) {
            what = judge(row.data(), line_);
            skipping_ = what == found::too_long;  // `cursor_` is where the chunk ends
            return true;
        }
        cursor_ = {};
        char const* const end = row.data() + row.size();
        open_segment(row.data(), end, end + format_buffer::slack, last_ && next_ == end_);
        return false;
    }

    void open_segment(char const* begin, char const* end, char const* readable, bool final) {
        base_ = scan_ = begin;
        stop_ = end;
        readable_ = readable;
        final_ = final;
        in_segment_ = true;
        index_.end_count = first_ = 1;
        index_.row_count = row_ = 0;
        index_.quoting = {};
        index_.embedded = false;
        reserve(0);
        index_.ends[0] = 0xFFFFFFFF;  // + 1 is the beginning of the first row
    }

    /// Indexes until there is a row. True: stop, `what` has the answer.
    bool scan(found& what) {
        rebase();
        while (scan_ != stop_) {
            index_window(std::min(static_cast<std::size_t>(stop_ - scan_), window_bytes));
            if (index_.row_count != 0) {
                what = found::rows;
                return true;
            }
            if (static_cast<std::size_t>(scan_ - base_) > row_max_ + 1) {
                what = judge(base_, line_);
                if (what == found::too_long) skip_from_here();
                return true;
            }
        }
        in_segment_ = false;
        return scan_ != base_ && end_segment(what);
    }

    /// The segment ends in the middle of a row.
    bool end_segment(found& what) {
        auto const size = static_cast<std::size_t>(stop_ - base_);
        cursor_ = {};
        cursor_.find_row_end(base_, stop_, separator_);
        if (!final_) {
            carry().append({base_, size});
            return false;
        }
        bool const unclosed = cursor_.at == csv_cursor::place::quoted;
        cursor_ = {};
        if (unclosed) {
            broken_ = {{base_, std::min(size, row_max_)}, line_};
            what = size > row_max_ + 1 ? judge(base_, line_) : found::unclosed;
            return true;
        }
        reserve(0);
        index_.row_ends[index_.row_count++] = static_cast<std::uint32_t>(index_.end_count);
        index_.ends[index_.end_count++] = static_cast<std::uint32_t>(size);
        what = found::rows;
        return true;
    }

    /// Forgets the rows that were taken, so that the window begins with the first that was not.
    void rebase() {
        std::uint32_t const taken = index_.ends[first_ - 1] + 1;
        std::size_t const left = index_.end_count - first_;
        for (std::size_t i = 0; i < left; ++i) index_.ends[1 + i] = index_.ends[first_ + i] - taken;
        base_ += taken;
        index_.ends[0] = 0xFFFFFFFF;
        index_.end_count = 1 + left;
        index_.row_count = row_ = 0;
        index_.embedded = index_.embedded && scan_ != base_;
        first_ = 1;
    }

    void index_window(std::size_t size) {
        reserve(size);
        auto offset = static_cast<std::uint32_t>(scan_ - base_);
        std::size_t const blocks = size / 64, rest = size % 64;
        if (blocks != 0) csv_index_blocks(scan_, blocks, separator_, offset, index_);
        if (rest != 0) {  // the end of the segment
            char block[64];
            std::memset(block, separator_ == 'x' ? 'y' : 'x', sizeof block);
            std::memcpy(block, scan_ + blocks * 64, rest);
            csv_index_blocks(block, 1, separator_, offset + static_cast<std::uint32_t>(blocks * 64),
                             index_);
        }
        scan_ += size;
    }

    /// Room in the index for `size` more bytes.
    void reserve(std::size_t size) {
        std::size_t const wanted = index_.end_count + size + index_slack;
        if (wanted <= capacity_) [[likely]]
            return;
        capacity_ = std::max(wanted, std::max(window_bytes * 2, capacity_ * 2));
        auto ends = std::make_unique_for_overwrite<std::uint32_t[]>(capacity_);
        if (ends_) std::copy_n(index_.ends, index_.end_count, ends.get());
        row_ends_ = std::make_unique_for_overwrite<std::uint32_t[]>(capacity_);
        ends_ = std::move(ends);
        index_.ends = ends_.get();
        index_.row_ends = row_ends_.get();
    }

    /// The row at `begin` has more bytes than the limit: what of it can be told from the bytes
    /// within?
    found judge(char const* begin, std::uint64_t line) {
        csv_cursor cursor;
        cursor.find_row_end(begin, begin + row_max_, separator_);
        broken_ = {{begin, row_max_}, line};
        if (cursor.at != csv_cursor::place::quoted) return found::too_long;
        stopped_ = true;  // nothing more is read of this file
        in_segment_ = skipping_ = false;
        row_ = index_.row_count;
        next_ = end_;
        carry().clear();
        return found::unclosed;
    }

    /// Goes on behind the row at `base_`, in this segment or in the next chunk.
    void skip_from_here() {
        cursor_ = {};
        char const* const row_end = cursor_.find_row_end(base_, stop_, separator_);
        if (row_end == stop_) {
            in_segment_ = false;
            skipping_ = true;
            return;
        }
        line_ += cursor_.newlines;
        cursor_ = {};
        open_segment(row_end + 1, stop_, readable_, final_);
    }

    char separator_;
    std::size_t row_max_;

    // what was fed
    char const* next_ = nullptr;
    char const* end_ = nullptr;
    std::string_view name_;
    bool last_ = false;
    bool fed_ = false;

    // where we are in the file
    bool file_ended_ = false;
    bool first_row_ = true;
    bool stopped_ = false;
    bool skipping_ = false;
    unsigned order_mark_ = 0;  ///< bytes of it seen; 3 when it is behind us
    std::uint64_t line_ = 1;   ///< of the next row
    csv_cursor cursor_;        ///< in the row that is cut or skipped
    format_buffer carry_[2];
    unsigned carry_in_use_ = 0;
    broken_row broken_;

    // what is scanned
    bool in_segment_ = false;
    bool final_ = false;  ///< the file ends with the segment
    char const* base_ = nullptr;
    char const* scan_ = nullptr;
    char const* stop_ = nullptr;
    char const* readable_ = nullptr;
    csv_index index_{};
    std::uint32_t first_ = 1;  ///< ordinal of the next row's first end
    std::size_t row_ = 0;
    std::size_t capacity_ = 0;
    std::unique_ptr<std::uint32_t[]> ends_;
    std::unique_ptr<std::uint32_t[]> row_ends_;
};

}  // namespace millrace::detail
