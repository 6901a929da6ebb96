// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `keyed_table<Key, Value>`: the entries of one pane, or of rolling state: cleared at once, drained
// in pieces.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <millrace/model/hash.hpp>
#include <millrace/state/memory.hpp>
#include <millrace/state/memory_budget.hpp>
#include <millrace/state/open_table.hpp>

namespace millrace {

/// Open addressing with linear probing by the high bits of the hash (Knuth 6.4, algorithm L;
/// erasing by algorithm R). Beside the slots lies an array of tags, each of 8 bits of generation
/// and 8 of hash: eight are compared at once, so that a lookup has no branch on how far its entry
/// lies (with the tag inside the slot 10 thousand keys took 14 ns a record, not 8);
/// and a slot of another generation is empty, so that clearing is one addition, and a 255th of the
/// tags zeroed. A full table doubles: up to `AtOnce` slots in one go, else a few slots with
/// each insertion, or by `step`; the order by hash stays, so growing is two sequential passes.
/// References and slots die with the next insertion, cursors with growing (`growths()` tells). At
/// most 2^32 slots. Nothing throws but growing (`std::bad_alloc`, or `failure` where a budget
/// forbids it) and the user's constructors; then the table is as it was. `GenerationBits` is 8; a
/// test makes it and `AtOnce` smaller.
template <class Key, class Value, class Hash = key_hash, bool Flagged = true,
          unsigned GenerationBits = 8, std::size_t AtOnce = 1024>
class keyed_table : private detail::open_table<Key, Value, Hash, Flagged, GenerationBits> {
    using base = detail::open_table<Key, Value, Hash, Flagged, GenerationBits>;
    using base::adopt, base::block_, base::budget_, base::bytes_of, base::capacity_,
        base::construct, base::growths_, base::hash_, base::home, base::limit_, base::limit_of,
        base::mask_, base::occupied, base::probe, base::size_, base::slots_, base::smallest,
        base::successor, base::tags_;
    static_assert(std::is_nothrow_move_constructible_v<Key>
                      && std::is_nothrow_move_constructible_v<Value>,
                  "millrace: keyed_table: keys and values must move without throwing. Declare "
                  "the move noexcept.");
    static_assert(GenerationBits >= 1 && GenerationBits <= 8);

public:
    using key_type = Key;
    using mapped_type = Value;
    using slot = typename base::slot;

    struct insertion {
        slot& entry;
        bool inserted;
    };

    explicit keyed_table(Hash hash = {}) : base(hash) {}
    keyed_table(keyed_table&& other) noexcept { swap(other); }
    keyed_table& operator=(keyed_table&& other) noexcept {
        swap(other);
        return *this;
    }
    ~keyed_table() { delete growing_; }

    [[nodiscard]] std::size_t size() const noexcept {
        return size_ + (growing_ == nullptr ? 0 : growing_->from.size_);
    }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return block_.bytes() + (growing_ == nullptr ? 0 : growing_->from.block_.bytes());
    }
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
        slot* const known = probe(key, hash, home(hash)).known;
        if (known == nullptr && growing_ != nullptr) [[unlikely]]
            return find_waiting(key, hash);
        return known;
    }

    /// The same where it is found at the first look, else null: what nearly every update of a known
    /// key needs, without a loop or a call.
    template <class K>
    [[nodiscard, gnu::always_inline]] slot* find_near(K const& key,
                                                      std::uint64_t hash) const noexcept {
        return base::near_home(key, hash);
    }

    /// The entry of `key`; a new one has a value-initialised `Value` and no flag.
    template <class K>
    insertion find_or_insert(K&& key, std::uint64_t hash) {
        return find_or_insert(std::forward<K>(key), hash, [] { return Value(); });
    }

    /// The same; a new entry's value is `make()`. The key is consumed only where it is inserted.
    template <class K, class Make>
    [[gnu::always_inline]] insertion find_or_insert(K&& key, std::uint64_t hash, Make&& make) {
        auto const [known, index] = probe(key, hash, home(hash));
        if (known != nullptr) [[likely]]
            return {*known, false};
        return insert(index, std::forward<K>(key), hash, make);
    }

    /// Erases one entry and closes the gap: later entries of its run move back one place, some past
    /// the cursor of a scan that is under way. `scan_erase` knows how to go on; a drain doesn't.
    void erase(slot& gone) noexcept {
        if (growing_ != nullptr && growing_->from.has(gone))
            growing_->from.remove(gone);
        else
            base::remove(gone);
    }

    /// Empties it and keeps its room. Where key and value are trivially destructible it costs no
    /// more than to zero a 255th of the tags: each is zeroed once between two uses of a generation.
    void clear() noexcept {
        end_growth();
        base::clear();
    }
    /// Empties it and gives its memory back.
    void reset() noexcept {
        std::size_t const moved = growths_ + (capacity_ > 0 ? 1 : 0);
        keyed_table none(hash_);
        none.budget_ = budget_;
        swap(none);
        growths_ = moved;
    }
    /// The same; the memory goes to the caller, who may unmap it piece by piece (`retired_memory`).
    [[nodiscard]] memory_block give_up() noexcept {
        end_growth();
        keyed_table gone(hash_);
        gone.budget_ = budget_;
        gone.growths_ = growths_ + (capacity_ > 0 ? 1 : 0);
        swap(gone);
        gone.base::destroy_entries();
        if (gone.budget_ != nullptr) gone.budget_->give_back(gone.block_.bytes());
        gone.budget_ = nullptr;
        gone.size_ = gone.capacity_ = 0;
        return std::move(gone.block_);
    }
    /// Room for `count` entries without growing, at once.
    void reserve(std::size_t count) {
        std::size_t const wanted = capacity_for(count);
        if (wanted <= capacity_) return;
        step(~std::size_t{0});
        rebuild(wanted);
    }

    /// Moves on with a growth by so many slots; true while one is under way.
    bool step(std::size_t slots) noexcept {
        if (growing_ == nullptr) return false;
        move_on(slots);
        return growing_ != nullptr;
    }
    /// From now on its memory counts there. To be called before anything is inserted.
    void report_to(memory_budget& budget) noexcept { budget_ = &budget; }
    /// Would a new key throw, as the budget has no room for a larger table?
    [[nodiscard]] bool refuses_new() const noexcept {
        return size_ >= limit_ && budget_ != nullptr && growing_ == nullptr
               && budget_->would_exceed(
                   memory_block::takes(bytes_of(capacity_ == 0 ? smallest : 2 * capacity_)));
    }
    /// How many slots `count` entries need.
    [[nodiscard]] static std::size_t capacity_for(std::size_t count) {
        std::size_t slots = smallest;
        while (limit_of(slots) < count) slots *= 2;
        return slots;
    }

    /// Calls `visit(key, value, flag)` for at most `n` entries from `cursor` on, `flag` being a
    /// `bool&`, and returns the next cursor: `capacity()` at the end. Looks at no more than 16 n +
    /// 512 slots, so it may visit fewer; while the table grows it moves as many on and visits none.
    template <class Visit>
    std::size_t scan(std::size_t cursor, std::size_t n, Visit&& visit) {
        if (still_growing(n)) return 0;
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
        if (still_growing(n)) return 0;
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

    /// Erases one entry that was not flagged since it was last looked at, and takes flags off on
    /// its way (second chance: Corbató, 1968). Starts at a place of its own each time, a multiple
    /// of the golden ratio: to go round would leave long runs before it and holes behind. Looks at
    /// 4,096 slots at most, then takes the next entry. Returns how many are gone: none where the
    /// table is empty or grows. `turns` is the caller's, to count up.
    std::size_t evict(std::uint64_t& turns) noexcept
        requires Flagged
    {
        if (size_ == 0 || growing_ != nullptr) return 0;
        std::size_t i = home(++turns * 0x9E37'79B9'7F4A'7C15);
        for (std::size_t looks = 0;; ++looks, i = (i + 1) & mask_) {
            if (!occupied(i)) continue;
            slot& at = slots_[i];
            if (!at.flag() || looks >= 4096) break;
            at.set_flag(false);
        }
        erase(slots_[i]);
        return 1;
    }

    void swap(keyed_table& other) noexcept {
        base::swap(other);
        std::swap(growing_, other.growing_);
    }

private:
    /// A longer run than this in a table that is not nearly empty makes it grow early. Entries that
    /// arrive in the order of their hash (drained from a larger table) would else fill the front of
    /// this one: quadratic.
    static constexpr std::size_t long_run = 128;
    /// Moved with each insertion while the table grows: it is done after capacity / 16 of them.
    static constexpr std::size_t slots_an_insertion = 16;

    /// Not inlined: in the loop it would take registers from the updates of known keys.
    template <class K, class Make>
    [[gnu::noinline]] insertion insert(std::size_t i, K&& key, std::uint64_t hash, Make& make) {
        bool const crowded = ((i - home(hash)) & mask_) > long_run && size_ > capacity_ / 8;
        if (size_ >= limit_ || crowded) [[unlikely]]
            return insert_slowly(std::forward<K>(key), hash, make);
        return {construct(i, std::forward<K>(key), hash, make), true};
    }
    /// While it grows every insertion comes here, as `limit_` is 0.
    template <class K, class Make>
    [[gnu::noinline]] insertion insert_slowly(K&& key, std::uint64_t hash, Make& make) {
        if (growing_ != nullptr)
            move_on(slots_an_insertion);
        else if (size_ >= limit_ || !over_budget())
            grow();
        auto const [known, index] = probe(key, hash, home(hash));
        if (known != nullptr) return {*known, false};  // it was just moved
        if (growing_ != nullptr) {
            if (slot* const waiting = find_waiting(key, hash)) return {*waiting, false};
            // Where its neighbours still lie in the old table it goes there too: the pages of the
            // new one are touched in order, not all over.
            base& old = growing_->from;
            std::size_t i = old.home(hash);
            std::size_t const place = growing_->place(i);
            if (place >= growing_->done) {
                while (old.occupied(i)) i = (i + 1) & old.mask_;
                std::size_t const end = growing_->place(i);
                if (end >= place && end - place <= long_run)
                    return {old.construct(i, std::forward<K>(key), hash, make), true};
            }
        }
        return {construct(index, std::forward<K>(key), hash, make), true};
    }
    [[nodiscard]] bool over_budget() const noexcept {
        return budget_ != nullptr
               && budget_->would_exceed(memory_block::takes(bytes_of(2 * capacity_)));
    }
    [[gnu::noinline, gnu::cold]] void rebuild(std::size_t slots) {
        base larger = successor(slots);
        for (std::size_t i = 0; i < capacity_; ++i)
            if (occupied(i)) larger.adopt(slots_[i]);
        size_ = 0;
        base::swap(larger);
    }

    /// A growth under way: entries lie in the new table, or still in the old one, `from`. Its
    /// places are counted from an empty slot on, so that no run of entries wraps; those before
    /// `done` have been moved.
    struct growth {
        base from;
        std::size_t start = 0;
        std::size_t done = 0;
        std::size_t populated = 0;  ///< bytes of the new table
        std::size_t run = 0;        ///< the place where the run began that `done` lies in or behind
        [[nodiscard]] std::size_t place(std::size_t i) const { return (i - start) & from.mask_; }
        ~growth() {  // what was moved may not be looked at any more
            for (; from.size_ > 0; ++done) {
                std::size_t const i = (start + done) & from.mask_;
                if (!from.occupied(i)) continue;
                base::destroy(from.slots_[i]);
                --from.size_;
            }
        }
    };
    [[gnu::noinline, gnu::cold]] void grow() {
        if (capacity_ <= AtOnce) return rebuild(capacity_ == 0 ? smallest : 2 * capacity_);
        base larger = successor(2 * capacity_);
        growing_ = new growth{std::move(larger)};
        growth& g = *growing_;
        base::swap(g.from);
        limit_ = 0;
        while (g.from.occupied(g.start)) ++g.start;
        g.from.block_.start_hole(0, g.start * sizeof(slot));
        g.from.block_.start_hole(1, g.from.tags_at(g.start + 2 * detail::window_size));
        move_on(slots_an_insertion);
    }
    [[gnu::noinline]] void move_on(std::size_t slots) noexcept {
        growth& g = *growing_;
        base& from = g.from;
        std::size_t const end = from.capacity_ - g.done < slots ? from.capacity_ : g.done + slots;
        while (g.populated < 2 * (g.start + end) * sizeof(slot) && g.populated < block_.bytes())
            g.populated = block_.populate(g.populated);
        for (; g.done < end; ++g.done) {
            std::size_t const i = (g.start + g.done) & from.mask_;
            if (!from.occupied(i)) {
                g.run = g.done + 1;
                continue;
            }
            adopt(from.slots_[i]);
            from.set_tag(i, 0);
            --from.size_;
        }
        if (std::size_t const last = g.start + g.done; last <= from.capacity_) {
            from.block_.widen_hole(0, last * sizeof(slot));
            from.block_.widen_hole(1, from.tags_at(last));
        }
        if (g.done == from.capacity_) {
            end_growth();
            block_.grown();
        }
    }
    void end_growth() noexcept {
        if (growing_ == nullptr) return;
        delete std::exchange(growing_, nullptr);
        limit_ = limit_of(capacity_);
    }
    bool still_growing(std::size_t n) noexcept {
        return growing_ != nullptr && step(n < capacity_ ? 16 * n + 512 : capacity_);
    }
    /// An entry of the old table: between `done` and the end of its run.
    template <class K>
    [[gnu::noinline]] slot* find_waiting(K const& key, std::uint64_t hash) const noexcept {
        growth const& g = *growing_;
        std::size_t from = g.from.home(hash);
        if (g.place(from) < g.done) {
            if (g.place(from) < g.run) return nullptr;
            from = (g.start + g.done) & g.from.mask_;
        }
        return g.from.probe(key, hash, from).known;
    }
    [[nodiscard]] std::size_t bounded_end(std::size_t cursor, std::size_t n) const noexcept {
        if (cursor >= capacity_) return capacity_;
        std::size_t const most = n < capacity_ ? 16 * n + 512 : capacity_;
        return capacity_ - cursor < most ? capacity_ : cursor + most;
    }

    growth* growing_ = nullptr;
};

}  // namespace millrace
