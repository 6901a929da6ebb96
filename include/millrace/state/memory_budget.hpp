// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `memory_budget`: how many bytes the state of a partition may take, and how many it takes.

#include <cstddef>
#include <cstdint>

namespace millrace {

/// One a partition, used by its core only. Whatever grows asks `take` before it does, so the limit
/// is never passed; what to do about a refusal is the operator's policy (SEMANTICS, 14). Looked at
/// where memory is asked for, never per record. Outlives what reports into it.
class memory_budget {
public:
    /// No limit.
    memory_budget() = default;
    explicit memory_budget(std::size_t limit) : limit_(limit) {}
    memory_budget(memory_budget const&) = delete;
    memory_budget& operator=(memory_budget const&) = delete;

    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
    [[nodiscard]] std::size_t used() const noexcept { return used_; }
    [[nodiscard]] std::size_t peak() const noexcept { return peak_; }
    /// How often `take` said no.
    [[nodiscard]] std::uint64_t refusals() const noexcept { return refusals_; }
    [[nodiscard]] bool exceeded() const noexcept { return refusals_ > 0; }

    [[nodiscard]] bool would_exceed(std::size_t more) const noexcept {
        return more > limit_ - used_;
    }
    /// Enters `bytes`; false, and nothing entered, where they would pass the limit.
    [[nodiscard]] bool take(std::size_t bytes) noexcept {
        if (would_exceed(bytes)) {
            ++refusals_;
            return false;
        }
        used_ += bytes;
        if (peak_ < used_) peak_ = used_;
        return true;
    }
    void give_back(std::size_t bytes) noexcept { used_ -= bytes < used_ ? bytes : used_; }

    /// True once whenever 90 % are passed from below: the moment for a report.
    [[nodiscard]] bool report_due() noexcept {
        bool const high = used_ >= limit_ - limit_ / 10;
        bool const due = high && !reported_;
        reported_ = high;
        return due;
    }

private:
    std::size_t limit_ = ~std::size_t{0};
    std::size_t used_ = 0;
    std::size_t peak_ = 0;
    std::uint64_t refusals_ = 0;
    bool reported_ = false;
};

}  // namespace millrace
