// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `single_entry<Key, Value>`: what a window without a key has instead of a table. The key is an
// empty struct.

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <millrace/state/keyed_table.hpp>

namespace millrace {

/// A table of at most one entry, inline, with the same interface: no hash, no probing, no memory of
/// its own.
template <class Key, class Value>
class single_entry {
    static_assert(std::is_empty_v<Key> && std::is_nothrow_move_constructible_v<Value>);

public:
    using key_type = Key;
    using mapped_type = Value;
    using slot = table_slot<Key, Value>;
    struct insertion {
        slot& entry;
        bool inserted;
    };

    single_entry() = default;
    single_entry(single_entry const&) = delete;
    single_entry& operator=(single_entry const&) = delete;
    ~single_entry() { clear(); }

    [[nodiscard]] std::size_t size() const noexcept { return full() ? 1 : 0; }
    [[nodiscard]] bool empty() const noexcept { return !full(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return 1; }
    [[nodiscard]] std::size_t bytes() const noexcept { return 0; }
    [[nodiscard]] std::size_t growths() const noexcept { return 0; }
    template <class K>
    [[nodiscard]] std::uint64_t hash(K const&) const noexcept {
        return 0;
    }
    void prefetch(std::uint64_t) const noexcept {}

    template <class K>
    [[nodiscard]] slot* find(K const&, std::uint64_t) noexcept {
        return full() ? &at() : nullptr;
    }
    template <class K>
    [[nodiscard]] slot* find_near(K const& key, std::uint64_t hash) noexcept {
        return find(key, hash);
    }
    template <class K>
    insertion find_or_insert(K&& key, std::uint64_t hash) {
        return find_or_insert(std::forward<K>(key), hash, [] { return Value(); });
    }
    template <class K, class Make>
    insertion find_or_insert(K&& key, std::uint64_t, Make&& make) {
        slot& only = at();
        if (full()) return {only, false};
        ::new (static_cast<void*>(&only.value)) Value(make());
        ::new (static_cast<void*>(&only.key)) Key(std::forward<K>(key));
        only.set_flag(false);
        full_ = true;
        return {only, true};
    }
    void erase(slot&) noexcept { clear(); }
    void clear() noexcept {
        if (!full()) return;
        at().value.~Value();
        full_ = false;
    }
    void reset() noexcept { clear(); }
    void reserve(std::size_t) noexcept {}
    [[nodiscard]] static std::size_t capacity_for(std::size_t) noexcept { return 1; }

    template <class Visit>
    std::size_t scan(std::size_t cursor, std::size_t n, Visit&& visit) {
        if (cursor > 0 || n == 0) return cursor;
        if (full()) {
            bool flag = at().flag();
            visit(static_cast<Key const&>(at().key), at().value, flag);
            at().set_flag(flag);
        }
        return 1;
    }
    template <class Gone>
    std::size_t scan_erase(std::size_t cursor, std::size_t n, Gone&& gone) {
        if (cursor > 0 || n == 0) return cursor;
        if (full() && gone(static_cast<Key const&>(at().key), at().value)) clear();
        return 1;
    }

private:
    [[nodiscard]] slot& at() noexcept { return *std::launder(reinterpret_cast<slot*>(room_)); }
    [[nodiscard]] bool full() const noexcept { return full_; }

    alignas(slot) std::byte room_[sizeof(slot)]{};
    bool full_ = false;
};

/// The entries of a pane: a table, or one entry where the key is empty.
template <class Key, class Value, class Hash = key_hash, bool Flagged = true>
struct pane_entries {
    using type = keyed_table<Key, Value, Hash, Flagged>;
};
template <class Key, class Value, class Hash, bool Flagged>
    requires std::is_empty_v<Key>
struct pane_entries<Key, Value, Hash, Flagged> {
    using type = single_entry<Key, Value>;
};

}  // namespace millrace
