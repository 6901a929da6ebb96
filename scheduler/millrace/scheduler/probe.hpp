// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What stands at the edges of a pipeline under test: records are pushed where a source was, and
// kept where a sink was.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <millrace/dsl/event_time.hpp>
#include <millrace/dsl/loop.hpp>
#include <millrace/dsl/on_error.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/owning.hpp>

namespace millrace {

/// A dead letter as the driver keeps it, with copies of what the letter referred to.
template <class In>
struct kept_letter {
    std::optional<In> record;
    std::string reason;
    std::string stage;
    std::string original;
    std::uint64_t position = 0;
};

namespace detail {

template <class T>
struct kept {
    using type = T;
    template <class R>
    static void keep(std::vector<T>& into, R&& record) {
        into.push_back(static_cast<R&&>(record));
    }
};
template <class In>
struct kept<dead_letter<In>> {
    using type = kept_letter<In>;
    static void keep(std::vector<type>& into, dead_letter<In> const& letter) {
        type out{{},
                 std::string(letter.reason),
                 std::string(letter.stage),
                 std::string(letter.original),
                 letter.position};
        if constexpr (std::is_copy_constructible_v<In>)
            if (letter.record != nullptr) out.record.emplace(*letter.record);
        into.push_back(std::move(out));
    }
};

template <class T>
struct capture_operator {
    std::vector<typename kept<T>::type> records{};
    struct hot {
        std::uint64_t written = 0;
    };
    template <class R, class Ctx, class Emit>
    void process(R&& record, Ctx const&, Emit&& emit) {
        kept<T>::keep(records, static_cast<R&&>(record));
        ++emit.hot().written;
    }
    static void count(hot const& h, stage_counts& counts) { counts.out += h.written; }
};

/// A source whose chunks are pushed; they stay, since records may view them.
struct pushed_chunks {
    std::deque<std::string> kept{};
    std::size_t next_chunk = 0;
    bool ended = false;
    bool next(chunk& out) {
        if (next_chunk == kept.size()) {
            if (!ended) return false;
            ended = false;
            out = {{}, "bytes_in", true};
            return true;
        }
        out = {kept[next_chunk++], "bytes_in", false};
        return true;
    }
};
struct pushed_records {};

/// A strategy whose watermark a test can push forward.
template <class Strategy>
struct pushed_time {
    Strategy inner;
    time_point forced = time_point::min();

    void observe(time_point t) { inner.observe(t); }
    [[nodiscard]] time_point watermark() const {
        time_point const own = inner.watermark();
        return own < forced ? forced : own;
    }
};

/// The environment of a probing loop.
struct probe_environment {
    time_point clock = time_point::max();
    [[nodiscard]] time_point wall_time() const { return clock; }

    template <class Node, class Stage>
        requires(Stage::kind == stage_kind::source)
    auto probe(Stage&) {
        return pushed_records{};
    }
    template <class Node, class Stage>
        requires(Stage::kind == stage_kind::bytes)
    auto probe(Stage&) {
        return pushed_chunks{};
    }
    template <class Node, class Stage>
        requires(Stage::kind == stage_kind::writer)
    auto probe(Stage&) {
        return pass_operator{};
    }
    template <class Node, class Stage>
        requires(Stage::kind == stage_kind::sink)
    auto probe(Stage&) {
        return capture_operator<typename Node::stream_in::record>{};
    }
    template <class Node, class Stage>
        requires(Stage::kind == stage_kind::time)
    auto probe(Stage& stage) {
        using strategy = decltype(stage.strategy);
        duration const ahead = ahead_of(stage.ahead, stage.strategy);
        return open_event_time<decltype(stage.ahead), pushed_time<strategy>,
                               Node::stream_in::traits.inputs>(
            std::move(stage.function), {std::move(stage.strategy)}, ahead, *this);
    }
};

}  // namespace detail
}  // namespace millrace
