// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What follows from the edges of a plan: its loops, and how many records a batch can become. Plain
// functions over its tables. Edges lead from lower ids to higher ones, so a pass in order of ids
// meets a stage behind all that feed it.

#include <cstddef>
#include <cstdint>

#include <millrace/dsl/plan_types.hpp>

namespace millrace::detail {

/// Calls `visit(branch)` for the branches of a stage.
template <class Visit>
constexpr void for_branches(plan_stage const& s, plan_branch const* branch, Visit visit) {
    for (std::size_t k = 0; k < s.branches; ++k) visit(branch[s.first_branch + k]);
}
/// The first stage behind the on_error of a source, or -1. Many stages feed it, and it feeds none
/// of them.
constexpr int letters_of(plan_stage const& s, plan_branch const* branch) {
    int head = -1;
    for_branches(s, branch, [&](plan_branch const& b) {
        if (b.role == branch_role::dead_letters) head = b.to;
    });
    return head;
}
constexpr int fallback_letters(plan_stage const& s, plan_stage const* stage,
                               plan_branch const* branch) {
    return s.guarded || s.fallback < 0 ? -1 : letters_of(stage[s.fallback], branch);
}

// --- loops ---

/// The most exchanges on a way to each stage. Letters of a source that stages of several loops
/// write come behind all of these loops.
constexpr void find_depths(plan_stage const* stage, std::size_t size, plan_branch const* branch,
                           std::size_t* depth) {
    auto raise = [&](int to, std::size_t d) {
        if (to >= 0 && depth[to] < d) depth[to] = d;
    };
    auto pass = [&] {
        for (std::size_t i = 0; i < size; ++i) {
            raise(stage[i].next, depth[i] + (stage[i].exchange ? 1 : 0));
            for_branches(stage[i], branch, [&](plan_branch const& b) { raise(b.to, depth[i]); });
        }
    };
    pass();
    for (std::size_t i = 0; i < size; ++i) {
        int const head = fallback_letters(stage[i], stage, branch);
        if (head >= 0 && depth[i] > depth[stage[i].fallback]) raise(head, depth[i] + 1);
    }
    pass();
}

/// Stages of one depth that hand records to each other are one loop. A loop only feeds deeper ones,
/// so numbering by depth is a topological order. `order` gets the ids of the stages, loop by loop.
/// Returns the number of loops.
constexpr std::size_t find_loops(plan_stage* stage, std::size_t size, plan_branch const* branch,
                                 plan_loop* loop, std::size_t* order, std::size_t* depth,
                                 std::size_t* group) {
    find_depths(stage, size, branch, depth);
    for (std::size_t i = 0; i < size; ++i) group[i] = i;
    bool changed = true;
    auto join = [&](std::size_t from, int to) {
        if (to < 0 || depth[from] != depth[to] || group[from] == group[to]) return;
        std::size_t const least = group[from] < group[to] ? group[from] : group[to];
        group[from] = group[to] = least;
        changed = true;
    };
    while (changed) {
        changed = false;
        for (std::size_t i = 0; i < size; ++i) {
            join(i, stage[i].next);
            for_branches(stage[i], branch, [&](plan_branch const& b) { join(i, b.to); });
        }
    }
    std::size_t deepest = 0;
    for (std::size_t i = 0; i < size; ++i) deepest = depth[i] > deepest ? depth[i] : deepest;
    std::size_t loops = 0;
    std::size_t placed = 0;
    for (std::size_t d = 0; d <= deepest; ++d) {
        for (std::size_t head = 0; head < size; ++head) {
            if (depth[head] != d || group[head] != head) continue;
            loop[loops].first = placed;
            for (std::size_t i = head; i < size; ++i) {
                if (group[i] != head) continue;
                stage[i].loop = loops;
                order[placed++] = i;
            }
            loop[loops].count = placed - loop[loops].first;
            ++loops;
        }
    }
    return loops;
}

// --- bounds ---

/// How many records one that comes in can become at all sinks together. Backwards, twice: the
/// second time the letters of the sources are known.
constexpr void find_reach(plan_stage* stage, std::size_t size, plan_branch const* branch) {
    auto reach_of = [&](int id) { return id < 0 ? std::uint64_t{0} : stage[id].reach; };
    auto most = [](std::uint64_t a, std::uint64_t b) { return a < b ? b : a; };
    for (int pass = 0; pass < 2; ++pass) {
        for (std::size_t i = size; i-- > 0;) {
            plan_stage& s = stage[i];
            std::uint64_t on =
                s.kind == stage_kind::sink ? 1 : product_or_max(s.rate.max, reach_of(s.next));
            // A record goes on, or is late, or is a dead letter; a tee sends it every way.
            std::uint64_t instead = reach_of(fallback_letters(s, stage, branch));
            for_branches(s, branch, [&](plan_branch const& b) {
                std::uint64_t const there = reach_of(b.to);
                if (b.role != branch_role::part || s.one_way)
                    instead = most(instead, there);
                else
                    on = sum_or_max(on, there);
            });
            s.reach = most(on, instead);
        }
    }
}

/// The most dead letters of one batch behind the on_error of a source. What fails is a letter
/// instead of what it could have become at the sinks.
constexpr std::uint64_t letters_max(plan_stage const* stage, std::size_t size, std::size_t source,
                                    plan_settings const& settings) {
    std::uint64_t sum = product_or_max(settings.batch, stage[source].reach);
    for (std::size_t i = 0; i < size; ++i) {
        plan_stage const& s = stage[i];
        if (s.fallback == static_cast<int>(source) && s.next >= 0)
            sum = sum_or_max(sum, product_or_max(due_rows(s, settings), stage[s.next].reach));
    }
    return sum;
}

/// The records of a batch that can come to each stage, and that it can hand on.
constexpr void find_batch_bounds(plan_stage* stage, std::size_t size, plan_branch const* branch,
                                 plan_settings const& settings) {
    for (std::size_t i = 0; i < size; ++i) stage[i].in_max = 0;
    auto more = [&](int to, std::uint64_t n) {
        if (to >= 0) stage[to].in_max = sum_or_max(stage[to].in_max, n);
    };
    for (std::size_t i = 0; i < size; ++i) {
        plan_stage& s = stage[i];
        bool const begins = begins_pipeline(s);
        if (begins) s.in_max = settings.batch;
        s.out_max = sum_or_max(product_or_max(s.in_max, s.rate.max), due_rows(s, settings));
        more(s.next, s.out_max);
        std::uint64_t const aside = begins ? letters_max(stage, size, i, settings) : s.in_max;
        for_branches(s, branch, [&](plan_branch const& b) { more(b.to, aside); });
    }
}

}  // namespace millrace::detail
