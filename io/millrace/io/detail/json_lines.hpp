// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Chunks of bytes to lines. A line that is cut by the end of a chunk is carried over; nothing else
// is copied.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include <millrace/io/detail/format_memory.hpp>
#include <millrace/model/bytes.hpp>

namespace millrace::detail {

/// Not a template: it knows no record. A reader may look at the bytes from `at()` itself and
/// `advance` over lines, or have the line cut for it by `cut`.
class line_reader {
public:
    enum class found : std::uint8_t {
        line,
        starved,   ///< feed the next chunk
        too_long,  ///< `line()` is the beginning of a line longer than the limit
    };

    explicit line_reader(std::size_t line_max) : line_max_(line_max) {}

    void feed(chunk const& c) {
        if (file_ended_) {
            file_ended_ = skipping_ = false;
            order_mark_ = 0;
            number_ = 1;
        }
        next_ = c.data.data();
        end_ = next_ + c.data.size();
        last_ = c.last;
        fed_ = true;
    }

    /// All that was fed is behind us but this many bytes, with which a line begins. Not known where
    /// one is skipped, and before all is taken.
    [[nodiscard]] std::size_t cut_bytes() const {
        bool const known = !fed_ && at_ == stop_ && !skipping_ && !broken_ && order_mark_ == 3;
        return known ? carry_[carry_in_use_].size() : cut_unknown;
    }
    /// Forgets what was fed. What is fed next begins a file, or a line: the first that is read.
    void begin(bool with_a_file) {
        fed_ = file_ended_ = skipping_ = broken_ = false;
        at_ = stop_ = sentinel_ = nullptr;
        carry().clear();
        number_ = 1;
        order_mark_ = with_a_file ? 0 : 3;
    }
    /// Others have read so many.
    void skip(std::uint64_t lines) { number_ += lines; }

    /// Makes `at()` the beginning of a line, complete or not. False: feed the next chunk.
    bool ready() {
        while (at_ == stop_)
            if (!fed_ || !open_next()) return false;
        return true;
    }
    [[nodiscard]] char const* at() const { return at_; }
    /// Behind the line at `at()` stands a line end, and `slack` readable bytes behind that.
    [[nodiscard]] bool sentinel_ahead() const { return at_ < sentinel_; }
    [[nodiscard]] std::uint64_t number() const {
        return number_;
    }  ///< of the line at `at()`, from 1
    [[nodiscard]] std::string_view line() const { return line_; }

    /// The line ended before `behind`.
    void advance(char const* behind) {
        at_ = behind;
        ++number_;
    }

    /// Cuts the line at `at()` and stands behind it. Requires `ready()`.
    found cut() {
        auto const size = static_cast<std::size_t>(stop_ - at_);
        auto const* end = static_cast<char const*>(std::memchr(at_, '\n', size));
        if (end == nullptr && !final_) {
            carry().append({at_, size});
            at_ = stop_;
            if (size > line_max_ + 1) return break_carried();
            return found::starved;
        }
        char const* const behind = end == nullptr ? stop_ : end + 1;
        line_ = {at_, static_cast<std::size_t>((end == nullptr ? stop_ : end) - at_)};
        if (line_.ends_with('\r')) line_.remove_suffix(1);
        advance(behind);
        if (line_.size() <= line_max_) [[likely]]
            return found::line;
        line_ = line_.substr(0, line_max_);
        return found::too_long;
    }

    /// A carried line outgrew the limit while no reader looked: to be told once.
    [[nodiscard]] bool take_broken() { return std::exchange(broken_, false); }

private:
    format_buffer& carry() { return carry_[carry_in_use_]; }

    found break_carried() {
        line_ = carry().view().substr(0, line_max_);
        carry_in_use_ ^= 1;
        carry().clear();
        skipping_ = true;
        ++number_;
        return found::too_long;
    }

    bool end_chunk() {
        fed_ = false;
        file_ended_ = last_;
        return false;
    }

    void open(char const* begin, char const* end, char const* readable) {
        at_ = begin;
        stop_ = end;
        final_ = last_ && next_ == end_;
        auto const last_start =
            readable - begin - static_cast<std::ptrdiff_t>(format_buffer::slack);
        std::string_view const safe{begin, static_cast<std::size_t>(std::clamp(
                                               last_start, std::ptrdiff_t{0}, end - begin))};
        auto const newline = safe.rfind('\n');
        sentinel_ = newline == std::string_view::npos ? begin : begin + newline;
    }

    bool open_next() {
        if (order_mark_ != 3) skip_order_mark();
        auto const* line_end = next_ == end_
                                   ? nullptr
                                   : static_cast<char const*>(std::memchr(
                                         next_, '\n', static_cast<std::size_t>(end_ - next_)));
        char const* const behind = line_end == nullptr ? end_ : line_end + 1;
        if (skipping_) {
            skipping_ = line_end == nullptr;
            next_ = behind;
            return next_ != end_ || end_chunk();
        }
        if (carry().empty()) {
            if (next_ == end_) return end_chunk();
            char const* const begin = next_;
            next_ = end_;
            open(begin, end_, end_);
            return true;
        }
        carry().append({next_, static_cast<std::size_t>(behind - next_)});
        next_ = behind;
        if (line_end == nullptr && carry().size() > line_max_ + 1) {
            break_carried();
            broken_ = true;
            return end_chunk();
        }
        if (line_end == nullptr && !last_) return end_chunk();
        format_buffer const& line = carry();
        carry_in_use_ ^=
            1;  // the next cut line goes elsewhere: this one is looked at until the next chunk
        carry().clear();
        open(line.data(), line.data() + line.size(),
             line.data() + line.size() + format_buffer::slack);
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
        if (order_mark_ != 0) carry().append({mark, order_mark_});  // it was none
        order_mark_ = 3;
    }

    std::size_t line_max_;
    char const* next_ = nullptr;  ///< what was fed and not opened
    char const* end_ = nullptr;
    bool last_ = false;
    bool fed_ = false;
    bool file_ended_ = false;
    bool skipping_ = false;
    bool broken_ = false;
    bool final_ = false;
    unsigned order_mark_ = 0;

    char const* at_ = nullptr;  ///< what is open
    char const* stop_ = nullptr;
    char const* sentinel_ = nullptr;
    std::uint64_t number_ = 1;
    std::string_view line_;
    format_buffer carry_[2];
    unsigned carry_in_use_ = 0;
};

}  // namespace millrace::detail
