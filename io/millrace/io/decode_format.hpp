// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `tcp::listen({.port = 9000}) | decode(json<order>())`: a frame is one record in a format.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <millrace/model/bytes.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {

namespace detail {

/// Feeds each frame to a parser as an input of its own.
template <class Record, class Reader>
struct format_decoder {
    Reader reader;

    template <class Ctx, class Emit>
    void process(frame const& in, Ctx const& ctx, Emit&& emit) {
        struct one_row {
            std::optional<Record> record{};
            std::string_view reason{};
            void operator()(Record&& r, std::string_view, std::uint64_t) {
                record.emplace(std::move(r));
            }
            void bad(std::string_view why, std::string_view, std::uint64_t) { reason = why; }
        } row;
        reader.feed(chunk{in.data, "", true});
        std::size_t const first = reader.parse(1, row);
        if (first == 0) return emit.fail_with(in, ctx, "the frame holds no record");
        // Whatever follows is taken off, so that the next frame begins anew.
        struct none {
            void operator()(Record&&, std::string_view, std::uint64_t) {}
            void bad(std::string_view, std::string_view, std::uint64_t) {}
        } more;
        // What the first row views lives until the next parse.
        if (!row.record) {
            emit.fail_with(in, ctx, row.reason);
            while (reader.parse(64, more) == 64) {
            }
            return;
        }
        if (ends_behind_one(in.data)) {
            emit(std::move(*row.record), ctx);
            while (reader.parse(64, more) == 64) {
            }
        } else {
            while (reader.parse(64, more) == 64) {
            }
            emit.fail_with(in, ctx, "the frame holds more than one line");
        }
    }

private:
    /// At most one line end, at its end.
    static bool ends_behind_one(std::string_view data) {
        std::size_t const at = data.find('\n');
        return at == std::string_view::npos || at + 1 == data.size();
    }
};

}  // namespace detail

template <class Parser>
struct format_decode_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::one_to_one;
    static constexpr std::string_view word = "decode";
    static constexpr auto name = fixed_string{""};
    using record = typename Parser::record;

    Parser parser;

    constexpr explicit format_decode_stage(Parser p) : parser(std::move(p)) {}

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using of_bytes = stream<chunk, no_key, In::traits>;
        if constexpr (!std::same_as<typename In::record, frame>) {
            static_assert(
                !Aloud,
                "millrace: decode: decode(format) reads frames, and here come others. Put it "
                "behind a source of frames such as tcp::listen(…) or udp::listen(…).");
            return refused<format_decode_stage, In>{};
        } else if constexpr (is_rejected<stream_after<Parser, of_bytes>>) {
            return refused<Parser, of_bytes>{};
        } else {
            return accepted<stream<record, no_key, In::traits>>{};
        }
    }

    template <class In, class Env>
    auto open(Env& env) const {
        Parser each = parser;
        if constexpr (requires { each.options.header; }) each.options.header = false;
        using reader_type = decltype(each.template open<stream<chunk, no_key, In::traits>>(env));
        return detail::format_decoder<record, reader_type>{
            each.template open<stream<chunk, no_key, In::traits>>(env)};
    }
};

/// Reads the one record that a frame holds by a format: `decode(json<order>())`,
/// `decode(csv<tick>())` (columns by position). Shape 1-1: a frame of no or of several lines is a
/// bad record.
template <class Parser>
    requires(Parser::kind == stage_kind::parser)
[[nodiscard]] constexpr format_decode_stage<Parser> decode(Parser parser) {
    return format_decode_stage<Parser>{std::move(parser)};
}

}  // namespace millrace
