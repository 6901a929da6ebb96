// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator of `csv<T>()`: rows to records, only the described columns.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <millrace/io/csv_options.hpp>
#include <millrace/io/detail/bad_row.hpp>
#include <millrace/io/detail/csv_columns.hpp>
#include <millrace/io/detail/csv_rows.hpp>
#include <millrace/io/detail/from_text.hpp>
#include <millrace/io/detail/schema.hpp>
#include <millrace/model/failure.hpp>

namespace millrace::detail {

template <class T>
class csv_reader {
    using leaves = leaves_of<T>;

public:
    explicit csv_reader(csv_options const& options)
        : options_(options),
          rows_(options.separator, options.row_max),
          columns_({leaves::names, leaves::size}) {
        check(options);
    }

    /// Hands over the next piece; its bytes stay valid until the next `feed`.
    void feed(chunk const& c) { rows_.feed(c); }

    /// See `csv_rows`.
    [[nodiscard]] std::size_t cut_bytes() const { return rows_.cut_bytes(); }
    [[nodiscard]] bool between_rows() const { return cut_bytes() == 0; }
    [[nodiscard]] std::uint64_t line() const { return rows_.line(); }
    void skip_lines(std::uint64_t count) { rows_.skip_lines(count); }
    /// Forgets what was fed; what is fed next begins a file.
    void begin_anew() { rows_.begin(true); }
    /// The same, but what is fed next begins a row of the same file, line 1 of what is read.
    void begin_row() { rows_.begin(false); }
    /// The same of a file that is not known yet: its columns are told by `beginning`, the first
    /// bytes of that file. False if its first row is not whole there.
    [[nodiscard]] bool begin_inside(chunk const& beginning) {
        rows_.begin(true);
        rows_.feed(beginning);
        while (rows_.first_row_ahead()) {
            if (!rows_.ready()) {
                auto const what = rows_.refill();
                if (what == csv_rows::found::starved) return false;
                if (what != csv_rows::found::rows && options_.header) refuse_header();
                continue;
            }
            bool const skipped = !options_.header && rows_.too_long_ahead();
            (void)rows_.begins_file();
            (void)begin_file();
            if (skipped) (void)rows_.take();
        }
        rows_.begin(false);
        return true;
    }

    /// Emits at most `n` records and bad rows and returns their number; fewer than `n`: feed the
    /// next chunk.
    template <class Emit>
    std::size_t parse(std::size_t n, Emit&& emit) {
        scratch_.reset();
        std::size_t taken = 0;
        while (taken < n) {
            if (!rows_.ready()) [[unlikely]] {
                auto const what = rows_.refill();
                if (what == csv_rows::found::starved) break;
                if (what != csv_rows::found::rows) {
                    ++taken;
                    refuse_broken(what, emit);
                    continue;
                }
            }
            if (rows_.begins_file() && begin_file()) continue;
            csv_row const row = rows_.take();
            if (row.fields != columns_.width() || row.size() > options_.row_max) [[unlikely]] {
                if (row.size() == 0 && columns_.width() > 1) continue;  // a blank line is no row
                ++taken;
                refuse_shape(row, emit);
                continue;
            }
            ++taken;
            ++rows_taken_;
            T record{};
            if (convert(row, record, leaves{})) [[likely]] {
                emit(std::move(record), row.original(), row.line);
            } else {
                ++bad_;
                emit.bad(reason_view_, row.original(), row.line);
            }
        }
        return taken;
    }

    /// Rows taken, good and bad; blank lines and headers are none.
    [[nodiscard]] std::uint64_t rows() const { return rows_taken_; }
    [[nodiscard]] std::uint64_t bad() const { return bad_; }

private:
    template <class... Leaves>
    [[gnu::always_inline]] bool convert(csv_row const& row, T& record, leaf_list<Leaves...>) {
        std::size_t field = 0;
        return (convert_field<Leaves>(row, record, columns_[field++]) && ...);
    }

    template <class Leaf>
    [[gnu::always_inline]] bool convert_field(csv_row const& row, T& record, std::uint32_t column) {
        using type = typename Leaf::type;
        if (column == csv_columns::none) [[unlikely]]
            return true;
        char const* p = row.begin_of(column);
        char const* end = row.end_of(column);
        char const* readable = row.readable;
        bool const quoted = p != end && *p == '"';
        auto error = text_error::none;
        if (quoted) [[unlikely]] {
            char const* const before = p;
            error = csv_unquote(p, end, scratch_);
            if (p != before + 1) readable = end;  // in the scratch
        }
        if (error == text_error::none) {
            if constexpr (is_optional<type>) {
                if (!quoted && (p == end || (end - p == 2 && p[0] == 'N' && p[1] == 'A')))
                    return true;
                error = from_text(Leaf::get(record).emplace(), p, end, readable, options_.time);
            } else {
                error = from_text(Leaf::get(record), p, end, readable, options_.time);
            }
        }
        return error == text_error::none ? true : refuse_field(Leaf::name.view(), error);
    }

    [[gnu::cold, gnu::noinline]] bool refuse_field(std::string_view name, text_error error) {
        reason_view_ = reason_.set({"field '", name, "' ", message(error)});
        return false;
    }

    /// Finds the columns; true if the first row was a header.
    [[gnu::cold]] bool begin_file() {
        if (options_.header) {
            csv_row const header = rows_.take();
            if (header.size() > options_.row_max) refuse_header();
            columns_.by_header(header, options_, rows_.file(), scratch_);
            return true;
        }
        // How many fields a row above the limit has depends on how much of it was looked at.
        if (rows_.too_long_ahead())
            rows_.begin_with_next();
        else
            columns_.by_position(rows_.fields_ahead(), options_);
        return false;
    }

    [[noreturn]] void refuse_header() const {
        throw failure{exit_code::data,
                      "csv: the header of the input is longer than .row_max, or its quotes are not "
                      "closed. Mend its first line, or say .header = false."};
    }

    template <class Emit>
    [[gnu::cold]] void refuse_broken(csv_rows::found what, Emit&& emit) {
        if (options_.header && rows_.begins_file()) refuse_header();
        ++rows_taken_;
        ++bad_;
        emit.bad(what == csv_rows::found::too_long ? long_row : open_quote, rows_.broken().original,
                 rows_.broken().line);
    }

    template <class Emit>
    [[gnu::cold]] void refuse_shape(csv_row const& row, Emit&& emit) {
        if (row.size() > options_.row_max) return refuse_broken(rows_.judge_long(row), emit);
        ++rows_taken_;
        ++bad_;
        char numbers[2 * number_bytes_max];
        char* const middle = write_number(numbers, row.fields);
        char* const end = write_number(middle, columns_.width());
        auto const reason = reason_.set(
            {"the row has ", {numbers, middle}, " fields where the file has ", {middle, end}});
        emit.bad(reason, row.original(), row.line);
    }

    static constexpr std::string_view long_row =
        "the row is longer than .row_max; only its beginning is kept";
    static constexpr std::string_view open_quote =
        "a quote is never closed; the file is not read behind it";

    csv_options options_;
    csv_rows rows_;
    csv_columns columns_;
    scratch_arena scratch_;
    reason_text reason_;
    std::string_view reason_view_;
    std::uint64_t rows_taken_ = 0;
    std::uint64_t bad_ = 0;
};

}  // namespace millrace::detail
