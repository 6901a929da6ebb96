// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What holds for framings whatever comes: no frame above the maximum, the same frames however the
// input is cut, and what is written reads back equal.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/io/framing.hpp>

#include "fuzz/verdict.hpp"

namespace fuzz {

/// What became of a stream: its frames, whether it was refused behind them, and else what is left.
struct framed {
    std::vector<std::string> frames;
    bool refused = false;
    std::string rest;
    std::size_t carried_max = 0;  ///< bytes of memory for cut frames
    std::size_t idle = 0;         ///< calls that asked to be called again and took nothing

    [[nodiscard]] bool same_as(framed const& other) const {
        return frames == other.frames && refused == other.refused && rest == other.rest;
    }
};

/// Reads pieces, each in memory of its own; the frames of a batch are looked at when it ends.
template <class Framing>
framed read_framed(Framing const& framing, std::vector<std::string_view> const& pieces,
                   std::size_t batch) {
    framed out;
    millrace::frame_carry carry;
    for (std::string_view const piece : pieces) {
        auto const memory = std::make_unique<char[]>(piece.size());
        if (!piece.empty()) std::memcpy(memory.get(), piece.data(), piece.size());
        std::string_view in{memory.get(), piece.size()};
        auto status = millrace::frame_status::full;
        while (status == millrace::frame_status::full) {
            carry.begin_batch();
            std::vector<std::string_view> views;
            std::size_t n = batch;
            std::size_t const before = in.size();
            status = millrace::read_frames(framing, carry, in, n,
                                           [&](std::string_view f) { views.push_back(f); });
            out.carried_max = std::max(out.carried_max, carry.capacity());
            for (std::string_view const view : views) out.frames.emplace_back(view);
            bool const stuck = views.empty() && in.size() == before;
            if (status == millrace::frame_status::full && stuck && ++out.idle > 1) return out;
        }
        if (status == millrace::frame_status::refused) {
            out.refused = true;
            return out;
        }
    }
    out.rest = std::string(carry.view());
    return out;
}

/// Checks one framing. `frame_max` is its maximum, `overhead` what it adds to a frame at most.
template <class Framing>
verdict check_framing(Framing const& framing, std::size_t frame_max, std::size_t overhead,
                      input const& in) {
    framed const whole = read_framed(framing, {in.text}, 1000);
    verdict out{.good = whole.frames.size(), .bad = whole.refused};
    auto const wrong = [&](std::string_view what) {
        out.wrong = std::string(what) + ", maximum " + std::to_string(frame_max);
        return out;
    };
    if (whole.idle != 0) return wrong("a call took nothing and asked for another");
    for (std::string const& f : whole.frames)
        if (f.size() > frame_max) return wrong("a frame is above the maximum");
    if (whole.rest.size() > frame_max + overhead) return wrong("more is held than a frame has");
    std::size_t bytes = whole.rest.size();
    for (std::string const& f : whole.frames) bytes += f.size() + overhead;
    if (!whole.refused && bytes < in.text.size()) return wrong("bytes are lost");

    framed const cut = read_framed(framing, pieces_of(in.text, in.cuts), 1 + in.cuts % 7);
    if (cut.idle > 1) return wrong("a call in pieces took nothing, twice");
    if (!cut.same_as(whole)) return wrong("pieces give other frames than the whole");
    if (cut.carried_max > 4 * std::max<std::size_t>(frame_max + overhead, 128))
        return wrong("the memory for cut frames is not bounded by the maximum");

    millrace::detail::byte_buffer written;
    for (std::string const& f : whole.frames)
        if (!framing.put(written, f)) return wrong("a frame that was read can't be written");
    framed const back = read_framed(framing, {written.view()}, 1000);
    if (back.frames != whole.frames || back.refused || !back.rest.empty())
        return wrong("what was written reads back otherwise");

    // The input itself as a frame: refused by the writer, or one frame.
    std::string_view const frame = in.text.substr(0, 3 * frame_max);
    written.clear();
    if (!framing.put(written, frame)) return out;
    framed const one = read_framed(framing, {written.view()}, 1000);
    if (one.refused || !one.rest.empty() || one.frames.size() != 1 || one.frames[0] != frame)
        return wrong("a frame that was written reads back otherwise");
    return out;
}

inline verdict check_lines(std::string_view all) {
    input const in{all};
    std::size_t const most = (in.settings & 1) != 0 ? 16 : 1 + (in.settings >> 4);
    return check_framing(millrace::lines{.max_frame = most}, most, 2, in);
}

template <unsigned Bytes>
verdict check_prefix_of(input const& in, std::size_t most) {
    using enum millrace::byte_order;
    if ((in.settings & 4) != 0)
        return check_framing(millrace::length_prefix<Bytes, little>{.max_frame = most}, most, Bytes,
                             in);
    return check_framing(millrace::length_prefix<Bytes, big>{.max_frame = most}, most, Bytes, in);
}
inline verdict check_length_prefix(std::string_view all) {
    input const in{all};
    std::size_t const most = (in.settings & 8) != 0 ? 255 : in.settings >> 4;
    switch (in.settings & 3) {
        case 0:
            return check_prefix_of<1>(in, most);
        case 1:
            return check_prefix_of<2>(in, most);
        default:
            return check_prefix_of<4>(in, most);
    }
}

}  // namespace fuzz
