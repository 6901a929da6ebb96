// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A plan as a drawing: in Graphviz' DOT, and in Mermaid, which renders in Markdown.

#include <cstddef>
#include <string_view>

#include <millrace/dsl/explain_out.hpp>
#include <millrace/dsl/plan_types.hpp>

namespace millrace::detail {

struct drawing {
    plan_out& out;
    bool mermaid;

    /// Text inside a quoted label.
    void label(std::string_view text) const {
        for (char const& c : text) {
            std::string_view const one{&c, 1};
            if (static_cast<unsigned char>(c) < 0x20)
                out << " ";
            else if (mermaid)
                out << (c == '"'   ? "#quot;"
                        : c == '<' ? "#lt;"
                        : c == '>' ? "#gt;"
                        : c == '&' ? "#amp;"
                        : c == '#' ? "#35;"
                                   : one);
            else
                out << (c == '"' ? "\\\"" : c == '\\' ? "\\\\" : one);
        }
    }
    [[nodiscard]] std::string_view line_break() const { return mermaid ? "<br/>" : "\\n"; }

    void stage(plan_stage const& s) const {
        if (mermaid)
            out << "        n" << s.id << "[\"";
        else
            out << "        n" << s.id << " [label=\"";
        put_title(s, [&](std::string_view text) { label(text); });
        out << line_break();
        label(s.record);
        if (has_rate(s)) {
            out << line_break();
            put_rate(out, s.rate);
        }
        if (s.keeps.entry_bytes > 0) {
            out << line_break();
            label(s.keeps.what);
        }
        out << (mermaid ? "\"]" : "\"];");
        out.line();
    }
    /// `side`: not the main way, dashed. `thick`: an exchange.
    void edge(std::size_t from, int to, std::string_view text, bool side, bool thick) const {
        auto const target = static_cast<std::size_t>(to);
        if (mermaid) {
            out << "    n" << from << (side ? " -.->" : thick ? " ==>" : " -->");
            if (!text.empty()) {
                out << "|\"";
                label(text);
                out << "\"|";
            }
            out << " n" << target;
        } else {
            out << "    n" << from << " -> n" << target;
            if (!text.empty() || side || thick) {
                out << " [label=\"";
                label(text);
                out << "\"" << (side ? ", style=dashed" : thick ? ", style=bold" : "") << "]";
            }
            out << ";";
        }
        out.line();
    }
    void loops(plan_view const& p) const {
        for (std::size_t l = 0; l < p.loops; ++l) {
            if (mermaid) {
                out << "    subgraph loop" << l << "[\"loop " << l << "\"]";
            } else {
                out << "    subgraph cluster_" << l << " {";
                out.line();
                out << "        label=\"loop " << l << "\";";
            }
            out.line();
            for (std::size_t k = 0; k < p.loop[l].count; ++k)
                stage(p.stage[p.order[p.loop[l].first + k]]);
            out << (mermaid ? "    end" : "    }");
            out.line();
        }
    }
    void edges(plan_view const& p) const {
        for (std::size_t i = 0; i < p.stages; ++i) {
            plan_stage const& s = p.stage[i];
            if (s.next >= 0)
                edge(i, s.next, s.exchange ? s.key : std::string_view{}, false, s.exchange);
            for (std::size_t k = 0; k < s.branches; ++k) {
                plan_branch const& b = p.branch[s.first_branch + k];
                bool const side = b.role != branch_role::part;
                edge(i, b.to, side ? word_of(b.role) : b.name, side, false);
            }
        }
    }
};

inline void explain_dot(plan_out& out, plan_view const& p) {
    out << "digraph plan {";
    out.line();
    out << "    rankdir=TB;";
    out.line();
    out << "    node [shape=box];";
    out.line();
    drawing const d{out, false};
    d.loops(p);
    d.edges(p);
    out << "}";
    out.line();
}

inline void explain_mermaid(plan_out& out, plan_view const& p) {
    out << "flowchart TB";
    out.line();
    drawing const d{out, true};
    d.loops(p);
    d.edges(p);
}

}  // namespace millrace::detail
