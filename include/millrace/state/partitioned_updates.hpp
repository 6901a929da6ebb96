// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `partitioned_updates<Store, Payload>`: updates of panes far larger than the cache, sorted by
// where they go.

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include <millrace/state/buffer.hpp>
#include <millrace/state/memory.hpp>

namespace millrace {

/// A random line of a table beyond the cache costs 15 to 20 ns even when asked for ahead; a
/// sequential one 3. So each update is appended to a log of its part of the table (a range of the
/// hash's high bits, thus a range of slots), and a part's log is applied when it is full, in order.
/// Radix partitioning as in Manegold, Boncz and Kersten, 2002. The logs of a pane take at most as
/// many bytes as its table; two panes have logs at a time. Settle a pane before an entry of it is
/// looked at, drained or released. `apply` must not throw. From `FromBytes` on a table is beyond
/// the L3 cache; parts of 2 to 8 MiB ran best (bench/state/README.md).
template <class Store, class Payload, std::size_t FromBytes = std::size_t{32} << 20,
          std::size_t PartBytes = std::size_t{4} << 20>
class partitioned_updates {
public:
    using key_type = typename Store::key_type;
    using pane = typename Store::pane;
    /// Only such keys and payloads may wait in a log.
    static constexpr bool usable = std::is_trivially_copyable_v<key_type>
                                   && std::is_trivially_copyable_v<Payload>
                                   && !std::is_empty_v<key_type>;

    partitioned_updates() = default;
    partitioned_updates(partitioned_updates const&) = delete;
    partitioned_updates& operator=(partitioned_updates const&) = delete;

    /// Takes an update of `into`, or returns false: then the caller applies it at once. A pane
    /// whose updates were taken has all further ones taken until it is settled, so that they stay
    /// in order.
    template <class Apply>
    [[gnu::always_inline]] bool push(pane& into, std::uint64_t hash, key_type const& key,
                                     Payload const& payload, Apply&& apply) {
        log* to = &logs_[0];
        if (to->owner != &into) [[unlikely]] {
            to = log_of(into);
            if (to == nullptr) return false;
        }
        auto const part = static_cast<std::size_t>(hash >> to->shift);
        item*& end = to->ends[part];
        ::new (static_cast<void*>(end)) item{key, payload};
        if (++end == to->items() + (part + 1) * to->room) [[unlikely]]
            part_full(*to, part, apply);
        return true;
    }

    /// Applies all that waits for `p`.
    template <class Apply>
    void settle(pane& p, Apply&& apply) {
        for (log& l : logs_)
            if (l.owner == &p) settle_log(l, apply);
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return logs_[0].block.bytes() + logs_[1].block.bytes();
    }

private:
    static constexpr std::size_t most_parts = 1024;
    static constexpr std::size_t ahead = 16;

    struct item {
        key_type key;
        Payload payload;
    };
    struct log {
        pane* owner = nullptr;
        unsigned shift = 0;
        std::size_t room = 0;         ///< items of a part
        std::size_t table_bytes = 0;  ///< when the parts were cut
        memory_block block;
        buffer<item*> ends;
        [[nodiscard]] item* items() const noexcept { return reinterpret_cast<item*>(block.data()); }
    };

    [[gnu::noinline]] log* log_of(pane& p) {
        if (logs_[1].owner == &p) return &logs_[1];
        if (p.entries.bytes() < FromBytes) return nullptr;
        for (log& l : logs_)
            if (l.owner == nullptr) {
                cut(l, p);
                return &l;
            }
        return nullptr;
    }
    static void cut(log& l, pane& p) {
        std::size_t const table_bytes = p.entries.bytes();
        std::size_t parts = 2;
        unsigned shift = 63;
        for (; parts < most_parts && parts * PartBytes < table_bytes; parts *= 2) --shift;
        // Not a power of two: else all logs would grow in the same few sets of the cache.
        std::size_t const room =
            table_bytes / parts / sizeof(item) + detail::cache_line / sizeof(item) + 1;
        if (l.block.bytes() < parts * room * sizeof(item)) {
            l.block = memory_block{};
            l.block = memory_block(parts * room * sizeof(item));
        }
        l.ends.clear();
        l.ends.reserve(parts);
        for (std::size_t i = 0; i < parts; ++i) l.ends.emplace_back(l.items() + i * room);
        l.shift = shift;
        l.room = room;
        l.table_bytes = table_bytes;
        l.owner = &p;
    }

    template <class Apply>
    [[gnu::noinline]] static void part_full(log& l, std::size_t part, Apply& apply) {
        settle_part(l, part, apply);
        pane& p = *l.owner;
        if (p.entries.bytes() / 4 < l.table_bytes) return;
        settle_log(l, apply);  // the table has grown: smaller parts
        cut(l, p);
    }
    template <class Apply>
    [[gnu::noinline]] static void settle_part(log& l, std::size_t part, Apply& apply) {
        auto& table = l.owner->entries;
        item* at = l.items() + part * l.room;
        item* const end = l.ends[part];
        l.ends[part] = at;
        for (item* next = at; next < end && next < at + ahead; ++next)
            table.prefetch(table.hash(next->key));
        for (; at < end; ++at) {
            if (at + ahead < end) table.prefetch(table.hash(at[ahead].key));
            auto const found = table.find_or_insert(at->key, table.hash(at->key));
            apply(*l.owner, found.entry, found.inserted, at->payload);
        }
    }
    template <class Apply>
    static void settle_log(log& l, Apply& apply) {
        for (std::size_t i = 0; i < l.ends.size(); ++i) settle_part(l, i, apply);
        l.owner = nullptr;
    }

    log logs_[2];
};

}  // namespace millrace
