// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a window keeps of a record that a run leaves undone (`loop_run.hpp`), and when it takes
// runs.

#include <cstdint>

namespace millrace::detail {

/// Whole, as it came to the window, or as an update of the pane of the record before. Plain bytes.
template <class Record, class Ctx, class Key, class Input>
struct undone_record {
    bool whole;
    union {
        Record record;
    };
    union {
        Ctx ctx;
    };
    union {
        Key key;
    };
    union {
        Input input;
    };
    undone_record() {}
};

/// A record that is left whole costs 20 to 30 ns. Where more than one in 16 belongs to another pane
/// than the one before, or is late, the plain loop is faster: it takes the next 1, 2, 4 … 64
/// batches.
class run_pacing {
public:
    /// Once a batch: is a run worth its while?
    [[nodiscard]] bool runs() noexcept {
        if (waits_ == 0) return true;
        --waits_;
        return false;
    }
    void ran(std::uint64_t records, std::uint64_t left_whole) noexcept {
        if (16 * left_whole <= records)
            pause_ = 0;
        else if (pause_ < 64)
            pause_ = pause_ == 0 ? 1 : 2 * pause_;
        waits_ = pause_;
    }

private:
    unsigned waits_ = 0;
    unsigned pause_ = 0;
};

}  // namespace millrace::detail
