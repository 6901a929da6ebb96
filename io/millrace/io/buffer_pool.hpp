// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `buffer_pool`: buffers of one size that the kernel fills with what arrives. Not giving them back
// is how a core holds its senders back.

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <sys/mman.h>
#include <vector>

#include <millrace/io/operation.hpp>
#include <millrace/io/uring_abi.hpp>
#include <millrace/model/failure.hpp>

#ifndef MILLRACE_ADDRESS_SANITIZER
#if defined(__SANITIZE_ADDRESS__)
#define MILLRACE_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MILLRACE_ADDRESS_SANITIZER 1
#endif
#endif
#endif
#ifdef MILLRACE_ADDRESS_SANITIZER
extern "C" void __asan_poison_memory_region(void const volatile*, std::size_t);
extern "C" void __asan_unpoison_memory_region(void const volatile*, std::size_t);
#endif

namespace millrace {

/// How many buffers, a power of two up to 32768, and how large. 64 × 64 KiB reach 0.94 of a raw
/// receive loop; 16 KiB halve it.
struct pool_options {
    std::uint32_t buffers = 64;
    std::uint32_t bytes = 64 * 1024;
};

/// Belongs to one engine and its thread, which makes it (`core_engine::make_pool`). A buffer is the
/// kernel's until a completion brings it, then the handler's until `recycle`. Its memory is touched
/// when it is made, and counts against no limit of locked memory.
class buffer_pool {
public:
    explicit buffer_pool(pool_options const& options) : options_(options) {
        if (!std::has_single_bit(options.buffers) || options.buffers > 32768 || options.bytes == 0)
            throw failure(exit_code::configuration,
                          "millrace: io: a pool of " + std::to_string(options.buffers)
                              + " buffers of " + std::to_string(options.bytes)
                              + " bytes. Take a power of two up to 32768, of at least one byte.");
        memory_ = map(memory_bytes());
        entries_ = reinterpret_cast<detail::provided_buffer*>(map(entries_bytes()));
        if (memory_ == nullptr || entries_ == nullptr) {
            unmap();
            throw failure(exit_code::configuration,
                          "millrace: io: no memory for a pool of " + std::to_string(options.buffers)
                              + " buffers of " + std::to_string(options.bytes)
                              + " bytes. Ask for fewer, or run on a machine with more.");
        }
        spare_.reserve(options.buffers);
        for (std::uint32_t id = 0; id < options.buffers; ++id) recycle(id);
    }
    buffer_pool(buffer_pool const&) = delete;
    buffer_pool& operator=(buffer_pool const&) = delete;
    ~buffer_pool() { unmap(); }

    [[nodiscard]] char* data(std::uint32_t id) const {
        return memory_ + std::size_t{id} * options_.bytes;
    }
    [[nodiscard]] std::uint32_t capacity() const { return options_.buffers; }
    [[nodiscard]] std::uint32_t buffer_bytes() const { return options_.bytes; }
    /// Buffers that nobody holds.
    [[nodiscard]] std::uint32_t free() const {
        return offered_ + static_cast<std::uint32_t>(spare_.size());
    }
    /// Those of them that the next completions may bring.
    [[nodiscard]] std::uint32_t offered() const { return offered_; }
    /// A quarter is free: what ended with -ENOBUFS may be submitted again.
    [[nodiscard]] bool refilled() const { return offered_ != 0 && offered_ * 4 >= limit_; }

    /// How many may be offered or held, at first all. The kernel takes the one that was given back
    /// longest ago: few that go round stay in the cache of the core, all of them don't.
    void limit(std::uint32_t most) {
        limit_ = std::clamp(most, 1U, options_.buffers);
        while (!spare_.empty() && in_use() < limit_) {
            offer(spare_.back());
            spare_.pop_back();
        }
    }
    [[nodiscard]] std::uint32_t limit() const { return limit_; }

    /// Gives a buffer back; its bytes must not be looked at any more. A few stores.
    void recycle(std::uint32_t id) {
        poison(id);
        if (in_use() > limit_)
            spare_.push_back(id);
        else
            offer(id);
    }

    /// For the engine: the number of the group by which its ring knows the pool, and the entries
    /// that the kernel reads.
    [[nodiscard]] int group() const { return group_; }
    void group(int number) { group_ = number; }
    [[nodiscard]] detail::provided_buffer* entries() const { return entries_; }
    /// The kernel has taken this one.
    void taken(std::uint32_t id) {
        --offered_;
        unpoison(id);
    }
    /// Where no ring takes them: the oldest that is free, or `no_buffer`.
    std::uint32_t take() {
        if (offered_ == 0) return no_buffer;
        auto const oldest = static_cast<std::uint16_t>(tail_ - offered_);
        std::uint32_t const id = entries_[oldest & (options_.buffers - 1)].id;
        taken(id);
        return id;
    }
    /// Takes back, as the next to be taken, the one that `take` gave last and nothing filled.
    void untake(std::uint32_t id) {
        poison(id);
        ++offered_;
    }

private:
    [[nodiscard]] std::uint32_t in_use() const {
        return options_.buffers - static_cast<std::uint32_t>(spare_.size());
    }
    void offer(std::uint32_t id) {
        detail::provided_buffer& entry = entries_[tail_ & (options_.buffers - 1)];
        entry.address = reinterpret_cast<std::uintptr_t>(data(id));
        entry.bytes = options_.bytes;
        entry.id = static_cast<std::uint16_t>(id);
        ++tail_;
        ++offered_;
        std::atomic_ref<std::uint16_t>(entries_[0].tail).store(tail_, std::memory_order_release);
    }
    /// In large pages where there are some, and touched, so that no receive waits for a page.
    static char* map(std::size_t bytes) {
        void* const at =
            ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) return nullptr;
        if (bytes >= std::size_t{2} << 20) (void)::madvise(at, bytes, MADV_HUGEPAGE);
        auto* const memory = static_cast<char volatile*>(at);
        for (std::size_t page = 0; page < bytes; page += 4096) memory[page] = 0;
        return static_cast<char*>(at);
    }
    void unmap() {
        for (std::uint32_t id = 0; memory_ != nullptr && id < options_.buffers; ++id) unpoison(id);
        if (memory_ != nullptr) ::munmap(memory_, memory_bytes());
        if (entries_ != nullptr) ::munmap(entries_, entries_bytes());
    }
    [[nodiscard]] std::size_t memory_bytes() const {
        return std::size_t{options_.buffers} * options_.bytes;
    }
    [[nodiscard]] std::size_t entries_bytes() const {
        return options_.buffers * sizeof(detail::provided_buffer);
    }
    /// Under the address sanitizer a look at bytes that were given back is an error.
    void poison([[maybe_unused]] std::uint32_t id) const {
#ifdef MILLRACE_ADDRESS_SANITIZER
        __asan_poison_memory_region(data(id), options_.bytes);
#endif
    }
    void unpoison([[maybe_unused]] std::uint32_t id) const {
#ifdef MILLRACE_ADDRESS_SANITIZER
        __asan_unpoison_memory_region(data(id), options_.bytes);
#endif
    }

    pool_options options_;
    char* memory_ = nullptr;
    detail::provided_buffer* entries_ = nullptr;
    std::vector<std::uint32_t> spare_;
    std::uint32_t limit_ = options_.buffers;
    std::uint32_t offered_ = 0;
    int group_ = -1;
    std::uint16_t tail_ = 0;
};

}  // namespace millrace
