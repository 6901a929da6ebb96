// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `plan_of<P>` is what types fix of a pipeline: `static_assert(plan_of<decltype(p)>.exchanges ==
// 1)`. `plan(p, {.batch = 256})` is the same with the values filled in.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <millrace/dsl/complete.hpp>
#include <millrace/dsl/graph.hpp>
#include <millrace/dsl/graph_edges.hpp>
#include <millrace/dsl/plan_facts.hpp>
#include <millrace/dsl/plan_graph.hpp>
#include <millrace/dsl/plan_rejected.hpp>
#include <millrace/dsl/plan_types.hpp>

namespace millrace {

/// The plan of a pipeline of `Stages` stages: totals, tables, and bounds for settings of your
/// choice.
template <std::size_t Stages, std::size_t Branches>
struct pipeline_plan : plan_totals {
    plan_stage stage[Stages];                          ///< by id: depth first, as written
    plan_branch branch[Branches == 0 ? 1 : Branches];  ///< by the stage they leave
    plan_loop loop[Stages];                            ///< in topological order; `loops` are in use
    std::size_t order[Stages]{};                       ///< stage ids, loop by loop
    plan_settings settings;  ///< what in_max and out_max of the stages are for

    /// The most records that all sinks together get of one batch from each source, with what comes
    /// due by it.
    [[nodiscard]] constexpr std::uint64_t emits_max(plan_settings const& s = {}) const {
        std::uint64_t sum = 0;
        for (plan_stage const& each : stage) {
            if (detail::begins_pipeline(each))
                sum = add(sum, detail::product_or_max(s.batch, each.reach));
            if (each.next >= 0)
                sum = add(
                    sum, detail::product_or_max(detail::due_rows(each, s), stage[each.next].reach));
        }
        return sum;
    }
    /// The most records that cross exchanges: the credit of a batch.
    [[nodiscard]] constexpr std::uint64_t exchanged_max(plan_settings const& s = {}) const {
        return over_exchanges(s, false);
    }
    /// The same in bytes of the records, without what they own elsewhere.
    [[nodiscard]] constexpr std::uint64_t exchanged_bytes_max(plan_settings const& s = {}) const {
        return over_exchanges(s, true);
    }
    /// The bytes of keys and accumulators, without the room that tables leave free.
    [[nodiscard]] constexpr std::uint64_t state_bytes_max(plan_settings const& s = {}) const {
        std::uint64_t sum = 0;
        for (plan_stage const& each : stage) {
            std::uint64_t entries = each.keeps.per_key ? s.keys : 1;
            if (each.keeps.per_pane) entries = detail::product_or_max(entries, s.panes);
            sum = add(sum, detail::product_or_max(entries, each.keeps.entry_bytes));
        }
        return sum;
    }

    /// The same plan as tables of any size. Refers to this one.
    [[nodiscard]] constexpr plan_view view() const {
        return {{static_cast<plan_totals const&>(*this)}, stage, branch, loop, order, settings};
    }
    constexpr void set(plan_settings const& s) {
        settings = s;
        for (plan_loop& each : loop) each.partitions = s.partitions;
        detail::find_batch_bounds(stage, Stages, branch, s);
    }

private:
    static constexpr std::uint64_t add(std::uint64_t a, std::uint64_t b) {
        return detail::sum_or_max(a, b);
    }
    [[nodiscard]] constexpr std::uint64_t over_exchanges(plan_settings const& s,
                                                         bool in_bytes) const {
        pipeline_plan filled = *this;
        filled.set(s);
        std::uint64_t sum = 0;
        for (plan_stage const& each : filled.stage)
            if (each.exchange)
                sum = add(sum,
                          detail::product_or_max(each.out_max, in_bytes ? each.record_bytes : 1));
        return sum;
    }
};

namespace detail {

template <class... Node>
consteval auto plan_of_nodes(node_list<Node...>) {
    using graph = edges<Node...>;
    constexpr std::size_t size = sizeof...(Node);
    constexpr std::size_t branches = (std::size_t{0} + ... + graph::widths[Node::id]);
    pipeline_plan<size, branches> p{};
    std::size_t at = 0;
    auto add = [&]<class N>() {
        p.stage[N::id] = stage_facts<N, graph>(at);
        for (std::size_t k = 0; k < graph::widths[N::id]; ++k)
            p.branch[at++] = branch_facts<N, graph>(k);
    };
    (add.template operator()<Node>(), ...);

    std::size_t depth[size]{};
    std::size_t group[size]{};
    p.stages = size;
    p.loops = find_loops(p.stage, size, p.branch, p.loop, p.order, depth, group);
    p.copies = (std::size_t{0} + ... + copies_at<Node>());
    for (plan_stage const& s : p.stage) {
        p.exchanges += s.exchange ? 1 : 0;
        p.sources += begins_pipeline(s) ? 1 : 0;
        p.sinks += s.kind == stage_kind::sink ? 1 : 0;
        p.keyed_stages += s.keyed ? 1 : 0;
    }
    if ((keeps_whole<typename Node::inner_type>() && ...)) p.guarantee = guarantee::all_or_nothing;
    find_reach(p.stage, size, p.branch);
    p.set({});
    return p;
}

template <class P>
consteval auto make_plan() {
    if constexpr (is_complete<P>)
        return plan_of_nodes(nodes_of<P>{});
    else
        return rejected_plan{};
}
/// The plan, without a word where there is none.
template <class P>
inline constexpr auto silent_plan_of = make_plan<P>();

template <class Node, class P, class Plan>
constexpr void add_value(P const& pipeline, Plan& p) {
    if constexpr (Node::inner_type::kind != stage_kind::merge) {
        // Stages are found by a path that only knows how to give them out to be moved from; here
        // they are read.
        auto const& stage =
            inner_of(stage_by(const_cast<P&>(pipeline), typename Node::path_type{}));
        value_facts(p.stage[Node::id], stage);
        if (!keeps_whole_as_is(stage) && p.guarantee == guarantee::all_or_nothing)
            p.guarantee = guarantee::at_most_once;
    }
}
template <class P, class Plan, class... Node>
constexpr void add_values(P const& pipeline, Plan& p, node_list<Node...>) {
    (add_value<Node>(pipeline, p), ...);
}
template <class P>
constexpr auto filled_plan(P const& pipeline, plan_settings const& settings) {
    auto p = silent_plan_of<P>;
    if constexpr (is_complete<P>) {
        add_values(pipeline, p, nodes_of<P>{});
        p.set(settings);
    }
    return p;
}

}  // namespace detail

/// The plan of the pipeline type `P`, a constant: totals as `exchanges` and `guarantee`, the tables
/// `stage`, `loop` and `branch`, bounds as functions: `plan_of<P>.emits_max({.batch = 256, .panes =
/// 10})`. An incomplete pipeline is refused with one sentence.
template <class P>
inline constexpr auto plan_of =
    ((void)detail::fault_of<P>::template accept<std::remove_cvref_t<P>, true>(),
     detail::silent_plan_of<std::remove_cvref_t<P>>);

/// The plan of a pipeline with its values: lengths of windows, lateness, disorder, and for each
/// stage the records of a batch. The pipeline is only read.
template <stage P>
[[nodiscard]] constexpr auto plan(P const& pipeline, plan_settings const& settings = {}) {
    (void)detail::fault_of<P>::template accept<P, true>();
    return detail::filled_plan(pipeline, settings);
}

}  // namespace millrace
