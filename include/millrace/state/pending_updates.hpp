// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `pending_updates<Store, Payload>`: updates of large tables that wait until their memory has come.

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace millrace {

/// Up to `Batch` updates of panes of a `pane_store`. `push` asks for the slot's memory, `flush`
/// applies all in their order, so results are those of updating at once. Flush before a pane is
/// drained or released, and before an entry is looked at. Keys and payloads wait as values: they
/// own what they need.
template <class Store, class Payload, std::size_t Batch = 64>
class pending_updates {
public:
    using key_type = typename Store::key_type;
    using pane = typename Store::pane;
    static_assert(std::is_nothrow_move_constructible_v<key_type>
                  && std::is_nothrow_move_constructible_v<Payload>);

    pending_updates() = default;
    pending_updates(pending_updates const&) = delete;
    pending_updates& operator=(pending_updates const&) = delete;
    ~pending_updates() {
        for (; done_ < size_; ++done_) at(done_).~item();
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_ - done_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == done_; }
    [[nodiscard]] bool full() const noexcept { return size_ == Batch; }

    /// Must not be full.
    void push(pane& into, std::uint64_t hash, key_type key, Payload payload) {
        into.entries.prefetch(hash);
        ::new (static_cast<void*>(room_ + size_ * sizeof(item)))
            item{&into, hash, std::move(key), std::move(payload)};
        ++size_;
    }

    /// Calls `apply(pane, entry, inserted, payload)` for each, in order; `entry` is the slot, its
    /// value new where `inserted`. Where it throws, that update is gone, and flushing again goes on
    /// behind it.
    template <class Apply>
    void flush(Apply&& apply) {
        while (done_ < size_) {
            struct guard {
                item& gone;
                ~guard() { gone.~item(); }
            } const undo{at(done_++)};
            item& next = undo.gone;
            auto const found = next.into->entries.find_or_insert(std::move(next.key), next.hash);
            apply(*next.into, found.entry, found.inserted, next.payload);
        }
        size_ = done_ = 0;
    }

private:
    struct item {
        pane* into;
        std::uint64_t hash;
        key_type key;
        Payload payload;
    };
    [[nodiscard]] item& at(std::size_t i) noexcept {
        return *std::launder(reinterpret_cast<item*>(room_ + i * sizeof(item)));
    }

    std::size_t size_ = 0;
    std::size_t done_ = 0;
    alignas(item) std::byte room_[Batch * sizeof(item)];
};

}  // namespace millrace
