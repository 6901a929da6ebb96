// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `late_to(original() | to(file(…)))` writes the bytes that a record was read from.

#include <string_view>

#include <millrace/model/bytes.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {
namespace detail {

struct original_writer {
    template <class Emit>
    void begin(Emit&) {}

    template <class Record, class Ctx, class Emit>
    void process(Record&&, Ctx const& ctx, Emit& emit) {
        emit(bytes{.data = ctx.original, .line = true}, ctx);
    }
};

}  // namespace detail

struct original_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::writer;
    static constexpr std::string_view word = "original";
    static constexpr auto name = fixed_string{""};
    static constexpr bool needs_origin = true;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        return accepted<stream<bytes, typename In::key, In::traits>>{};
    }

    template <class In, class Env>
    auto open(Env&) const {
        return detail::original_writer{};
    }
};

/// A writer: the bytes of the source that the record was read from, as a line. Costs a span beside
/// each record, and only in pipelines that have it. Results of a window have no original.
constexpr original_stage original() { return {}; }

}  // namespace millrace
