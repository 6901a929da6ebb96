// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a plan is made of: plain tables, so that what prints or schedules them is no template over
// the pipeline.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <millrace/model/stage.hpp>
#include <millrace/model/time.hpp>

namespace millrace {

/// What holds from the sources to the sinks of a pipeline.
enum class guarantee : std::uint8_t {
    at_most_once,    ///< what a failed run had not written is lost
    at_least_once,   ///< a record may come out again after a failure
    exactly_once,    ///< each record counts once, also over failures
    all_or_nothing,  ///< a run is complete or leaves no output
};

/// Why a record goes into a branch.
enum class branch_role : std::uint8_t { part, late, dead_letters };

/// What becomes of a record that a stage can't digest.
enum class error_policy : std::uint8_t { stops, drops, dead_letters };

/// What bounds are computed for. A pane counts where it is open, or comes due, at one time.
struct plan_settings {
    std::size_t batch = 1024;    ///< records that each source is asked for at once
    std::size_t panes = 1;       ///< of each window
    std::size_t keys = 1;        ///< of each keyed stage
    std::size_t partitions = 1;  ///< copies of each loop
};

/// How many records a stage emits to what follows: for each one that comes, and for each key of a
/// pane that is due.
struct stage_rate {
    std::size_t min = 1;
    std::size_t max = 1;
    std::size_t per_due_pane = 0;
    friend constexpr bool operator==(stage_rate, stage_rate) = default;
};

/// What a stage keeps from record to record, and the bytes of one entry: key and accumulator,
/// without the room that a table leaves free and without what they own elsewhere.
struct kept_state {
    std::string_view what;
    std::size_t entry_bytes = 0;
    bool per_key = false;
    bool per_pane = false;
};

struct plan_branch {
    std::size_t from = 0;
    int to = -1;
    branch_role role = branch_role::part;
    std::string_view name;  ///< of a `when<"…">`
};

struct plan_stage {
    std::size_t id = 0;
    stage_kind kind = stage_kind::one_to_one;
    std::string_view word;
    std::string_view into;  ///< what a sink ends in, where that has a word: file
    std::string_view name;
    std::string_view record;  ///< what it emits; of a sink, what it takes
    std::size_t record_bytes = 0;

    int next = -1;                 ///< -1: nothing follows
    std::size_t first_branch = 0;  ///< in the plan's `branch`
    std::size_t branches = 0;
    std::size_t loop = 0;

    stage_rate rate;
    std::uint64_t reach =
        0;  ///< records that one record coming in can become at all sinks together, at most
    bool one_way = false;  ///< of a fork: each record goes into one branch
    bool exchange = false;
    bool keyed = false;    ///< its state is per key
    std::string_view key;  ///< the key's columns, of an exchange and of a keyed stage
    kept_state keeps;

    error_policy errors = error_policy::stops;
    bool guarded = false;  ///< by an on_error of its own
    int fallback = -1;     ///< the source whose on_error holds where it has none

    // What only values know: filled by `plan(pipeline)`.
    std::optional<duration> window;
    std::optional<duration> lateness;
    std::optional<duration> disorder;
    std::size_t inputs = 0;  ///< of a source that is told to be several

    // Records a batch, for the plan's settings.
    std::uint64_t in_max = 0;
    std::uint64_t out_max = 0;
};

/// A loop: `count` entries of the plan's `order`, from `first`.
struct plan_loop {
    std::size_t first = 0;
    std::size_t count = 0;
    std::size_t partitions = 1;
};

struct plan_totals {
    std::size_t stages = 0;
    std::size_t loops = 0;
    std::size_t exchanges = 0;
    std::size_t sources = 0;
    std::size_t sinks = 0;
    std::size_t keyed_stages = 0;
    std::size_t copies = 0;  ///< branches of forks that share a record with another: a stage there
                             ///< that wants it copies
    millrace::guarantee guarantee = millrace::guarantee::at_most_once;
};

/// A plan of any size, for code that is no template. Refers to the plan.
struct plan_view : plan_totals {
    plan_stage const* stage = nullptr;    ///< by id, which is depth first
    plan_branch const* branch = nullptr;  ///< by the stage they leave
    plan_loop const* loop = nullptr;      ///< in topological order
    std::size_t const* order = nullptr;   ///< stage ids, loop by loop
    plan_settings settings;
};

namespace detail {

constexpr std::uint64_t sum_or_max(std::uint64_t a, std::uint64_t b) {
    std::uint64_t out = 0;
    return __builtin_add_overflow(a, b, &out) ? ~std::uint64_t{0} : out;
}
constexpr std::uint64_t product_or_max(std::uint64_t a, std::uint64_t b) {
    std::uint64_t out = 0;
    return __builtin_mul_overflow(a, b, &out) ? ~std::uint64_t{0} : out;
}
constexpr bool begins_pipeline(plan_stage const& s) {
    return s.kind == stage_kind::source || s.kind == stage_kind::bytes;
}
/// The rows that what is due at one time gives behind a stage.
constexpr std::uint64_t due_rows(plan_stage const& s, plan_settings const& settings) {
    std::uint64_t const panes = product_or_max(s.rate.per_due_pane, settings.panes);
    return s.keyed ? product_or_max(panes, settings.keys) : panes;
}

}  // namespace detail

}  // namespace millrace
