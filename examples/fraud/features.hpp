// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What is known of a card when a payment asks to be let through: how many payments of what sum in
// the last minute, ten minutes and hour, this one included.

#include <cstddef>
#include <cstdint>

#include <millrace/millrace.hpp>

namespace fraud {

using namespace millrace;

// [records]
struct request {
    std::uint64_t sequence = 0;  // the caller's, comes back in the reply
    std::uint64_t card = 0;
    std::int64_t amount_cents = 0;
    time_point time;
    std::uint32_t merchant = 0;
};
MILLRACE_RECORD(request, sequence, card, amount_cents, time, merchant);

struct verdict {
    std::uint64_t sequence = 0;
    std::int32_t score = 0;     // 0 to 1000
    std::uint8_t decision = 0;  // 0 decline, 1 approve, 2 ask the cardholder
};
MILLRACE_RECORD(verdict, sequence, score, decision);
// [records]

/// Count and sum over the last `Slots` times `slot`, as a ring: adding one is O(1), but for the
/// slots that time has passed by. A span is whole slots: the one that is being filled and the
/// `Slots - 1` before. What is older than the span is left out.
template <std::size_t Slots>
class sliding {
public:
    struct totals {
        std::int64_t count = 0;
        std::int64_t sum = 0;
    };

    void add(time_point at, duration slot, std::int64_t amount) {
        std::int64_t const now = at.ns / slot.ns - (at.ns % slot.ns < 0 ? 1 : 0);
        if (now > last_) move_on(now);
        if (last_ - now >= count_of_slots) return;
        totals& there = ring_[index_of(now)];
        ++there.count;
        there.sum += amount;
        ++all_.count;
        all_.sum += amount;
    }
    [[nodiscard]] totals const& get() const { return all_; }

private:
    static constexpr std::int64_t count_of_slots = Slots;

    static std::size_t index_of(std::int64_t slot) {
        std::int64_t const rest = slot % count_of_slots;
        return static_cast<std::size_t>(rest < 0 ? rest + count_of_slots : rest);
    }
    void move_on(std::int64_t now) {
        std::int64_t const passed = now - last_ < count_of_slots ? now - last_ : count_of_slots;
        for (std::int64_t slot = now - passed + 1; slot <= now; ++slot) {
            totals& old = ring_[index_of(slot)];
            all_.count -= old.count;
            all_.sum -= old.sum;
            old = {};
        }
        last_ = now;
    }

    totals ring_[Slots]{};
    totals all_{};
    std::int64_t last_ = INT64_MIN / 2;  // before any time that there is
};

/// The state of one card, after the payment `last`.
// [card]
struct card {
    request last;
    sliding<6> minute;        // of 10 s
    sliding<10> ten_minutes;  // of 1 min
    sliding<12> hour;         // of 5 min
    bool seen = false;
    bool elsewhere = false;  // at another merchant than the payment before

    [[nodiscard]] card after(request const& r) const {
        card next = *this;
        next.elsewhere = seen && last.merchant != r.merchant;
        next.seen = true;
        next.last = r;
        next.minute.add(r.time, seconds(10), r.amount_cents);
        next.ten_minutes.add(r.time, minutes(1), r.amount_cents);
        next.hour.add(r.time, minutes(5), r.amount_cents);
        return next;
    }
};
// [card]

}  // namespace fraud
