// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Drives a format stage by itself: feeds text in chunks of any size, collects what comes out, and
// writes records back.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/model/bytes.hpp>
#include <millrace/model/context.hpp>
#include <millrace/model/stage.hpp>

namespace format_test {

/// Everything a parser said about one row. Records are kept as text, so that views need not outlive
/// their batch.
struct outcome {
    std::string record;  ///< empty for a bad row
    std::string reason;  ///< empty for a good one
    std::string original;
    std::uint64_t position = 0;
    friend bool operator==(outcome const&, outcome const&) = default;
};

struct result {
    std::vector<outcome> rows;
    std::uint64_t counted = 0;
    std::uint64_t bad = 0;
    friend bool operator==(result const&, result const&) = default;
};

/// Takes what a parser emits; `Show` makes text of a record. A batch is shown when it ends: its
/// views must live so long.
template <class T, class Show>
class collector {
public:
    collector(result& out, Show& show) : out_(out), show_(show) {}
    void operator()(T&& record, std::string_view original, std::uint64_t position) {
        held_.push_back({std::move(record), {}, original, position});
    }
    void bad(std::string_view reason, std::string_view original, std::uint64_t position) {
        held_.push_back({T{}, std::string{reason}, original, position});
    }
    void end_batch() {
        for (auto const& h : held_)
            out_.rows.push_back({h.reason.empty() ? show_(h.record) : "", h.reason,
                                 std::string{h.original}, h.position});
        held_.clear();
    }

private:
    struct held {
        T record;
        std::string reason;
        std::string_view original;
        std::uint64_t position;
    };
    result& out_;
    Show& show_;
    std::vector<held> held_;
};

/// Feeds one file in the given pieces. Each piece stands in memory of its own, which is gone when
/// the next one comes.
template <class T, class Operator, class Show>
void feed_pieces(Operator& op, std::vector<std::string_view> const& pieces, std::size_t batch,
                 Show show, result& out) {
    collector<T, Show> emit{out, show};
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        auto const memory = std::make_unique<char[]>(pieces[i].size());
        if (!pieces[i].empty()) std::memcpy(memory.get(), pieces[i].data(), pieces[i].size());
        op.feed({{memory.get(), pieces[i].size()}, "test", i + 1 == pieces.size()});
        for (std::size_t taken = batch; taken == batch;) {
            taken = op.parse(batch, emit);
            emit.end_batch();
        }
        std::fill_n(memory.get(), pieces[i].size(), '#');
    }
    out.counted = op.rows();
    out.bad = op.bad();
}

inline std::vector<std::string_view> cut(std::string_view text, std::size_t size) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < text.size(); at += size) pieces.push_back(text.substr(at, size));
    if (pieces.empty()) pieces.push_back({});
    return pieces;
}

template <class T, class Stage, class Show>
result parse_pieces(Stage stage, std::vector<std::string_view> const& pieces, Show show,
                    std::size_t batch = 256) {
    result out;
    int env = 0;
    auto op = stage.template open<millrace::stream<millrace::chunk>>(env);
    feed_pieces<T>(op, pieces, batch, show, out);
    return out;
}

template <class T, class Stage, class Show>
result parse(Stage stage, std::string_view text, Show show) {
    return parse_pieces<T>(stage, {text}, show);
}

/// What a writer makes of some records; `line` adds the line ends as a sink does.
template <class T, class Stage>
std::string write(Stage stage, std::vector<T> const& records) {
    std::string out;
    int env = 0;
    auto op = stage.template open<millrace::stream<T>>(env);
    auto emit = [&](millrace::bytes const& b, auto const&) {
        out += b.data;
        if (b.line) out += '\n';
    };
    op.begin(emit);
    for (auto const& r : records)
        op.process(r, millrace::context<millrace::untimed, millrace::untraced>{}, emit);
    return out;
}

/// A random value where the ends of the range and small numbers are common.
template <class I>
I random_integer(std::mt19937_64& random) {
    switch (random() % 6) {
        case 0:
            return std::numeric_limits<I>::max();
        case 1:
            return std::numeric_limits<I>::min();
        case 2:
            return static_cast<I>(random() % 100);
        case 3:
            return static_cast<I>(0);
        default:
            return static_cast<I>(random());
    }
}

template <class F>
F random_finite(std::mt19937_64& random) {
    for (;;) {
        F out{};
        switch (random() % 5) {
            case 0:
                out = static_cast<F>(static_cast<double>(random() % 100'000) / 100.0);
                break;
            case 1:
                out = -static_cast<F>(random() % 1000);
                break;
            case 2:
                out = random() % 2 != 0U ? std::numeric_limits<F>::denorm_min()
                                         : std::numeric_limits<F>::max();
                break;
            default: {
                auto const bits = random();
                std::memcpy(&out, &bits, sizeof out);
            }
        }
        if (out - out == F{0}) return out;  // neither NaN nor infinite
    }
}

/// Up to `size_max` bytes: letters mostly, or anything at all.
inline std::string random_text(std::mt19937_64& random, std::size_t size_max,
                               std::string_view spice) {
    std::string out(random() % (size_max + 1), 'a');
    auto const kind = random() % 3;
    for (char& c : out) {
        if (kind == 0 || random() % 4 != 0U)
            c = static_cast<char>('a' + random() % 26);
        else if (kind == 1)
            c = spice[random() % spice.size()];
        else
            c = static_cast<char>(random());
    }
    return out;
}

/// One random edit: a byte changed, taken out, put in, doubled, or the end cut off.
inline void mutate(std::string& text, std::mt19937_64& random, std::string_view spice) {
    if (text.empty()) return;
    auto const at = static_cast<std::ptrdiff_t>(random() % text.size());
    char const c =
        random() % 2 != 0U ? spice[random() % spice.size()] : static_cast<char>(random());
    switch (random() % 5) {
        case 0:
            text[static_cast<std::size_t>(at)] = c;
            break;
        case 1:
            text.erase(text.begin() + at);
            break;
        case 2:
            text.insert(text.begin() + at, c);
            break;
        case 3:
            text.insert(static_cast<std::size_t>(at),
                        text.substr(static_cast<std::size_t>(at), random() % 20));
            break;
        default:
            text.resize(static_cast<std::size_t>(at));
            break;
    }
}

}  // namespace format_test
