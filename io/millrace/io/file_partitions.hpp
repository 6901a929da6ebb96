// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The source behind `file(name, partitions{n})` on one partition: its inputs, one after the other,
// each a stretch of whole rows.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/io/file_source.hpp>
#include <millrace/io/input_file.hpp>
#include <millrace/io/partitions.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/failure.hpp>
#include <millrace/model/live.hpp>

namespace millrace {
namespace detail {

/// The part of a file that is one input: the rows that begin in [begin, end). A row begins at 0 and
/// behind each line end.
struct file_part {
    std::string name;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool last = false;   ///< it goes to the end of the file, wherever that is by then
    unsigned input = 0;  ///< several files: part k of each is input k
};

/// Where part k of n begins in a file of `size` bytes.
constexpr std::uint64_t part_begin(std::uint64_t size, unsigned k, unsigned n) {
    return size / n * k + size % n * k / n;
}

/// What partition `mine` of `all` reads, in the order in which it does.
inline std::vector<file_part> parts_of(std::vector<std::string> const& names,
                                       std::vector<std::uint64_t> const& sizes, unsigned inputs,
                                       unsigned mine, unsigned all) {
    std::vector<file_part> out;
    for (unsigned k = mine; k < inputs; k += all)
        for (std::size_t f = 0; f < names.size(); ++f) {
            std::uint64_t const begin = part_begin(sizes[f], k, inputs);
            std::uint64_t const end = part_begin(sizes[f], k + 1, inputs);
            bool const last = k + 1 == inputs;
            if (begin < end || last) out.push_back({names[f], begin, end, last, k});
        }
    return out;
}

}  // namespace detail

/// Reads its parts from the engine of its core, without blocking but for their beginnings. A part
/// begins behind the first line end at or behind the byte before it, and ends behind the first one
/// at or behind its last byte: so two neighbours find the same place without a word. Where a quoted
/// field reaches over it the first of them notices, and the run ends.
template <class Engine>
class basic_file_partitions {
public:
    basic_file_partitions(engine_handle<Engine> io, std::vector<detail::file_part> parts,
                          file_options const& options)
        : parts_(std::move(parts)), source_(std::move(io), stretches(parts_), options) {
        for (detail::file_part const& p : parts_) progress_.bytes_total += p.end - p.begin;
        if (!parts_.empty()) input_ = parts_.front().input;
    }

    /// Feeds `parser` with the next piece; `bytes` is its size. `more` without a piece at the
    /// beginning of the next input, which `begins_input` tells.
    template <class Parser>
    [[nodiscard]] source_state feed_next(Parser& parser, std::size_t& bytes) {
        bytes = 0;
        if (cut_ && !parser.between_rows()) refuse_cut();
        if (std::exchange(part_ended_, false)) {
            cut_ = open_ = false;
            ++at_;
        }
        if (at_ == parts_.size()) return source_state::ended;
        detail::file_part const& part = parts_[at_];
        if (part.input != input_) {
            input_ = part.input;
            begins_input_ = true;
            return source_state::more;
        }
        if (!open_) begin_part(parser, part);
        chunk piece;
        source_state const state = source_.try_next(piece);
        if (state != source_state::more) return state;
        bytes = take(part, piece);
        if (bytes > 0 || piece.last) parser.feed(piece);
        return source_state::more;
    }
    /// Once before the first piece of another input.
    [[nodiscard]] bool begins_input() { return std::exchange(begins_input_, false); }
    /// Are there others behind the one that is read?
    [[nodiscard]] bool has_more_inputs() const {
        return !parts_.empty() && parts_.back().input != input_;
    }
    [[nodiscard]] source_progress progress() const { return progress_; }

private:
    static std::vector<detail::file_stretch> stretches(std::vector<detail::file_part> const& of) {
        std::vector<detail::file_stretch> out;
        out.reserve(of.size());
        // From a page's beginning, as reads past the page cache ask for it.
        for (detail::file_part const& p : of)
            out.push_back({p.name, p.begin == 0 ? 0 : (p.begin - 1) / 4096 * 4096, p.end});
        return out;
    }

    template <class Parser>
    void begin_part(Parser& parser, detail::file_part const& part) {
        open_ = true;
        searches_ = part.begin > 0;
        offset_ = searches_ ? (part.begin - 1) / 4096 * 4096 : 0;
        if (!searches_) return parser.begin_anew();
        auto const file = detail::open_input(part.name);
        std::string const beginning = detail::beginning_of(file, part.name);
        bool const whole = beginning.size() < detail::beginning_bytes;
        if (parser.begin_inside({beginning, part.name, whole})) return;
        if (!whole)
            throw failure(exit_code::data, "millrace: file: the first row of "
                                               + detail::shown(part.name)
                                               + " has more than 64 KiB, so partitions{n} can't "
                                                 "find its columns. Read it as one input.");
        parser.begin_anew();
    }

    /// Leaves of `piece` what belongs to the part; how much that is.
    std::size_t take(detail::file_part const& part, chunk& piece) {
        std::uint64_t const begin = offset_;
        offset_ += piece.data.size();
        part_ended_ = piece.last;
        if (!part.last) {
            if (std::size_t const behind = behind_row(piece.data, begin, part.end);
                behind != none) {
                piece.data = piece.data.substr(0, behind);
                piece.last = false;
                part_ended_ = cut_ = true;
                source_.leave();
            }
        }
        if (searches_) {
            std::size_t const behind = behind_row(piece.data, begin, part.begin);
            searches_ = behind == none;
            piece.data = searches_ ? std::string_view{} : piece.data.substr(behind);
        }
        progress_.bytes_done += piece.data.size();
        return piece.data.size();
    }
    /// Behind the first line end at or behind byte `edge` - 1 of the file.
    static std::size_t behind_row(std::string_view data, std::uint64_t begin, std::uint64_t edge) {
        std::uint64_t const from = edge - 1 > begin ? edge - 1 - begin : 0;
        if (from >= data.size()) return none;
        std::size_t const at = data.find('\n', static_cast<std::size_t>(from));
        return at == std::string_view::npos ? none : at + 1;
    }

    [[noreturn]] void refuse_cut() const {
        throw failure(exit_code::data,
                      "millrace: file: in " + detail::shown(parts_[at_].name)
                          + " a row reaches over a line end near byte "
                          + std::to_string(parts_[at_].end)
                          + ", where partitions{n} would cut it. Give another number, or read it as "
                            "one input.");
    }

    static constexpr std::size_t none = ~std::size_t{0};

    std::vector<detail::file_part> parts_;
    basic_file_source<Engine> source_;
    source_progress progress_;
    std::size_t at_ = 0;
    std::uint64_t offset_ = 0;  ///< in its file, of what is read next
    unsigned input_ = 0;
    bool open_ = false;
    bool searches_ = false;  ///< for the beginning of the part
    bool part_ended_ = false;
    bool cut_ = false;  ///< ended, and not where its file does
    bool begins_input_ = false;
};

}  // namespace millrace
