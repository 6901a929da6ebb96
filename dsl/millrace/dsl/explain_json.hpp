// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A plan as JSON, for programs: all that the tables hold, one stage a line.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <millrace/dsl/explain_out.hpp>
#include <millrace/dsl/plan_types.hpp>

namespace millrace::detail {

/// The fields of one object; commas come by themselves.
class json_object {
public:
    explicit json_object(plan_out& out) : out_(out) { out_ << "{"; }
    json_object(json_object const&) = delete;
    json_object& operator=(json_object const&) = delete;
    ~json_object() { out_ << "}"; }

    plan_out& key(std::string_view name) {
        if (!first_) out_ << ", ";
        first_ = false;
        return out_ << "\"" << name << "\": ";
    }
    void number(std::string_view name, std::uint64_t n) { key(name) << n; }
    void yes(std::string_view name, bool b) { key(name) << (b ? "true" : "false"); }
    void text(std::string_view name, std::string_view value) {
        key(name) << "\"";
        for (char const& c : value) put(c);
        out_ << "\"";
    }
    /// A stage's id, or null.
    void id(std::string_view name, int to) {
        if (to < 0)
            key(name) << "null";
        else
            number(name, static_cast<std::uint64_t>(to));
    }

private:
    void put(char const& c) {
        auto const code = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out_ << "\\" << std::string_view{&c, 1};
        } else if (code < 0x20) {
            constexpr std::string_view digits = "0123456789abcdef";
            out_ << "\\u00" << digits.substr(code >> 4, 1) << digits.substr(code & 15U, 1);
        } else {
            out_ << std::string_view{&c, 1};
        }
    }
    plan_out& out_;
    bool first_ = true;
};

inline void json_duration(json_object& o, std::string_view name, duration d) {
    o.key(name).put_signed(d.ns);
}

inline void json_stage(plan_out& out, plan_view const& p, plan_stage const& s) {
    json_object o{out};
    o.number("id", s.id);
    o.number("loop", s.loop);
    o.text("word", s.word);
    if (!s.into.empty()) o.text("into", s.into);
    if (!s.name.empty()) o.text("name", s.name);
    o.text("record", s.record);
    o.number("record_bytes", s.record_bytes);
    o.id("next", s.next);
    if (has_rate(s)) {
        o.key("rate");
        json_object rate{out};
        rate.number("min", s.rate.min);
        rate.number("max", s.rate.max);
        rate.number("per_due_pane", s.rate.per_due_pane);
    }
    o.yes("exchange", s.exchange);
    o.yes("keyed", s.keyed);
    if (!s.key.empty()) o.text("key", s.key);
    if (!s.keeps.what.empty()) {
        o.text("keeps", s.keeps.what);
        o.number("entry_bytes", s.keeps.entry_bytes);
    }
    o.text("on_error", word_of(s.errors));
    if (s.window) json_duration(o, "window_ns", *s.window);
    if (s.lateness) json_duration(o, "lateness_ns", *s.lateness);
    if (s.disorder) json_duration(o, "disorder_ns", *s.disorder);
    if (s.inputs > 0) o.number("inputs", s.inputs);
    o.number("in_max", s.in_max);
    o.number("out_max", s.out_max);
    o.key("branches") << "[";
    for (std::size_t k = 0; k < s.branches; ++k) {
        plan_branch const& b = p.branch[s.first_branch + k];
        if (k > 0) out << ", ";
        json_object branch{out};
        branch.text("role", word_of(b.role));
        if (!b.name.empty()) branch.text("name", b.name);
        branch.id("to", b.to);
    }
    out << "]";
}

inline void explain_json(plan_out& out, plan_view const& p) {
    {
        json_object o{out};
        o.text("guarantee", word_of(p.guarantee));
        o.number("exchanges", p.exchanges);
        o.number("sources", p.sources);
        o.number("sinks", p.sinks);
        o.number("keyed_stages", p.keyed_stages);
        o.number("copies", p.copies);
        o.number("batch", p.settings.batch);
        o.number("panes", p.settings.panes);
        o.number("keys", p.settings.keys);
        o.key("loops") << "[";
        for (std::size_t l = 0; l < p.loops; ++l) {
            if (l > 0) out << ", ";
            json_object loop{out};
            loop.number("partitions", p.loop[l].partitions);
            loop.key("stages") << "[";
            for (std::size_t k = 0; k < p.loop[l].count; ++k)
                out << (k > 0 ? ", " : "") << p.order[p.loop[l].first + k];
            out << "]";
        }
        out << "]";
        o.key("stages") << "[";
        for (std::size_t i = 0; i < p.stages; ++i) {
            out << (i > 0 ? ",\n  " : "\n  ");
            json_stage(out, p, p.stage[i]);
        }
        out << "\n]";
    }
    out.line();
}

}  // namespace millrace::detail
