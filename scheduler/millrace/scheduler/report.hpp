// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What `run` hands back: what came in, what went out, what was lost and why, how long it took.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/model/failure.hpp>
#include <millrace/model/stage.hpp>
#include <millrace/scheduler/figures.hpp>

namespace millrace {

/// Something that a source or a sink counts by itself: connections, drops of the kernel, writes.
struct counter_line {
    std::string name;
    std::uint64_t count = 0;
};

/// One stage of the plan with what went through it.
struct stage_line {
    std::string word;    ///< map, filter, window …
    std::string name;    ///< as the user gave it, or empty
    std::string record;  ///< what it emits
    stage_counts counts;
    std::vector<counter_line> counters = {};  ///< of all partitions together; none that is 0
};

/// Records that were dropped, for one reason. What a filter takes out is not dropped.
struct drop_line {
    std::string reason;
    std::uint64_t count = 0;
};

struct report {
    std::uint64_t records_in = 0;   ///< records that the sources gave
    std::uint64_t records_out = 0;  ///< records that the sinks took
    std::uint64_t late = 0;
    std::vector<drop_line> dropped;
    std::uint64_t dead = 0;      ///< sent to a dead-letter sink
    std::uint64_t shed = 0;      ///< of dropped and dead: their keys had no room in state
    std::uint64_t evicted = 0;   ///< entries of state that gave way to others
    std::uint64_t bad_rows = 0;  ///< rows that were no records: rows read = records + bad rows
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::int64_t wall_ns = 0;
    std::int64_t cpu_ns = 0;
    std::uint64_t stalls = 0;  ///< times that a core stood still, as the watchdog saw it
    exit_code code = exit_code::ok;
    std::string message;  ///< the sentence of the failure that ended the run
    std::vector<stage_line> stages;

    [[nodiscard]] bool ok() const { return code == exit_code::ok; }
};

namespace detail {

/// `filter<"departed">`, as in the pipeline.
inline std::string stage_label(stage_line const& stage) {
    return stage.name.empty() ? stage.word : stage.word + "<\"" + stage.name + "\">";
}

inline std::uint64_t accounted(stage_counts const& c) {
    return c.passed + c.filtered + c.late + c.dropped + c.dead + c.held;
}

/// A table: the first two columns to the left, figures to the right, two spaces between.
inline std::string aligned(std::vector<std::vector<std::string>> const& rows) {
    std::vector<std::size_t> widths;
    for (auto const& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string out;
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            std::string const gap(widths[i] - row[i].size(), ' ');
            line.append(i == 0 ? "" : "  ").append(i < 2 ? row[i] + gap : gap + row[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out.append(line).append("\n");
    }
    return out;
}

inline std::string stage_table(std::vector<stage_line> const& stages) {
    std::vector<std::vector<std::string>> rows{
        {"stage", "record", "in", "passed", "filtered", "late", "dropped", "dead", "held", "out"}};
    for (stage_line const& stage : stages) {
        stage_counts const& c = stage.counts;
        std::vector<std::string> row{stage_label(stage), stage.record};
        for (std::uint64_t const count :
             {c.in, c.passed, c.filtered, c.late, c.dropped, c.dead, c.held, c.out})
            row.push_back(with_commas(count));
        rows.push_back(std::move(row));
    }
    return aligned(rows);
}

/// How it ended, where that was not in good order.
inline std::string failure_text(report const& r) {
    std::string out;
    if (!r.ok()) out += "failed with exit code " + std::to_string(static_cast<int>(r.code)) + "\n";
    if (!r.message.empty()) out.append(r.message).append("\n");
    return out;
}

/// `tcp::listen: accepted 3, closed by peer 3`, for each stage that counts by itself.
inline std::string counters_text(std::vector<stage_line> const& stages) {
    std::string out;
    for (stage_line const& stage : stages) {
        if (stage.counters.empty()) continue;
        std::string line;
        for (counter_line const& c : stage.counters)
            line.append(line.empty() ? ": " : ", ")
                .append(c.name)
                .append(" ")
                .append(with_commas(c.count));
        out.append(stage_label(stage)).append(line).append("\n");
    }
    return out.empty() ? out : out + "\n";
}

}  // namespace detail

/// The stages whose records don't add up (L17: in = passed + filtered + late + dropped + dead +
/// held), a sentence each.
[[nodiscard]] inline std::vector<std::string> lost_records(report const& r) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < r.stages.size(); ++i) {
        stage_counts const& c = r.stages[i].counts;
        if (c.in == detail::accounted(c)) continue;
        out.push_back("millrace: " + detail::stage_label(r.stages[i]) + " (stage "
                      + std::to_string(i) + "): took " + detail::with_commas(c.in)
                      + " records and accounts for " + detail::with_commas(detail::accounted(c))
                      + ". Report this.");
    }
    return out;
}

/// Is every record accounted for, at every stage?
[[nodiscard]] inline bool adds_up(report const& r) { return lost_records(r).empty(); }

/// The final table, for standard error: the stages, then what was read, written and lost, and how
/// it ended.
[[nodiscard]] inline std::string to_text(report const& r) {
    using detail::with_commas;
    std::uint64_t dropped = 0;
    std::string reasons;
    for (drop_line const& d : r.dropped) {
        dropped += d.count;
        reasons.append(reasons.empty() ? " (" : ", ")
            .append(d.reason)
            .append(" ")
            .append(with_commas(d.count));
    }
    if (!reasons.empty()) reasons += ")";
    std::string out = r.stages.empty() ? "" : detail::stage_table(r.stages) + "\n";
    out += detail::counters_text(r.stages);
    out += "read   " + with_commas(r.records_in) + " records, " + with_commas(r.bad_rows)
           + " bad rows, " + detail::bytes_text(static_cast<double>(r.bytes_in)) + "\n";
    out += "wrote  " + with_commas(r.records_out) + " records, "
           + detail::bytes_text(static_cast<double>(r.bytes_out)) + "\n";
    out += "lost   " + with_commas(r.late) + " late, " + with_commas(dropped) + " dropped" + reasons
           + ", " + with_commas(r.dead) + " dead\n";
    if (r.shed + r.evicted > 0)
        out += "state  had no room for the keys of " + with_commas(r.shed) + " records, gave up "
               + with_commas(r.evicted) + " entries\n";
    out +=
        "took   " + detail::span_text(r.wall_ns) + ", " + detail::span_text(r.cpu_ns) + " of CPU";
    if (r.wall_ns > 0)
        out += ", "
               + detail::records_text(static_cast<double>(r.records_in) * 1e9
                                      / static_cast<double>(r.wall_ns))
               + "/s";
    out += "\n";
    if (r.stalls > 0)
        out += "stood  still " + with_commas(r.stalls)
               + " times: a stage blocked its core, see above\n";
    for (std::string const& sentence : lost_records(r)) out.append(sentence).append("\n");
    return out + detail::failure_text(r);
}

}  // namespace millrace
