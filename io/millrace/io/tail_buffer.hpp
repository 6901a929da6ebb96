// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The bytes that `tail` has read and not handed out yet, and the proof that they are still the
// file's.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <millrace/io/page_buffer.hpp>

namespace millrace::detail {

/// A window on a growing file. Each read begins up to 64 bytes before what is new and compares
/// them: a file that was cut and has grown past our place again has others there, which its size
/// does not tell. In front of the bytes that wait stand always those 64, so that the next read has
/// something to compare.
class tail_buffer {
public:
    static constexpr std::size_t overlap = 64;

    explicit tail_buffer(std::size_t bytes)
        : pages_(overlap + std::max<std::size_t>(bytes, 4096)) {}

    /// Where a read goes, and which offset of the file it begins at.
    struct target {
        char* data;
        std::uint32_t bytes;
        std::uint64_t offset;
    };
    /// Must not be full.
    target next_read() {
        std::size_t const back = std::min(overlap, end_ - first_);
        std::memcpy(proof_.data(), at(end_ - back), back);
        back_ = back;
        return {at(end_ - back), static_cast<std::uint32_t>(pages_.capacity - (end_ - back)),
                position_ - back};
    }
    /// What the read brought: false if the file has other bytes than it had; then nothing is taken.
    bool take(std::size_t bytes) {
        char* const overlapped = at(end_ - back_);
        bool const same = std::memcmp(overlapped, proof_.data(), std::min(bytes, back_)) == 0;
        if (!same) std::memcpy(overlapped, proof_.data(), back_);
        fresh_ = same && bytes > back_ ? bytes - back_ : 0;
        end_ += fresh_;
        position_ += fresh_;
        return same;
    }
    /// How many bytes the last read brought that were not known.
    [[nodiscard]] std::size_t fresh() const { return fresh_; }
    [[nodiscard]] bool full() const { return end_ == pages_.capacity; }

    /// All that waits, whole lines or not.
    [[nodiscard]] std::string_view waiting() const {
        return {pages_.data.get() + begin_, end_ - begin_};
    }
    /// The lines that have ended; of a full buffer without a line end, all.
    [[nodiscard]] std::string_view lines() const {
        std::string_view const all = waiting();
        // Only what is new can hold the last line end: what waited before had none.
        std::size_t const known = all.size() - std::min(all.size(), fresh_);
        void const* const last =
            fresh_ == 0 ? nullptr : ::memrchr(all.data() + known, '\n', all.size() - known);
        if (last == nullptr) return full() ? all : std::string_view();
        return all.substr(
            0, static_cast<std::size_t>(static_cast<char const*>(last) - all.data()) + 1);
    }
    /// The first `bytes` of what waits were handed out, or are not wanted.
    void drop(std::size_t bytes) {
        begin_ += bytes;
        std::size_t const kept = std::min(overlap, begin_ - first_);
        std::memmove(at(overlap - kept), at(begin_ - kept), kept + (end_ - begin_));
        end_ = overlap + (end_ - begin_);
        begin_ = overlap;
        first_ = overlap - kept;
        fresh_ = std::min(fresh_, end_ - begin_);
    }
    /// Another file, or the same cut to nothing: nothing waits, the next byte stands at `position`.
    void restart(std::uint64_t position) {
        begin_ = end_ = first_ = overlap;
        fresh_ = back_ = 0;
        position_ = position;
    }

    /// The offset of the file behind the last byte that was read.
    [[nodiscard]] std::uint64_t position() const { return position_; }

private:
    [[nodiscard]] char* at(std::size_t i) const { return pages_.data.get() + i; }

    page_buffer pages_;
    std::array<char, overlap> proof_{};
    std::size_t first_ = overlap;  ///< the first byte that is the file's, before `begin_`
    std::size_t begin_ = overlap;  ///< of what waits
    std::size_t end_ = overlap;
    std::size_t back_ = 0;  ///< how many known bytes the read begins with
    std::size_t fresh_ = 0;
    std::uint64_t position_ = 0;
};

}  // namespace millrace::detail
