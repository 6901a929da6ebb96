// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The memory of formats: a buffer that grows and never shrinks, and an arena for text that had to
// be unescaped.

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace millrace::detail {

/// Bytes that keep their room from record to record. `slack` bytes behind the end may be read, and
/// hold zeros or old bytes.
class format_buffer {
public:
    static constexpr std::size_t slack = 64;

    /// Room for `count` more bytes behind the end; `commit` tells how many were written.
    char* room(std::size_t count) {
        if (capacity_ - size_ < count) [[unlikely]]
            grow(count);
        return data_.get() + size_;
    }
    void commit(char const* end) { size_ = static_cast<std::size_t>(end - data_.get()); }
    void append(std::string_view text) {
        if (text.empty()) return;
        std::memcpy(room(text.size()), text.data(), text.size());
        size_ += text.size();
    }
    void push_back(char c) {
        *room(1) = c;
        ++size_;
    }
    void clear() { size_ = 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] char const* data() const { return data_.get(); }
    [[nodiscard]] char* data() { return data_.get(); }
    [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }

private:
    void grow(std::size_t count) {
        std::size_t capacity = capacity_ < 256 ? 256 : capacity_ * 2;
        if (capacity < size_ + count) capacity = size_ + count;
        auto data = std::make_unique<char[]>(capacity + slack);
        if (size_ != 0) std::memcpy(data.get(), data_.get(), size_);
        data_ = std::move(data);
        capacity_ = capacity;
    }

    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// Of a reader that can't say where the row begins that it stands in.
inline constexpr std::size_t cut_unknown = ~std::size_t{0};

/// Text that lives until `reset`: blocks, so that what was given out stays where it is.
class scratch_arena {
public:
    void reset() {
        block_ = 0;
        used_ = 0;
    }
    /// `count` bytes; the caller gives back what it did not use with `trim`.
    char* take(std::size_t count) {
        while (block_ < blocks_.size() && blocks_[block_].size - used_ < count) {
            ++block_;
            used_ = 0;
        }
        if (block_ == blocks_.size()) {
            std::size_t const size = count < block_bytes ? block_bytes : count;
            blocks_.push_back({std::make_unique<char[]>(size), size});
            used_ = 0;
        }
        char* const out = blocks_[block_].data.get() + used_;
        used_ += count;
        return out;
    }
    void trim(std::size_t unused) { used_ -= unused; }

private:
    static constexpr std::size_t block_bytes = 16 * 1024;
    struct block {
        std::unique_ptr<char[]> data;
        std::size_t size;
    };
    std::vector<block> blocks_;
    std::size_t block_ = 0;
    std::size_t used_ = 0;
};

}  // namespace millrace::detail
