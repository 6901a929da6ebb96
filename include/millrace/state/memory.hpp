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

/// How memory that grows is faulted in. A page of 2 MiB takes 170 to 240 µs to clear, one of 4 KiB
/// 1.4 µs (EPYC, Linux 6.18): where a turn has a bound the small ones are taken, and the kernel may
/// join them later; elsewhere the large ones, whose random access is faster.
enum class page_faults : std::uint8_t { large, small };

namespace detail {
/// Of this thread; set before any state is made. A core that serves something live sets `small`.
inline constinit thread_local page_faults faults_of_thread = page_faults::large;

/// Sets it for as long as this lives.
class page_faults_here {
public:
    explicit page_faults_here(page_faults f) noexcept
        : before_(std::exchange(faults_of_thread, f)) {}
    page_faults_here(page_faults_here const&) = delete;
    page_faults_here& operator=(page_faults_here const&) = delete;
    ~page_faults_here() { faults_of_thread = before_; }

private:
    page_faults before_;
};

inline constexpr std::size_t huge_page = std::size_t{2} << 20;
inline constexpr std::size_t small_page = std::size_t{4} << 10;
inline constexpr std::size_t cache_line = 64;
/// Blocks with small pages are mapped from here on: clearing them in one go would take long.
inline constexpr std::size_t mapped_from = std::size_t{128} << 10;

/// Maps `bytes`, a multiple of `align`, at an address that is one too. The slack is unmapped again.
inline void* map_aligned(std::size_t bytes, std::size_t align) {
    std::size_t const slack = bytes + align;
    void* const raw = slack < bytes ? MAP_FAILED
                                    : ::mmap(nullptr, slack, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) throw std::bad_alloc();
    auto const from = reinterpret_cast<std::uintptr_t>(raw);
    std::uintptr_t const start = (from + align - 1) & ~(align - 1);
    std::size_t const before = start - from;
    if (before > 0) ::munmap(raw, before);
    auto* const data = reinterpret_cast<void*>(start);
    if (before < align) ::munmap(static_cast<std::byte*>(data) + bytes, align - before);
    return data;
}
}  // namespace detail

/// An owned block of bytes, aligned to a cache line, zeroed. From 2 MiB on it is mapped in pages of
/// 2 MiB (unless the thread wants small faults: `page_faults`) and given back to the system when it
/// dies. Throws `std::bad_alloc`.
class memory_block {
public:
    memory_block() = default;
    explicit memory_block(std::size_t bytes) {
        if (bytes == 0) return;
        bool const small = detail::faults_of_thread == page_faults::small;
        if (bytes >= mapped_from()) {
            if (bytes > ~detail::huge_page) throw std::bad_alloc();
            std::size_t const page = page_of(bytes);
            bytes = takes(bytes);
            data_ = static_cast<std::byte*>(detail::map_aligned(bytes, page));
            mapped_ = true;
            // A refusal costs speed, never results.
            (void)::madvise(data_, bytes, small ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
            piece_ = small ? std::size_t{64} << 10 : detail::huge_page;
        } else {
            data_ = static_cast<std::byte*>(
                ::operator new(bytes, std::align_val_t{detail::cache_line}));
            std::memset(data_, 0, bytes);
        }
        bytes_ = bytes;
    }
    memory_block(memory_block&& other) noexcept { swap(other); }
    memory_block& operator=(memory_block&& other) noexcept {
        swap(other);
        return *this;
    }
    ~memory_block() {
        if (data_ == nullptr) return;
        if (mapped_) {
            std::size_t from = 0;
            for (hole const& h : holes_) {
                if (h.begin == h.end) continue;
                ::munmap(data_ + from, h.begin - from);
                from = h.end;
            }
            if (from < bytes_) ::munmap(data_ + from, bytes_ - from);
        } else
            ::operator delete(data_, std::align_val_t{detail::cache_line});
    }

    [[nodiscard]] std::byte* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// What a block of so many bytes takes, in whole pages.
    [[nodiscard]] static std::size_t takes(std::size_t bytes) noexcept {
        if (bytes < mapped_from()) return bytes;
        std::size_t const page = page_of(bytes);
        return (bytes + page - 1) & ~(page - 1);
    }

    /// A part of a block that is given back before the rest: it grows at its end.
    struct hole {
        std::size_t begin = 0, end = 0;
    };
    /// Starts hole 0 or 1 (in this order of place) at the first whole piece from `from` on.
    void start_hole(unsigned which, std::size_t from) noexcept {
        if (mapped_)
            holes_[which].begin = holes_[which].end = (from + piece_ - 1) / piece_ * piece_;
    }
    /// Unmaps up to `to`, as far as whole pieces go: nothing there may be looked at again. For a
    /// block that is emptied from front to back, so that its end costs little: to unmap 320 MiB of
    /// small pages takes 20 ms, of large ones 0.8 ms.
    void widen_hole(unsigned which, std::size_t to) noexcept {
        if (!mapped_) return;
        hole& h = holes_[which];
        to = to / piece_ * piece_;
        if (to <= h.end) return;
        ::munmap(data_ + h.end, to - h.end);
        h.end = to;
    }
    /// Has the next piece faulted in by one call, and returns where it ends (a turn of a growing
    /// table took 58 µs so, 68 with a fault a page, each at the 95th percentile). Kernels
    /// before 5.14 refuse; then each page has its fault.
    std::size_t populate(std::size_t from) noexcept {
        if (!mapped_ || from >= bytes_) return bytes_;
        std::size_t const end = bytes_ - from < piece_ ? bytes_ : from + piece_;
        constexpr int populate_write = 23;  // MADV_POPULATE_WRITE
        (void)::madvise(data_ + from, end - from, populate_write);
        return end;
    }
    /// From here on the kernel may join small pages into large ones.
    void grown() noexcept {
        if (mapped_ && bytes_ >= detail::huge_page) (void)::madvise(data_, bytes_, MADV_HUGEPAGE);
    }

private:
    static std::size_t mapped_from() noexcept {
        return detail::faults_of_thread == page_faults::small ? detail::mapped_from
                                                              : detail::huge_page;
    }
    /// Whole large pages from 2 MiB on, so that the kernel can join small ones.
    static std::size_t page_of(std::size_t bytes) noexcept {
        return bytes < detail::huge_page ? detail::small_page : detail::huge_page;
    }
    void swap(memory_block& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        std::swap(piece_, other.piece_);
        std::swap(mapped_, other.mapped_);
        std::swap(holes_, other.holes_);
    }

    std::byte* data_ = nullptr;
    std::size_t bytes_ = 0;
    std::size_t piece_ = 0;  ///< what is given back at a time, at least
    bool mapped_ = false;
    hole holes_[2];
};

}  // namespace millrace
