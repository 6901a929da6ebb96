// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Raw blocks for state: pages of 2 MiB where a block is large, because random access to 4 KiB pages
// waits for the TLB.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <utility>

namespace millrace {

namespace detail {
inline constexpr std::size_t huge_page = std::size_t{2} << 20;
inline constexpr std::size_t cache_line = 64;

/// Maps `bytes`, a multiple of `huge_page`, at an address that is one too. The slack is unmapped
/// again.
inline void* map_huge(std::size_t bytes) {
    std::size_t const slack = bytes + huge_page;
    void* const raw = slack < bytes ? MAP_FAILED
                                    : ::mmap(nullptr, slack, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) throw std::bad_alloc();
    auto const from = reinterpret_cast<std::uintptr_t>(raw);
    std::uintptr_t const start = (from + huge_page - 1) & ~(huge_page - 1);
    std::size_t const before = start - from;
    if (before > 0) ::munmap(raw, before);
    auto* const data = reinterpret_cast<void*>(start);
    ::munmap(static_cast<std::byte*>(data) + bytes, huge_page - before);
    (void)::madvise(data, bytes, MADV_HUGEPAGE);  // a refusal costs speed, never results
    return data;
}
}  // namespace detail

/// An owned block of bytes, aligned to a cache line, zeroed. From 2 MiB on it is mapped in pages of
/// 2 MiB and given back to the system when it dies. Throws `std::bad_alloc`.
class memory_block {
public:
    memory_block() = default;
    explicit memory_block(std::size_t bytes) {
        if (bytes == 0) return;
        if (bytes >= detail::huge_page) {
            if (bytes > ~detail::huge_page) throw std::bad_alloc();
            bytes = (bytes + detail::huge_page - 1) & ~(detail::huge_page - 1);
            data_ = static_cast<std::byte*>(detail::map_huge(bytes));
        } else {
            data_ = static_cast<std::byte*>(
                ::operator new(bytes, std::align_val_t{detail::cache_line}));
            std::memset(data_, 0, bytes);
        }
        bytes_ = bytes;
    }
    memory_block(memory_block&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    memory_block& operator=(memory_block&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~memory_block() {
        if (data_ == nullptr) return;
        if (bytes_ >= detail::huge_page)
            ::munmap(data_, bytes_);
        else
            ::operator delete(data_, std::align_val_t{detail::cache_line});
    }

    [[nodiscard]] std::byte* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    std::byte* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace millrace
