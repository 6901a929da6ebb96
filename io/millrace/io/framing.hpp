// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// How records lie in a stream of bytes: `lines{}`, `length_prefix<4>{}`, `fixed_size{.bytes = 64}`,
// `unframed{}`.
//
// A framing finds frames (`scan`), says what completes one that was cut (`complete`) and writes
// them (`put`). `read_frames` puts the first two together for any pieces of input.

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <millrace/io/detail/byte_buffer.hpp>

namespace millrace {

/// Why a scan ended.
enum class frame_status : std::uint8_t {
    full,     ///< as many frames as were asked for; there may be more
    cut,      ///< what is left is less than a frame
    refused,  ///< the next frame is longer than the framing allows: the stream can't be read on
};

/// How much of the next piece belongs to the frame begun in the piece before.
struct frame_rest {
    std::size_t bytes = 0;
    frame_status status = frame_status::cut;  ///< full: with these the frame is whole
};

/// Frames end with LF, or CR LF; neither is part of them.
struct lines {
    static constexpr bool reads = true;
    std::size_t max_frame = std::size_t{64} * 1024;  ///< bytes of a line without its end

    template <class F>
    [[gnu::always_inline]] inline frame_status scan(char const*& at, char const* end,
                                                    std::size_t& n, F&& f) const {
        for (;;) {
            auto const left = static_cast<std::size_t>(end - at);
            if (n == 0) return frame_status::full;
            char const* const line_end = find(at, left);
            if (line_end == nullptr)
                return left > with_end(1) ? frame_status::refused : frame_status::cut;
            char const* const next = line_end + 1;
            std::size_t const size = static_cast<std::size_t>(line_end - at);
            std::size_t const bare = size != 0 && line_end[-1] == '\r' ? size - 1 : size;
            if (bare > max_frame) return frame_status::refused;
            char const* const begin = at;
            at = next;
            --n;
            f(std::string_view(begin, bare));
        }
    }
    [[nodiscard]] frame_rest complete(std::string_view begun, std::string_view next) const {
        std::size_t const most = with_end(2) - std::min(begun.size(), with_end(2));
        std::size_t const seen = std::min(next.size(), most);
        char const* const line_end = find(next.data(), seen);
        if (line_end != nullptr)
            return {static_cast<std::size_t>(line_end - next.data()) + 1, frame_status::full};
        return {seen, seen == most ? frame_status::refused : frame_status::cut};
    }
    /// False: the frame is too long, or holds a line end and would be read as two.
    bool put(detail::byte_buffer& out, std::string_view frame) const {
        if (frame.size() > max_frame || find(frame.data(), frame.size()) != nullptr) return false;
        // A CR at its end would be read as part of the line end: so that it stays, it gets CR LF.
        std::string_view const line_end = frame.ends_with('\r') ? "\r\n" : "\n";
        char* const at = out.extend(frame.size() + line_end.size());
        if (!frame.empty()) std::memcpy(at, frame.data(), frame.size());
        std::memcpy(at + frame.size(), line_end.data(), line_end.size());
        return true;
    }

private:
    /// The longest line and its end; also where any length is allowed.
    [[nodiscard]] std::size_t with_end(std::size_t bytes) const {
        return max_frame + std::min(bytes, ~max_frame);
    }
    static char const* find(char const* at, std::size_t size) {
        return size == 0 ? nullptr : static_cast<char const*>(std::memchr(at, '\n', size));
    }
};

enum class byte_order : std::uint8_t { big, little };

/// In front of each frame stands its length, which does not count itself.
template <unsigned Bytes, byte_order Order = byte_order::big>
struct length_prefix {
    static_assert(Bytes == 1 || Bytes == 2 || Bytes == 4,
                  "millrace: length_prefix: a length has 1, 2 or 4 bytes. Write length_prefix<4>.");
    static constexpr bool reads = true;
    std::size_t max_frame = std::min<std::size_t>(std::size_t{64} * 1024, greatest());

    template <class F>
    [[gnu::always_inline]] inline frame_status scan(char const*& at, char const* end,
                                                    std::size_t& n, F&& f) const {
        char const* p = at;
        std::size_t left = n;
        std::size_t const most = max_frame;
        frame_status status = frame_status::full;
        while (left != 0) {
            auto const bytes = static_cast<std::size_t>(end - p);
            status = frame_status::cut;
            if (bytes < Bytes) break;
            std::size_t const size = length_at(p);
            if (size > most) [[unlikely]] {
                status = frame_status::refused;
                break;
            }
            if (bytes - Bytes < size) break;
            char const* const begin = p + Bytes;
            p = begin + size;
            --left;
            status = frame_status::full;
            f(std::string_view(begin, size));
        }
        at = p;
        n = left;
        return status;
    }
    [[nodiscard]] frame_rest complete(std::string_view begun, std::string_view next) const {
        char header[Bytes];
        for (std::size_t i = 0; i < Bytes; ++i) {
            if (i >= begun.size() + next.size()) return {next.size(), frame_status::cut};
            header[i] = i < begun.size() ? begun[i] : next[i - begun.size()];
        }
        std::size_t const size = length_at(header);
        if (size > max_frame) return {0, frame_status::refused};
        std::size_t const missing = Bytes + size - begun.size();
        if (missing > next.size()) return {next.size(), frame_status::cut};
        return {missing, frame_status::full};
    }
    /// False: the frame is too long.
    bool put(detail::byte_buffer& out, std::string_view frame) const {
        if (frame.size() > std::min(max_frame, greatest())) return false;
        char* const at = out.extend(Bytes + frame.size());
        for (unsigned i = 0; i < Bytes; ++i) {
            unsigned const shift = 8 * (Order == byte_order::big ? Bytes - 1 - i : i);
            at[i] = static_cast<char>(frame.size() >> shift);
        }
        if (!frame.empty()) std::memcpy(at + Bytes, frame.data(), frame.size());
        return true;
    }

private:
    static constexpr std::size_t greatest() { return (std::uint64_t{1} << (8 * Bytes)) - 1; }
    [[gnu::always_inline]] static std::size_t length_at(char const* p) {
        constexpr bool turned =
            (Order == byte_order::big) == (std::endian::native == std::endian::little);
        if constexpr (Bytes == 1) {
            return static_cast<unsigned char>(*p);
        } else if constexpr (Bytes == 2) {
            std::uint16_t raw = 0;
            std::memcpy(&raw, p, sizeof raw);
            return turned ? __builtin_bswap16(raw) : raw;
        } else {
            std::uint32_t raw = 0;
            std::memcpy(&raw, p, sizeof raw);
            return turned ? __builtin_bswap32(raw) : raw;
        }
    }
};

/// All frames have this many bytes, with nothing between them.
struct fixed_size {
    static constexpr bool reads = true;
    std::size_t bytes = 64;

    template <class F>
    [[gnu::always_inline]] inline frame_status scan(char const*& at, char const* end,
                                                    std::size_t& n, F&& f) const {
        for (; n != 0; --n) {
            if (static_cast<std::size_t>(end - at) < bytes) return frame_status::cut;
            char const* const begin = at;
            at += bytes;
            f(std::string_view(begin, bytes));
        }
        return frame_status::full;
    }
    [[nodiscard]] frame_rest complete(std::string_view begun, std::string_view next) const {
        std::size_t const missing = bytes - begun.size();
        if (missing > next.size()) return {next.size(), frame_status::cut};
        return {missing, frame_status::full};
    }
    /// False: the frame has another size.
    bool put(detail::byte_buffer& out, std::string_view frame) const {
        if (frame.size() != bytes) return false;
        out.append(frame);
        return true;
    }
};

/// Bytes as they are; for sinks.
struct unframed {
    static constexpr bool reads = false;
    static bool put(detail::byte_buffer& out, std::string_view bytes) {
        out.append(bytes);
        return true;
    }
};

template <class F>
concept framing = requires(F const f, detail::byte_buffer& out, std::string_view bytes) {
    { F::reads } -> std::convertible_to<bool>;
    { f.put(out, bytes) } -> std::same_as<bool>;
};
/// One that finds frames, too.
template <class F>
concept reading_framing = framing<F> && F::reads;

/// The frame of a connection that was cut by the end of a piece. Two areas in turn: what was handed
/// out of the one is looked at until the next batch, while the other takes the next cut frame.
class frame_carry {
public:
    /// What was handed out before is looked at no more.
    void begin_batch() { shown_ = false; }
    [[nodiscard]] bool empty() const { return part_[now_].empty(); }
    [[nodiscard]] bool shown() const { return shown_; }
    [[nodiscard]] std::string_view view() const { return part_[now_].view(); }
    /// Bytes of memory that it owns: at most twice that of the largest frame, twice.
    [[nodiscard]] std::size_t capacity() const { return part_[0].capacity() + part_[1].capacity(); }
    void append(std::string_view bytes) { part_[now_].append(bytes); }
    /// The frame is whole and goes out.
    void show() {
        shown_ = true;
        now_ ^= 1;
        part_[now_].clear();
    }
    /// The frame that began is given up; what was handed out stays.
    void forget() { part_[now_].clear(); }
    void release() {
        part_[0].release();
        part_[1].release();
        shown_ = false;
    }

private:
    detail::byte_buffer part_[2];
    unsigned char now_ = 0;
    bool shown_ = false;
};

/// Takes whole frames off the front of `input`, at most `n`, and calls `f(std::string_view)` with
/// each; counts `n` down. A frame within `input` is a view of it; one that began in an earlier
/// piece is a view of `carry`, valid until the next batch. `cut`: the input is used up. `full`:
/// call again with the same input, behind `begin_batch` where `n` isn't 0.
template <reading_framing Framing, class F>
[[gnu::always_inline]] inline frame_status read_frames(Framing const& framing, frame_carry& carry,
                                                       std::string_view& input, std::size_t& n,
                                                       F&& f) {
    for (;;) {
        bool const carried = !carry.empty();
        std::string_view piece = input;
        if (carried) {
            if (n == 0 || (carry.shown() && !input.empty())) return frame_status::full;
            frame_rest const rest = framing.complete(carry.view(), input);
            if (rest.status == frame_status::refused) return frame_status::refused;
            carry.append(input.substr(0, rest.bytes));
            input.remove_prefix(rest.bytes);
            if (rest.status == frame_status::cut) return frame_status::cut;
            piece = carry.view();
            carry.show();
        }
        char const* at = piece.data();
        char const* const end = at + piece.size();
        frame_status const status = framing.scan(at, end, n, f);
        if (status == frame_status::refused) return status;
        if (carried) continue;
        input.remove_prefix(static_cast<std::size_t>(at - piece.data()));
        if (status == frame_status::cut) {
            carry.append(input);
            input = {};
        }
        return status;
    }
}

}  // namespace millrace
