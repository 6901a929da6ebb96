// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The places of a `keyed_table`: probing, inserting, erasing, at one size.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <millrace/model/failure.hpp>
#include <millrace/model/hash.hpp>
#include <millrace/state/memory.hpp>
#include <millrace/state/memory_budget.hpp>
#include <millrace/state/table_slot.hpp>

namespace millrace::detail {

/// What `keyed_table` says of slots and tags holds for one of these. It never grows: `successor` is
/// the larger one that takes its place.
template <class Key, class Value, class Hash, bool Flagged, unsigned GenerationBits>
class open_table {
public:
    using slot = table_slot<Key, Value, Flagged>;
    static_assert(alignof(slot) <= cache_line);

    static constexpr std::size_t smallest = 16;
    static constexpr std::size_t largest = std::size_t{1} << 32;
    static constexpr std::uint16_t first_generation = 0x100;
    static constexpr std::uint16_t last_generation = ((1U << GenerationBits) - 1) << 8;
    static constexpr bool trivial =
        std::is_trivially_destructible_v<Key> && std::is_trivially_destructible_v<Value>;

    static constexpr std::size_t limit_of(std::size_t slots) { return slots / 4 * 3; }

    explicit open_table(Hash hash = {}) : hash_(hash) {}
    open_table(open_table&& other) noexcept { swap(other); }
    open_table& operator=(open_table&&) = delete;
    ~open_table() {
        destroy_entries();
        if (budget_ != nullptr) budget_->give_back(block_.bytes());
    }
    void swap(open_table& other) noexcept {
        std::swap(slots_, other.slots_);
        std::swap(tags_, other.tags_);
        std::swap(shift_, other.shift_);
        std::swap(mask_, other.mask_);
        std::swap(generation_, other.generation_);
        std::swap(size_, other.size_);
        std::swap(limit_, other.limit_);
        std::swap(capacity_, other.capacity_);
        std::swap(growths_, other.growths_);
        std::swap(hash_, other.hash_);
        std::swap(block_, other.block_);
        std::swap(budget_, other.budget_);
    }

    [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
        return static_cast<std::size_t>(hash >> shift_);
    }
    [[nodiscard]] bool occupied(std::size_t i) const noexcept {
        return (tags_[i] & 0xFF00) == generation_;
    }
    [[nodiscard]] std::uint16_t tag_of(std::uint64_t hash) const noexcept {
        return static_cast<std::uint16_t>(generation_ | ((hash >> 32) & 0xFF));
    }
    /// The first tags stand again behind the last, so that a window needs no wrapping.
    void set_tag(std::size_t i, std::uint16_t tag) noexcept {
        tags_[i] = tag;
        tags_[((i - window_size) & mask_) + window_size] = tag;
    }

    struct probed {
        slot* known;
        std::size_t index;  ///< of the first empty slot, where the key isn't known
    };
    template <class K>
    [[gnu::always_inline]] probed probe(K const& key, std::uint64_t hash,
                                        std::size_t from) const noexcept {
        tag_window const wanted = tag_window{} + tag_of(hash);
        for (std::size_t i = from;; i = (i + window_size) & mask_) {
            tag_window const tags = *reinterpret_cast<tag_window const*>(tags_ + i);
            for (unsigned same = lane_bits(tags == wanted); same != 0;) {
                auto const lane = static_cast<unsigned>(__builtin_ctz(same)) / 2;
                slot& at = slots_[(i + lane) & mask_];
                if (equal_keys(at.key, key)) [[likely]]
                    return {&at, 0};
                same &= ~(3U << (2 * lane));
            }
            unsigned const empty = lane_bits((tags & 0xFF00) != (wanted & 0xFF00));
            if (empty != 0) [[likely]]
                return {nullptr, (i + static_cast<unsigned>(__builtin_ctz(empty)) / 2) & mask_};
        }
    }

    /// The entry of `key` if it is the first of the key's own window that has its tag.
    template <class K>
    [[gnu::always_inline]] slot* near_home(K const& key, std::uint64_t hash) const noexcept {
        std::size_t const from = home(hash);
        tag_window const tags = *reinterpret_cast<tag_window const*>(tags_ + from);
        unsigned const same = lane_bits(tags == tag_window{} + tag_of(hash));
        if (same == 0) [[unlikely]]
            return nullptr;
        slot& at = slots_[(from + static_cast<unsigned>(__builtin_ctz(same)) / 2) & mask_];
        return equal_keys(at.key, key) ? &at : nullptr;
    }

    template <class K, class Make>
    slot& construct(std::size_t i, K&& key, std::uint64_t hash, Make& make) {
        struct guard {
            Key* key;
            ~guard() {
                if (key != nullptr) key->~Key();
            }
        };
        slot& at = slots_[i];
        guard undo{::new (static_cast<void*>(&at.key)) Key(std::forward<K>(key))};
        ::new (static_cast<void*>(&at.value)) Value(make());
        undo.key = nullptr;
        if constexpr (Flagged) at.set_flag(false);
        set_tag(i, tag_of(hash));
        ++size_;
        return at;
    }

    static void destroy(slot& at) noexcept {
        at.key.~Key();
        at.value.~Value();
    }
    static void relocate(slot& from, slot& to) noexcept {
        ::new (static_cast<void*>(&to.key)) Key(std::move(from.key));
        ::new (static_cast<void*>(&to.value)) Value(std::move(from.value));
        if constexpr (Flagged) to.set_flag(from.flag());
        destroy(from);
    }
    void destroy_entries() noexcept {
        if constexpr (!trivial)
            for (std::size_t i = 0; i < capacity_ && size_ > 0; ++i)
                if (occupied(i)) destroy(slots_[i]);
    }

    void adopt(slot& entry) noexcept {
        std::uint64_t const hash = hash_(entry.key);
        std::size_t to = home(hash);
        while (occupied(to)) to = (to + 1) & mask_;
        relocate(entry, slots_[to]);
        set_tag(to, tag_of(hash));
        ++size_;
    }
    /// Erases one entry and closes the gap (algorithm R).
    void remove(slot& gone) noexcept {
        destroy(gone);
        --size_;
        auto hole = static_cast<std::size_t>(&gone - slots_);
        for (std::size_t i = (hole + 1) & mask_; occupied(i); i = (i + 1) & mask_) {
            std::size_t const wanted = home(hash_(slots_[i].key));
            if (((i - wanted) & mask_) < ((i - hole) & mask_)) continue;
            relocate(slots_[i], slots_[hole]);
            set_tag(hole, tags_[i]);
            hole = i;
        }
        set_tag(hole, 0);
    }
    void clear() noexcept {
        destroy_entries();
        size_ = 0;
        if (capacity_ == 0) return;
        constexpr std::size_t parts = last_generation >> 8;
        std::size_t const part = generation_ >> 8;
        std::size_t const tags = capacity_ + window_size;
        std::size_t const from = tags / parts * (part - 1);
        std::size_t const to = part == parts ? tags : tags / parts * part;
        std::memset(tags_ + from, 0, (to - from) * sizeof *tags_);
        generation_ = generation_ == last_generation
                          ? first_generation
                          : static_cast<std::uint16_t>(generation_ + first_generation);
    }
    [[nodiscard]] bool has(slot const& entry) const noexcept {
        auto const at = reinterpret_cast<std::uintptr_t>(&entry);
        auto const first = reinterpret_cast<std::uintptr_t>(slots_);
        return at >= first && at - first < capacity_ * sizeof(slot);
    }
    [[nodiscard]] static constexpr std::size_t bytes_of(std::size_t slots) {
        return slots * sizeof(slot) + (slots + window_size) * sizeof *tags_;
    }
    [[nodiscard]] std::size_t tags_at(std::size_t i) const noexcept {
        return capacity_ * sizeof(slot) + i * sizeof *tags_;
    }
    /// An empty table of so many slots that takes the place of this one.
    [[nodiscard]] open_table successor(std::size_t slots) const {
        if (slots > largest || slots > (~std::size_t{0} >> 2) / sizeof(slot))
            throw std::bad_alloc();
        open_table larger(hash_);
        std::size_t const bytes = memory_block::takes(bytes_of(slots));
        if (budget_ != nullptr && !budget_->take(bytes)) throw state_full();
        struct undo {
            memory_budget* of;
            std::size_t bytes;
            ~undo() {
                if (of != nullptr) of->give_back(bytes);
            }
        } none_yet{budget_, bytes};
        larger.block_ = memory_block(bytes);
        none_yet.of = nullptr;
        larger.budget_ = budget_;
        larger.slots_ = reinterpret_cast<slot*>(larger.block_.data());
        larger.tags_ = reinterpret_cast<std::uint16_t*>(larger.slots_ + slots);
        for (std::size_t n = slots; n > 2; n /= 2) --larger.shift_;
        larger.capacity_ = slots;
        larger.mask_ = slots - 1;
        larger.limit_ = limit_of(slots);
        larger.growths_ = growths_ + 1;
        return larger;
    }

    // Open to `keyed_table`, whose members they are; named as such.
    // NOLINTBEGIN(readability-identifier-naming)
    slot* slots_ = nullptr;
    std::uint16_t* tags_ = no_tags;
    std::size_t mask_ = 0;
    unsigned shift_ = 63;
    std::uint16_t generation_ = first_generation;
    std::size_t size_ = 0;
    std::size_t limit_ = 0;
    std::size_t capacity_ = 0;
    std::size_t growths_ = 0;
    [[no_unique_address]] Hash hash_;
    memory_block block_;
    memory_budget* budget_ = nullptr;
    // NOLINTEND(readability-identifier-naming)
};

}  // namespace millrace::detail
