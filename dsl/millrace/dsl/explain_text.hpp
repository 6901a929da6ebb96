// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A plan as a terminal shows it: a line per stage, and below it what else is known.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <millrace/dsl/explain_out.hpp>
#include <millrace/dsl/plan_types.hpp>

namespace millrace::detail {

inline void put_totals(plan_out& out, plan_view const& p) {
    out << "plan        " << counted{p.stages, "stage", "stages"} << " in "
        << counted{p.loops, "loop", "loops"} << ", "
        << counted{p.exchanges, "exchange", "exchanges"} << ", "
        << counted{p.sources, "source", "sources"} << ", " << counted{p.sinks, "sink", "sinks"}
        << ", " << counted{p.keyed_stages, "keyed stage", "keyed stages"} << ", "
        << counted{p.copies, "copy", "copies"} << " a record";
    out.line();
    out << "guarantee   " << word_of(p.guarantee) << ": " << meaning_of(p.guarantee);
    out.line();
}

/// What sinks get is a sum over batches and due panes, so it is written as one.
inline void put_bounds(plan_out& out, plan_view const& p) {
    std::uint64_t by_record = 0;
    std::uint64_t by_pane = 0;
    bool keyed = false;
    for (std::size_t i = 0; i < p.stages; ++i) {
        plan_stage const& s = p.stage[i];
        if (begins_pipeline(s))
            by_record = sum_or_max(by_record, product_or_max(p.settings.batch, s.reach));
        if (s.rate.per_due_pane == 0 || s.next < 0) continue;
        by_pane = sum_or_max(by_pane, product_or_max(s.rate.per_due_pane, p.stage[s.next].reach));
        keyed = keyed || s.keyed;
    }
    out << "bounds      sinks get at most ";
    if (by_record > 0 || by_pane == 0)
        out << counted{by_record, "record", "records"} << " of a batch of " << p.settings.batch
            << (p.sources > 1 ? " from each source" : "") << (by_pane > 0 ? ", and " : "");
    if (by_pane > 0)
        out << by_pane
            << (by_record > 0  ? ""
                : by_pane == 1 ? " record"
                               : " records")
            << " for each " << (keyed ? "key of a pane" : "pane") << " that is due";
    out.line();
}

inline void put_branch(plan_out& out, plan_view const& p, plan_stage const& from,
                       plan_branch const& b) {
    out << word_of(b.role) << " ";
    if (!b.name.empty()) out << "\"" << b.name << "\" ";
    out << "-> " << static_cast<std::size_t>(b.to);
    if (p.stage[b.to].loop != from.loop) out << " in loop " << p.stage[b.to].loop;
}

inline void put_details(plan_out& out, plan_view const& p, plan_stage const& s,
                        std::size_t indent) {
    auto begin = [&]() -> plan_out& { return out.spaces(indent); };
    if (s.next >= 0 && p.stage[s.next].loop != s.loop) {
        begin() << (!s.exchange     ? "hands over"
                    : s.key.empty() ? "exchange"
                                    : "exchange by ")
                << s.key << " to loop " << p.stage[s.next].loop << ": at most "
                << counted{s.out_max, "record", "records"} << " of "
                << counted{s.record_bytes, "byte", "bytes"} << " a batch";
        out.line();
    }
    if (s.inputs > 0) {
        begin() << "read as " << counted{s.inputs, "input", "inputs"}
                << ", each with a watermark of its own";
        out.line();
    }
    if (s.disorder) {
        begin() << "disorder " << *s.disorder;
        out.line();
    }
    if (s.window) {
        begin() << (*s.window == duration::max() ? "one pane for " : "panes of ") << *s.window;
        if (s.lateness) out << ", open for " << *s.lateness << " more";
        out.line();
    }
    if (s.keyed) {
        begin() << "keyed by " << s.key;
        out.line();
    }
    if (!s.keeps.what.empty()) {
        begin() << "keeps " << s.keeps.what;
        if (s.keeps.entry_bytes > 0) out << ", " << s.keeps.entry_bytes << " bytes each";
        out.line();
    }
    if (s.guarded && s.errors != error_policy::dead_letters) {
        begin() << "on error " << word_of(s.errors);
        out.line();
    }
    for (std::size_t k = 0; k < s.branches; ++k) {
        put_branch(begin(), p, s, p.branch[s.first_branch + k]);
        out.line();
    }
}

/// How wide the columns of all stages are.
struct text_columns {
    std::size_t rate;
    std::size_t target;
    std::size_t record;

    static text_columns of(plan_view const& p, std::size_t indent) {
        text_columns widest{0, 5, 5};
        auto raise = [](std::size_t& a, std::size_t b) { a = b > a ? b : a; };
        for (std::size_t i = 0; i < p.stages; ++i) {
            plan_stage const& s = p.stage[i];
            std::size_t title = 0;
            put_title(s, [&](std::string_view text) { title += text.size(); });
            raise(widest.rate, title);
            plan_out measured(nullptr, [](void*, std::string_view) {});
            if (has_rate(s)) put_rate(measured, s.rate);
            raise(widest.target, measured.column());
        }
        widest.rate += indent + 2;
        widest.target += widest.rate + 2;
        widest.record += widest.target + 2;
        return widest;
    }
};

inline void explain_text(plan_out& out, plan_view const& p) {
    put_totals(out, p);
    put_bounds(out, p);
    constexpr std::size_t indent = 6;
    text_columns const columns = text_columns::of(p, indent);
    for (std::size_t l = 0; l < p.loops; ++l) {
        out.line();
        out << "loop " << l;
        if (p.loop[l].partitions > 1) out << ", " << p.loop[l].partitions << " partitions";
        out.line();
        for (std::size_t k = 0; k < p.loop[l].count; ++k) {
            plan_stage const& s = p.stage[p.order[p.loop[l].first + k]];
            out.spaces(s.id < 10 ? 3 : s.id < 100 ? 2 : 1) << s.id;
            out.column(indent);
            put_title(s, [&](std::string_view text) { out << text; });
            out.column(columns.rate);
            if (has_rate(s)) put_rate(out, s.rate);
            out.column(columns.target);
            if (s.next >= 0) out << "-> " << static_cast<std::size_t>(s.next);
            out.column(columns.record) << s.record;
            out.line();
            put_details(out, p, s, indent + 2);
        }
    }
}

}  // namespace millrace::detail
