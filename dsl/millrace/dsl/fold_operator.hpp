// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The operator behind `window_all(global{})`: one accumulator, in the loop's registers.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <millrace/dsl/rolling.hpp>
#include <millrace/model/row.hpp>
#include <millrace/model/stage.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

/// One accumulator for all records and all time: it lives in the loop's registers.
template <class Body, class In>
struct fold_operator {
    static constexpr bool vectorises = true;
    using record_type = typename In::record;
    using state_type = typename Body::template state<record_type>;
    [[no_unique_address]] Body body;
    struct hot {
        state_type state{};
    };
    bool ended = false;
    bool emitted = false;
    std::uint64_t rows = 0;

    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        auto& h = emit.hot();
        if constexpr (!Body::may_throw && Body::template projection_never_throws<record_type>) {
            body.add(h.state, body.project(static_cast<record_type const&>(record)));
        } else {
            try {
                auto const input = body.project(static_cast<record_type const&>(record));
                add_strongly(body, h.state, input);
            } catch (...) {
                emit.fail(record, ctx);
                return;
            }
        }
    }
    template <class Emit>
    void flush(Emit&&) {}
    void advance(time_point low) { ended = low == time_point::max(); }
    template <class Emit>
    bool drain(std::size_t, Emit&& emit) {
        if (!ended || emitted || emit.records_taken() == 0) return false;
        emitted = true;
        ++rows;
        typename std::remove_cvref_t<Emit>::template row_context<false> ctx{};
        emit(body.template make<record_type>(row<>{}, emit.hot().state), ctx);
        return false;
    }
    [[nodiscard]] time_point mark() const { return ended ? time_point::max() : time_point::min(); }
    void count(hot const&, stage_counts& c) const {
        c.out += rows;  // the loop knows what came in
    }
};

}  // namespace millrace::detail
