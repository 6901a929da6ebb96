// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `memory_budget`: how many bytes the state of a partition may take, and how many it takes.

#include <cstddef>
#include <cstdint>

#include <millrace/model/failure.hpp>

namespace millrace {

/// What becomes of a key for whose table the budget has no more room (SEMANTICS 14).
enum class state_policy : std::uint8_t {
    stop,           ///< the run ends, exit code 70
    shed_new_keys,  ///< its records are refused and counted; known keys go on
    evict_oldest,   ///< windows give up their oldest pane, rolling state keys not seen for long
};

/// A table would have to grow, and its budget has no room: nothing has changed.
class state_full final : public failure {
public:
    state_full() noexcept
        : failure(
              exit_code::software,
              "millrace: state: the keys of this partition need more memory than its budget has. "
              "Raise --state-memory, or say by --when-full what to give up.") {}
};

/// One a partition, used by its core only. Whatever grows asks `take` before it does, so the limit
/// is never passed; what to do about a refusal is the operator's policy (SEMANTICS, 14). Looked at
/// where memory is asked for, never per record. Outlives what reports into it.
class memory_budget {
public:
    /// No limit.
    memory_budget() = default;
    explicit memory_budget(std::size_t limit, state_policy policy = state_policy::stop)
        : limit_(limit), policy_(policy) {}
    memory_budget(memory_budget const&) = delete;
    memory_budget& operator=(memory_budget const&) = delete;

    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
    [[nodiscard]] state_policy policy() const noexcept { return policy_; }
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
    state_policy policy_ = state_policy::stop;
    std::size_t used_ = 0;
    std::size_t peak_ = 0;
    std::uint64_t refusals_ = 0;
    bool reported_ = false;
};

}  // namespace millrace
