// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `keyed_table<Key, Value>`: the entries of one pane, or of rolling state: cleared at once, drained
// in pieces.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <millrace/model/hash.hpp>
#include <millrace/state/memory.hpp>

namespace millrace {

/// One place of a table: a key and its value. `Flagged` adds the mark «emitted» (allowed lateness
/// needs it).
template <class Key, class Value, bool Flagged = true>
struct table_slot {
    union {
        Key key;
    };
    union {
        Value value;
    };

    table_slot() = delete;
    ~table_slot() = delete;

    [[nodiscard]] bool flag() const noexcept { return flag_; }
    void set_flag(bool on) noexcept { flag_ = on; }

private:
    bool flag_;
};
template <class Key, class Value>
struct table_slot<Key, Value, false> {
    union {
        Key key;
    };
    union {
        Value value;
    };

    table_slot() = delete;
    ~table_slot() = delete;
};

namespace detail {
/// Eight tags, compared at once. The compiler's own vectors cost no header; <emmintrin.h> is 3,000
/// lines.
using tag_window [[gnu::vector_size(16), gnu::aligned(2), gnu::may_alias]] = std::uint16_t;
using tag_bytes [[gnu::vector_size(16)]] = char;
inline constexpr std::size_t window_size = 8;

/// Two bits for each lane that is all ones.
template <class Lanes>
[[gnu::always_inline]] inline unsigned lane_bits(Lanes lanes) noexcept {
    return static_cast<unsigned>(__builtin_ia32_pmovmskb128(reinterpret_cast<tag_bytes>(lanes)));
}
/// The tags of a table without memory: all empty, never written.
alignas(16) inline constinit std::uint16_t no_tags[2 * window_size]{};
}  // namespace detail

/// Open addressing with linear probing by the high bits of the hash (Knuth 6.4, algorithm L;
/// erasing by algorithm R). Beside the slots lies an array of tags, each of 8 bits of generation
/// and 8 of hash: eight are compared at once, so that a lookup has no branch on how far its entry
/// lies (with the tag inside the slot 10 thousand keys took 14 ns a record, not 8);
/// and a slot of another generation is empty, so that clearing is one addition. Every 255th clear
/// zeroes the tags. A full table doubles in one go: references, slots and cursors die (`growths()`
/// tells); the order by hash stays, so growing is two sequential passes. At most 2^32 slots.
/// Nothing throws but growing (`std::bad_alloc`) and the user's constructors; then the table is as
/// it was. `GenerationBits` is 8; a test makes it smaller.
template <class Key, class Value, class Hash = key_hash, bool Flagged = true,
          unsigned GenerationBits = 8>
class keyed_table {
    static_assert(std::is_nothrow_move_constructible_v<Key>
                      && std::is_nothrow_move_constructible_v<Value>,
                  "millrace: keyed_table: keys and values must move without throwing. Declare "
                  "the move noexcept.");
    static_assert(GenerationBits >= 1 && GenerationBits <= 8);

public:
    using key_type = Key;
    using mapped_type = Value;
    using slot = table_slot<Key, Value, Flagged>;
    static_assert(alignof(slot) <= detail::cache_line);

    struct insertion {
        slot& entry;
        bool inserted;
    };

    explicit keyed_table(Hash hash = {}) : hash_(hash) {}
    keyed_table(keyed_table&& other) noexcept { swap(other); }
    keyed_table& operator=(keyed_table&& other) noexcept {
        swap(other);
        return *this;
    }
    ~keyed_table() { destroy_entries(); }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return block_.bytes(); }
    /// How often places moved by growing or shrinking; a drain that sees it change starts again at
    /// 0.
    [[nodiscard]] std::size_t growths() const noexcept { return growths_; }
    template <class K>
    [[nodiscard]] std::uint64_t hash(K const& key) const {
        return hash_(key);
    }

    /// Brings the tags and the slot of `hash` into the cache.
    void prefetch(std::uint64_t hash) const noexcept {
        __builtin_prefetch(tags_ + home(hash), 0);
        auto const at = reinterpret_cast<std::uintptr_t>(slots_) + home(hash) * sizeof(slot);
        __builtin_prefetch(reinterpret_cast<void const*>(at), 1);
        if constexpr (detail::cache_line % sizeof(slot) != 0)
            __builtin_prefetch(reinterpret_cast<void const*>(at + sizeof(slot) - 1), 1);
    }

    /// The entry of `key`, or null. `hash` is `this->hash(key)`.
    template <class K>
    [[nodiscard]] slot* find(K const& key, std::uint64_t hash) const noexcept {
        return probe(key, hash).known;
    }

    /// The entry of `key`; a new one has a value-initialised `Value` and no flag.
    template <class K>
    insertion find_or_insert(K&& key, std::uint64_t hash) {
        return find_or_insert(std::forward<K>(key), hash, [] { return Value(); });
    }

    /// The same; a new entry's value is `make()`. The key is consumed only where it is inserted.
    template <class K, class Make>
    [[gnu::always_inline]] insertion find_or_insert(K&& key, std::uint64_t hash, Make&& make) {
        auto const [known, index] = probe(key, hash);
        if (known != nullptr) [[likely]]
            return {*known, false};
        return {insert(index, std::forward<K>(key), hash, make), true};
    }

    /// Erases one entry and closes the gap: later entries of its run move back one place, some past
    /// the cursor of a scan that is under way. `scan_erase` knows how to go on; a drain doesn't.
    void erase(slot& gone) noexcept {
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

    /// Empties it and keeps its room. O(1) where key and value are trivially destructible.
    void clear() noexcept {
        destroy_entries();
        size_ = 0;
        if (capacity_ == 0) return;
        generation_ = static_cast<std::uint16_t>(generation_ + first_generation);
        if (generation_ > last_generation || generation_ == 0) [[unlikely]] {
            std::memset(tags_, 0, (capacity_ + detail::window_size) * sizeof *tags_);
            generation_ = first_generation;
        }
    }
    /// Empties it and gives its memory back.
    void reset() noexcept {
        std::size_t const moved = growths_ + (capacity_ > 0 ? 1 : 0);
        keyed_table none(hash_);
        swap(none);
        growths_ = moved;
    }
    /// Room for `count` entries without growing.
    void reserve(std::size_t count) {
        std::size_t const wanted = capacity_for(count);
        if (wanted > capacity_) rebuild(wanted);
    }
    /// How many slots `count` entries need.
    [[nodiscard]] static std::size_t capacity_for(std::size_t count) {
        std::size_t slots = smallest;
        while (limit_of(slots) < count) slots *= 2;
        return slots;
    }

    /// Calls `visit(key, value, flag)` for at most `n` entries from `cursor` on, `flag` being a
    /// `bool&`, and returns the next cursor: `capacity()` at the end. Looks at no more than 16 n +
    /// 512 slots, so it may visit fewer.
    template <class Visit>
    std::size_t scan(std::size_t cursor, std::size_t n, Visit&& visit) {
        std::size_t const end = bounded_end(cursor, n);
        for (; cursor < end && n > 0; ++cursor) {
            if (!occupied(cursor)) continue;
            slot& at = slots_[cursor];
            --n;
            bool flag = false;
            if constexpr (Flagged) flag = at.flag();
            visit(static_cast<Key const&>(at.key), at.value, flag);
            if constexpr (Flagged) at.set_flag(flag);
        }
        return cursor;
    }

    /// The same, erasing each entry for which `gone(key, value)` holds. An entry may be asked
    /// twice, none is missed.
    template <class Gone>
    std::size_t scan_erase(std::size_t cursor, std::size_t n, Gone&& gone) {
        std::size_t const end = bounded_end(cursor, n);
        while (cursor < end && n > 0) {
            if (!occupied(cursor)) {
                ++cursor;
                continue;
            }
            slot& at = slots_[cursor];
            --n;
            if (gone(static_cast<Key const&>(at.key), at.value))
                erase(at);
            else
                ++cursor;
        }
        return cursor;
    }

    void swap(keyed_table& other) noexcept {
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
    }

private:
    static constexpr std::size_t smallest = 16;
    static constexpr std::size_t largest = std::size_t{1} << 32;
    static constexpr std::uint16_t first_generation = 0x100;
    static constexpr std::uint16_t last_generation = ((1U << GenerationBits) - 1) << 8;
    static constexpr bool trivial =
        std::is_trivially_destructible_v<Key> && std::is_trivially_destructible_v<Value>;
    /// A longer run than this in a table that is not nearly empty makes it grow early. Entries that
    /// arrive in the order of their hash (drained from a larger table) would else fill the front of
    /// this one: quadratic.
    static constexpr std::size_t long_run = 128;

    static constexpr std::size_t limit_of(std::size_t slots) { return slots / 4 * 3; }

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
        tags_[((i - detail::window_size) & mask_) + detail::window_size] = tag;
    }

    struct probed {
        slot* known;
        std::size_t index;  ///< of the first empty slot, where the key isn't known
    };
    template <class K>
    [[gnu::always_inline]] probed probe(K const& key, std::uint64_t hash) const noexcept {
        using detail::tag_window;
        tag_window const wanted = tag_window{} + tag_of(hash);
        for (std::size_t i = home(hash);; i = (i + detail::window_size) & mask_) {
            tag_window const tags = *reinterpret_cast<tag_window const*>(tags_ + i);
            for (unsigned same = detail::lane_bits(tags == wanted); same != 0;) {
                auto const lane = static_cast<unsigned>(__builtin_ctz(same)) / 2;
                slot& at = slots_[(i + lane) & mask_];
                if (equal_keys(at.key, key)) [[likely]]
                    return {&at, 0};
                same &= ~(3U << (2 * lane));
            }
            unsigned const empty = detail::lane_bits((tags & 0xFF00) != (wanted & 0xFF00));
            if (empty != 0) [[likely]]
                return {nullptr, (i + static_cast<unsigned>(__builtin_ctz(empty)) / 2) & mask_};
        }
    }

    template <class K, class Make>
    [[gnu::noinline]] slot& insert_after_growth(K&& key, std::uint64_t hash, Make& make) {
        rebuild(capacity_ == 0 ? smallest : 2 * capacity_);
        std::size_t i = home(hash);
        while (occupied(i)) i = (i + 1) & mask_;
        return construct(i, std::forward<K>(key), hash, make);
    }
    template <class K, class Make>
    slot& insert(std::size_t i, K&& key, std::uint64_t hash, Make& make) {
        bool const crowded = ((i - home(hash)) & mask_) > long_run && size_ > capacity_ / 8;
        if (size_ >= limit_ || crowded) [[unlikely]]
            return insert_after_growth(std::forward<K>(key), hash, make);
        return construct(i, std::forward<K>(key), hash, make);
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

    [[gnu::noinline, gnu::cold]] void rebuild(std::size_t slots) {
        if (slots > largest || slots > (~std::size_t{0} >> 2) / sizeof(slot))
            throw std::bad_alloc();
        keyed_table larger(hash_);
        larger.block_ =
            memory_block(slots * sizeof(slot) + (slots + detail::window_size) * sizeof *tags_);
        larger.slots_ = reinterpret_cast<slot*>(larger.block_.data());
        larger.tags_ = reinterpret_cast<std::uint16_t*>(larger.slots_ + slots);
        for (std::size_t n = slots; n > 2; n /= 2) --larger.shift_;
        larger.capacity_ = slots;
        larger.mask_ = slots - 1;
        larger.limit_ = limit_of(slots);
        for (std::size_t i = 0; i < capacity_; ++i) {
            if (!occupied(i)) continue;
            std::uint64_t const hash = hash_(slots_[i].key);
            std::size_t to = larger.home(hash);
            while (larger.occupied(to)) to = (to + 1) & larger.mask_;
            relocate(slots_[i], larger.slots_[to]);
            larger.set_tag(to, larger.tag_of(hash));
        }
        larger.size_ = std::exchange(size_, 0);
        larger.growths_ = growths_ + 1;
        swap(larger);
    }
    [[nodiscard]] std::size_t bounded_end(std::size_t cursor, std::size_t n) const noexcept {
        if (cursor >= capacity_) return capacity_;
        std::size_t const most = n < capacity_ ? 16 * n + 512 : capacity_;
        return capacity_ - cursor < most ? capacity_ : cursor + most;
    }

    slot* slots_ = nullptr;
    std::uint16_t* tags_ = detail::no_tags;
    std::size_t mask_ = 0;
    unsigned shift_ = 63;
    std::uint16_t generation_ = first_generation;
    std::size_t size_ = 0;
    std::size_t limit_ = 0;
    std::size_t capacity_ = 0;
    std::size_t growths_ = 0;
    [[no_unique_address]] Hash hash_;
    memory_block block_;
};

}  // namespace millrace
