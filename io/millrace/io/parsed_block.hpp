// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A block of a file whose rows were parsed on some partition, and the board where blocks are put
// until their turn comes.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/io/file_blocks.hpp>

namespace millrace::detail {

/// Its bytes are [0, head) to be read in order, whole rows that were parsed, and [rest, end) to be
/// read in order again. Where its rows could not be told, all is head.
template <class Record>
struct parsed_block {
    struct row {
        std::string_view original;
        std::uint64_t line;  ///< from 1, counted from the first row that was parsed
    };
    struct bad_row {
        row at;
        std::size_t before;  ///< so many records stand before it
        std::string reason;
    };

    block_place place;
    std::string_view data;
    std::size_t head = 0;
    std::size_t rest = 0;
    std::uint64_t lines = 0;
    std::vector<Record> records;
    std::vector<row> rows;  ///< of the records, if a stage shows where they came from
    std::vector<bad_row> bad;
    unsigned partition = 0;         ///< whose it is
    std::atomic<bool> busy{false};  ///< claimed, and not given back

    void forget() {
        records.clear();
        rows.clear();
        bad.clear();
        head = rest = data.size();
        lines = 0;
    }
};

/// By number. In flight are at most as many blocks as there are places, and those are neighbours:
/// the taker gives them back in order.
template <class Record>
class block_board {
public:
    using block = parsed_block<Record>;

    block_board(std::vector<std::string> names, std::size_t block_bytes, bool direct,
                std::size_t places)
        : blocks(std::move(names), block_bytes, direct),
          places_(places),
          at_(std::make_unique<std::atomic<block*>[]>(places)) {}

    file_blocks blocks;

    void put(block& b) { at_[b.place.number % places_].store(&b, std::memory_order_release); }
    /// Null while it is not there.
    [[nodiscard]] block* take(std::uint64_t number) {
        auto& place = at_[number % places_];
        block* const b = place.load(std::memory_order_acquire);
        if (b != nullptr) place.store(nullptr, std::memory_order_relaxed);
        return b;
    }

private:
    std::size_t places_;
    std::unique_ptr<std::atomic<block*>[]> at_;
};

}  // namespace millrace::detail
