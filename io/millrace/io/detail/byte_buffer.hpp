// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `byte_buffer`: bytes of a connection that wait, for the rest of their frame or to be sent.

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace millrace::detail {

/// Doubles when it must and shrinks only by `release`. Without memory until the first byte: ten
/// thousand idle connections own none.
class byte_buffer {
public:
    byte_buffer() = default;
    byte_buffer(byte_buffer&& other) noexcept { swap(other); }
    byte_buffer& operator=(byte_buffer&& other) noexcept {
        swap(other);
        return *this;
    }

    /// Room for `count` more bytes behind the end, which are part of it at once.
    char* extend(std::size_t count) {
        if (capacity_ - size_ < count) [[unlikely]]
            grow(count);
        char* const at = data_.get() + size_;
        size_ += count;
        return at;
    }
    void append(std::string_view bytes) {
        if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
    }
    void clear() { size_ = 0; }
    void release() {
        data_.reset();
        size_ = capacity_ = 0;
    }
    void swap(byte_buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    /// Bytes of memory that it owns.
    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    [[nodiscard]] char* data() const { return data_.get(); }
    [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }

private:
    void grow(std::size_t count) {
        std::size_t capacity = capacity_ < 128 ? 128 : capacity_ * 2;
        if (capacity < size_ + count) capacity = size_ + count;
        std::unique_ptr<char[]> more(new char[capacity]);
        if (size_ != 0) std::memcpy(more.get(), data_.get(), size_);
        data_ = std::move(more);
        capacity_ = capacity;
    }

    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace millrace::detail
