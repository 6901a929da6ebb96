// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `… | json() | to(file(…))` writes records as JSON lines. Needs no simdjson.

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <millrace/io/detail/format_memory.hpp>
#include <millrace/io/detail/from_text.hpp>
#include <millrace/io/detail/json_schema.hpp>
#include <millrace/io/detail/schema.hpp>
#include <millrace/io/json_options.hpp>
#include <millrace/io/utf8.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/describe.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {
namespace detail {

/// Appends text as a JSON string. Each byte that is no valid UTF-8 becomes U+FFFD; returns how many
/// did.
inline std::uint64_t write_json_string(format_buffer& out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    std::uint64_t replaced = 0;
    char* to = out.room(6 * text.size() + 2);
    *to++ = '"';
    char const* p = text.data();
    char const* const end = p + text.size();
    while (p != end) {
        auto const c = static_cast<unsigned char>(*p);
        if (c >= 0x80) {
            std::size_t const size = utf8_sequence(p, end);
            replaced += size == 0;
            std::string_view const put =
                size == 0 ? std::string_view{"\xEF\xBF\xBD"} : std::string_view{p, size};
            to = std::copy(put.begin(), put.end(), to);
            p += size == 0 ? 1 : size;
            continue;
        }
        ++p;
        if (c >= 0x20 && c != '"' && c != '\\') [[likely]] {
            *to++ = static_cast<char>(c);
            continue;
        }
        *to++ = '\\';
        constexpr std::string_view from = "\"\\\b\f\n\r\t", short_form = "\"\\bfnrt";
        if (auto const at = from.find(static_cast<char>(c)); at != std::string_view::npos) {
            *to++ = short_form[at];
        } else {
            char const code[] = {'u', '0', '0', hex[c >> 4], hex[c & 15]};
            to = std::copy(code, code + sizeof code, to);
        }
    }
    *to++ = '"';
    out.commit(to);
    return replaced;
}

/// The operator of `json()`.
template <class R>
class json_writer {
public:
    explicit json_writer(json_options const& options) : options_(options) {}

    template <class Emit>
    void begin(Emit&) {}

    template <class Record, class Ctx, class Emit>
    void process(Record&& record, Ctx const& ctx, Emit& emit) {
        out_.clear();
        write_record(static_cast<R const&>(record));
        emit(bytes{.data = out_.view(), .line = true}, ctx);
    }

    /// Bytes that were no valid UTF-8 and were replaced by U+FFFD.
    [[nodiscard]] std::uint64_t replaced() const { return replaced_; }

private:
    template <class T>
    void write_record(T const& record) {
        out_.push_back('{');
        bool first = true;
        for_each_field<T>([&]<class F>() {
            if (!first) out_.push_back(',');
            first = false;
            write_json_string(out_, F::name.view());
            out_.push_back(':');
            write_value(F::get(record));
        });
        out_.push_back('}');
    }

    template <class V>
    void write_value(V const& value) {
        if constexpr (is_optional<V>) {
            if (value)
                write_value(*value);
            else
                out_.append("null");
        } else if constexpr (nested_record<V>) {
            write_record(value);
        } else if constexpr (is_text<V> || std::same_as<V, std::string>
                             || std::same_as<V, std::string_view>) {
            replaced_ += write_json_string(out_, value);
        } else if constexpr (std::same_as<V, char>) {
            replaced_ += write_json_string(out_, {&value, 1});
        } else if constexpr (std::floating_point<V>) {
            if (std::isfinite(value))
                write_plain(value);
            else
                out_.append("null");
        } else if constexpr (std::same_as<V, time_point>) {
            bool const quotes = options_.time == time_format::rfc3339;
            if (quotes) out_.push_back('"');
            write_plain(value);
            if (quotes) out_.push_back('"');
        } else {
            write_plain(value);
        }
    }

    template <class V>
    void write_plain(V const& value) {
        out_.commit(to_text(out_.room(number_bytes_max), value, options_.time));
    }

    json_options options_;
    format_buffer out_;
    std::uint64_t replaced_ = 0;
};

}  // namespace detail

struct json_writer_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::writer;
    static constexpr std::string_view word = "json";
    static constexpr auto name = fixed_string{""};

    json_options options;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!described<record>) {
            static_assert(
                !Aloud,
                "millrace: json: the record has no description. Write MILLRACE_RECORD(type, field, …) "
                "behind it.");
            return refused<json_writer_stage, In>{};
        } else if constexpr (!detail::json_holds<detail::json_unsupported<record>>) {
            static_assert(
                !Aloud || detail::json_holds<detail::json_unsupported<record>>,
                "millrace: json: a field has a type that JSON can't hold. Take a number, bool, enum, char, text<N>, "
                "string, string_view, time_point, duration, a described record, or an optional of these.");
            return refused<json_writer_stage, In>{};
        } else {
            return accepted<stream<bytes, typename In::key, In::traits>>{};
        }
    }

    template <class In, class Env>
    auto open(Env&) const {
        return detail::json_writer<typename In::record>{options};
    }
};

/// Writes a record as one JSON object a line. Numbers in their shortest form that reads back equal;
/// NaN and infinity, which JSON has not, as null; bytes that are no UTF-8 as U+FFFD.
constexpr json_writer_stage json(json_options options = {}) { return {{}, options}; }

}  // namespace millrace
