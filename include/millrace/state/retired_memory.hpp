// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `retired_memory`: large blocks that are no longer needed, unmapped a piece at a time.

#include <cstddef>
#include <utility>

#include <millrace/state/buffer.hpp>
#include <millrace/state/memory.hpp>

namespace millrace {

/// To unmap 320 MiB of small pages takes 20 ms, of large ones 0.8 ms; a piece of 256 KiB about
/// 15 µs.
class retired_memory {
public:
    /// Takes a block; without memory for the list it is unmapped at once.
    void add(memory_block block) noexcept {
        if (block.bytes() < detail::mapped_from) return;
        block.start_hole(0, 0);
        try {
            blocks_.push_back(std::move(block));
            given_ = 0;  // of the one before less is known to be gone than is
        } catch (...) {
            memory_block const unmapped = std::move(block);
        }
    }
    /// Unmaps about so many bytes; true while there is more.
    bool release(std::size_t bytes) noexcept {
        if (blocks_.empty()) return false;
        memory_block& last = blocks_.back();
        given_ += bytes;
        if (given_ < last.bytes()) {
            last.widen_hole(0, given_);
            return true;
        }
        blocks_.pop_back();
        given_ = 0;
        return !blocks_.empty();
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        std::size_t sum = blocks_.bytes();
        for (memory_block const& block : blocks_) sum += block.bytes();
        return sum - (blocks_.empty() ? 0 : given_);
    }

private:
    buffer<memory_block> blocks_;
    std::size_t given_ = 0;  ///< of the last one
};

}  // namespace millrace
