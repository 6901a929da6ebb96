// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Quoted fields, and which column of a file each field of the record is. Not a template: it knows
// names only.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/io/csv_options.hpp>
#include <millrace/io/detail/csv_rows.hpp>
#include <millrace/io/detail/format_memory.hpp>
#include <millrace/io/number.hpp>
#include <millrace/model/failure.hpp>

namespace millrace::detail {

/// What stands between the quotes of [p, end), which begins with one. Doubled quotes are undone in
/// `scratch`.
inline text_error csv_unquote(char const*& p, char const*& end, scratch_arena& scratch) {
    char const* const begin = p + 1;
    char const* q =
        static_cast<char const*>(std::memchr(begin, '"', static_cast<std::size_t>(end - begin)));
    if (q == nullptr) return text_error::quote_misplaced;
    p = begin;
    if (q + 1 == end) {
        end = q;
        return text_error::none;
    }
    auto const room = static_cast<std::size_t>(end - begin);
    char* const text = scratch.take(room + 8);  // 8 more, so that numbers may be read in one load
    char* out = text;
    for (char const* from = begin;;) {
        std::memcpy(out, from, static_cast<std::size_t>(q - from));
        out += q - from;
        if (q + 1 == end) break;
        if (q[1] != '"') return text_error::quote_misplaced;
        *out++ = '"';
        from = q + 2;
        q = static_cast<char const*>(std::memchr(from, '"', static_cast<std::size_t>(end - from)));
        if (q == nullptr) return text_error::quote_misplaced;
    }
    p = text;
    end = out;
    return text_error::none;
}

/// The columns of the current file.
class csv_columns {
public:
    static constexpr std::uint32_t none = 0xFFFFFFFF;

    explicit csv_columns(std::span<std::string_view const> names)
        : names_(names), columns_(names.size(), none) {}

    [[nodiscard]] std::uint32_t operator[](std::size_t field) const { return columns_[field]; }
    /// Fields that a row must have; 0 if any number that reaches the last column will do.
    [[nodiscard]] std::uint32_t width() const { return width_; }

    /// Fields by the names in the header row.
    void by_header(csv_row const& header, csv_options const& options, std::string_view file,
                   scratch_arena& scratch) {
        width_ = header.fields;
        std::vector<std::string> titles;
        for (std::size_t i = 0; i < header.fields; ++i) {
            char const* p = header.begin_of(i);
            char const* end = header.end_of(i);
            if (p != end && *p == '"' && csv_unquote(p, end, scratch) != text_error::none)
                refuse(file, "has a header whose quotes are not closed. Mend its first line.");
            titles.emplace_back(p, end);
        }
        std::size_t taken = 0;
        for (std::size_t f = 0; f < names_.size(); ++f) {
            columns_[f] = none;
            for (std::size_t i = 0; i < titles.size(); ++i) {
                if (titles[i] != names_[f]) continue;
                if (columns_[f] != none)
                    refuse(file, "has two columns '" + titles[i]
                                     + "'. Rename one of them, or take the field out.");
                columns_[f] = static_cast<std::uint32_t>(i);
                ++taken;
            }
            if (columns_[f] == none && options.missing == missing_columns::refuse)
                refuse(
                    file,
                    "has no column '" + std::string{names_[f]} + "'. Its columns are "
                        + listed(titles)
                        + "; name the field like one of them, or set .missing = missing_columns::keep.");
        }
        if (options.extra == extra_columns::refuse && taken != titles.size())
            refuse(file, "has columns that no field is named after. Its columns are "
                             + listed(titles)
                             + "; describe them all, or set .extra = extra_columns::ignore.");
    }

    /// Fields by position; `fields` is what the first row has.
    void by_position(std::uint32_t fields, csv_options const& options) {
        for (std::size_t f = 0; f < names_.size(); ++f) columns_[f] = static_cast<std::uint32_t>(f);
        auto const wanted = static_cast<std::uint32_t>(names_.size());
        width_ = options.extra == extra_columns::refuse || fields < wanted ? wanted : fields;
    }

private:
    static std::string listed(std::vector<std::string> const& titles) {
        std::string out;
        for (auto const& title : titles) {
            if (out.size() > 400) return out + ", …";
            out += (out.empty() ? "" : ", ") + title;
        }
        return out;
    }
    [[noreturn]] static void refuse(std::string_view file, std::string const& what) {
        throw failure{exit_code::data,
                      "csv: " + std::string{file.empty() ? "the input" : file} + " " + what};
    }

    std::span<std::string_view const> names_;
    std::vector<std::uint32_t> columns_;
    std::uint32_t width_ = 0;
};

inline void check(csv_options const& o) {
    if (o.separator == '"' || o.separator == '\n' || o.separator == '\r' || o.separator == 0)
        throw failure{
            exit_code::configuration,
            "csv: a quote, a line end or a zero can't separate fields. Set .separator to another character."};
    if (o.row_max == 0 || o.row_max > (1U << 30U))
        throw failure{exit_code::configuration,
                      "csv: a row has between 1 byte and 1 GiB. Set .row_max to that."};
}

}  // namespace millrace::detail
