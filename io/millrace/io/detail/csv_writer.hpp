// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator of `csv()`: records to rows, in a buffer that is used again.

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

#include <millrace/io/csv_options.hpp>
#include <millrace/io/detail/csv_columns.hpp>
#include <millrace/io/detail/format_memory.hpp>
#include <millrace/io/detail/from_text.hpp>
#include <millrace/io/detail/schema.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/context.hpp>

namespace millrace::detail {

/// Appends text, in quotes where RFC 4180 needs them or `always`. Text like a byte order mark gets
/// them, too: at the beginning of a file it would be taken for one.
inline void write_csv_text(format_buffer& out, std::string_view text, char separator, bool always) {
    bool quotes = always || text.starts_with("\xEF\xBB\xBF");
    for (char const c : text) quotes |= c == separator || c == '"' || c == '\n' || c == '\r';
    if (!quotes) return out.append(text);
    char* p = out.room(2 * text.size() + 2);
    *p++ = '"';
    for (char const c : text) {
        if (c == '"') *p++ = '"';
        *p++ = c;
    }
    *p++ = '"';
    out.commit(p);
}

template <class R>
class csv_writer {
    using leaves = leaves_of<R>;

public:
    explicit csv_writer(csv_options const& options) : options_(options) { check(options); }

    /// The header row.
    template <class Emit>
    void begin(Emit& emit) {
        if (!options_.header) return;
        out_.clear();
        for (std::size_t i = 0; i < leaves::size; ++i) {
            if (i != 0) out_.push_back(options_.separator);
            write_csv_text(out_, leaves::names[i], options_.separator, false);
        }
        emit(bytes{.data = out_.view(), .line = true}, context<untimed, untraced>{});
    }

    template <class Record, class Ctx, class Emit>
    void process(Record&& record, Ctx const& ctx, Emit& emit) {
        out_.clear();
        write(record, leaves{});
        emit(bytes{.data = out_.view(), .line = true}, ctx);
    }

private:
    template <class... Leaves>
    void write(R const& record, leaf_list<Leaves...>) {
        bool first = true;
        auto const one = [&](auto const& value) {
            if (!first) out_.push_back(options_.separator);
            first = false;
            write_value(value);
        };
        (one(Leaves::get(record)), ...);
    }

    template <class V>
    void write_value(V const& value) {
        if constexpr (is_optional<V>) {
            if (!value) return;
            using inner = typename V::value_type;
            if constexpr (is_text<inner> || std::same_as<inner, std::string>
                          || std::same_as<inner, std::string_view>)
                return write_csv_text(out_, *value, options_.separator,
                                      value->empty() || *value == "NA");
            else
                return write_value(*value);
        } else if constexpr (is_text<V> || std::same_as<V, std::string>
                             || std::same_as<V, std::string_view>) {
            write_csv_text(out_, value, options_.separator, false);
        } else if constexpr (std::same_as<V, char>) {
            write_csv_text(out_, {&value, 1}, options_.separator, false);
        } else {
            char text[number_bytes_max];
            write_csv_text(out_, {text, to_text(text, value, options_.time)}, options_.separator,
                           false);
        }
    }

    csv_options options_;
    format_buffer out_;
};

}  // namespace millrace::detail
