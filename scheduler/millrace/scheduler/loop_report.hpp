// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// From the counts of a fused loop to a report: what came in, what went out, what became of the
// rest.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/dsl/loop.hpp>
#include <millrace/dsl/plan.hpp>
#include <millrace/model/stage.hpp>
#include <millrace/scheduler/report.hpp>

namespace millrace::detail {

/// Which nodes stand in a side output: late records, dead letters. What reaches a sink there is not
/// «out».
template <class Graph>
struct side_nodes {
    bool value[Graph::size]{};
    constexpr side_nodes() {
        for (std::size_t i = 0; i < Graph::size; ++i)
            for (std::size_t p = 0; p < i; ++p) {
                if (!Graph::precedes(p, i)) continue;
                bool const main_way = Graph::next[p] == static_cast<int>(i)
                                      || (Graph::kinds[p] == stage_kind::fork && !is_letter(p, i));
                if (value[p] || !main_way) value[i] = true;
            }
    }
    static constexpr bool is_letter(std::size_t p, std::size_t i) {
        return Graph::letters[p] && Graph::head_of(p, Graph::widths[p] - 1) == static_cast<int>(i);
    }
};

/// Adds what one loop has counted to what the others have.
template <class Loop>
void add_counts(Loop& loop, stage_counts (&sum)[Loop::size]) {
    stage_counts counts[Loop::size];
    loop.account(counts);
    for (std::size_t i = 0; i < Loop::size; ++i) sum[i] += counts[i];
}

/// Adds what a source or a sink says that it counts to what its copies have said.
struct counter_sum {
    std::vector<counter_line>& lines;

    void operator()(std::string_view name, std::uint64_t count) const {
        if (count == 0) return;
        for (counter_line& line : lines) {
            if (line.name != name) continue;
            line.count += count;
            return;
        }
        lines.push_back({std::string(name), count});
    }
};
template <class Loop>
void add_counters(Loop& loop, std::vector<counter_line> (&sum)[Loop::size]) {
    for_each_node<Loop::size>([&]<std::size_t I>() {
        if (!loop.template present<I>()) return;
        counter_sum const line{sum[I]};
        if constexpr (requires { loop.template op<I>().report(line); })
            loop.template op<I>().report(line);
        else if constexpr (requires { loop.template op<I>().sink.report(line); })
            loop.template op<I>().sink.report(line);
    });
}

/// Adds the counts of every stage to a report.
template <class P, class Loop>
void report_counts(stage_counts const (&counts)[Loop::size], report& out) {
    using graph = typename Loop::graph;
    static constexpr side_nodes<graph> side;
    for (std::size_t i = 0; i < Loop::size; ++i) {
        stage_counts const& c = counts[i];
        auto const& stage = plan_of<P>.stage[i];
        out.stages.push_back(
            {std::string(stage.word), std::string(stage.name), std::string(stage.record), c, {}});
        bool const reads_bytes = graph::kinds[i] == stage_kind::bytes;
        if (graph::kinds[i] == stage_kind::source || graph::kinds[i] == stage_kind::parser)
            out.records_in += c.out;
        if (graph::kinds[i] == stage_kind::parser) out.bad_rows += c.dropped + c.dead;
        if (reads_bytes) out.bytes_in += c.bytes;
        if (graph::kinds[i] == stage_kind::sink) {
            out.bytes_out += c.bytes;
            if (!side.value[i]) out.records_out += c.passed;
        }
        out.late += c.late;
        if (c.dropped > 0) out.dropped.push_back({stage_label(out.stages.back()), c.dropped});
        out.dead += c.dead;
        out.shed += c.shed;
        out.evicted += c.evicted;
    }
}

/// The report of a single loop.
template <class P, class Loop>
void account(Loop& loop, report& out) {
    stage_counts sum[Loop::size];
    add_counts(loop, sum);
    report_counts<P, Loop>(sum, out);
}

}  // namespace millrace::detail
