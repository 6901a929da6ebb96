// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `buffer<T>`: a growable array for state, without the half second that <vector> costs every user's
// compiler.

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include <millrace/state/memory.hpp>

namespace millrace {

/// What it holds is nothrow-movable. Grows by doubling; references die when it grows. Move-only
/// itself.
template <class T>
class buffer {
    static_assert(std::is_nothrow_move_constructible_v<T> && alignof(T) <= detail::cache_line);

public:
    buffer() = default;
    buffer(buffer&& other) noexcept
        : block_(std::move(other.block_)), size_(std::exchange(other.size_, 0)) {}
    buffer& operator=(buffer&& other) noexcept {
        std::swap(block_, other.block_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~buffer() { clear(); }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t capacity() const noexcept { return block_.bytes() / sizeof(T); }
    [[nodiscard]] std::size_t bytes() const noexcept { return block_.bytes(); }
    [[nodiscard]] T* data() const noexcept {
        return std::launder(reinterpret_cast<T*>(block_.data()));
    }
    [[nodiscard]] T* begin() const noexcept { return size_ == 0 ? nullptr : data(); }
    [[nodiscard]] T* end() const noexcept { return size_ == 0 ? nullptr : data() + size_; }
    [[nodiscard]] T& operator[](std::size_t i) const noexcept { return data()[i]; }
    [[nodiscard]] T& back() const noexcept { return data()[size_ - 1]; }

    void reserve(std::size_t count) {
        if (count <= capacity()) return;
        if (count > ~std::size_t{0} / sizeof(T)) throw std::bad_alloc();
        memory_block larger(count * sizeof(T));
        auto* const to = reinterpret_cast<T*>(larger.data());
        for (std::size_t i = 0; i < size_; ++i) {
            ::new (static_cast<void*>(to + i)) T(std::move(data()[i]));
            data()[i].~T();
        }
        block_ = std::move(larger);
    }

    /// The arguments must not refer into the buffer.
    template <class... Args>
    T& emplace_back(Args&&... args) {
        if (size_ == capacity()) reserve(size_ < 4 ? 8 : 2 * size_);
        T* const made = ::new (static_cast<void*>(block_.data() + size_ * sizeof(T)))
            T(std::forward<Args>(args)...);
        ++size_;
        return *made;
    }
    void push_back(T value) { emplace_back(std::move(value)); }
    void pop_back() noexcept { data()[--size_].~T(); }
    void clear() noexcept {
        if constexpr (!std::is_trivially_destructible_v<T>)
            while (size_ > 0) pop_back();
        size_ = 0;
    }
    /// Empties it and gives its memory back.
    void reset() noexcept {
        clear();
        memory_block none;
        block_ = std::move(none);
    }

private:
    memory_block block_;
    std::size_t size_ = 0;
};

}  // namespace millrace
