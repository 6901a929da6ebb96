// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Where the forms of `explain` write to, and the words that they share. Knows neither strings nor
// streams.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <millrace/dsl/plan_types.hpp>
#include <millrace/model/time.hpp>

namespace millrace::detail {

/// Text goes to `append`; numbers are written in decimal.
class plan_out {
public:
    using append_function = void (*)(void* target, std::string_view text);
    plan_out(void* target, append_function append) : target_(target), append_(append) {}

    plan_out& operator<<(std::string_view text) {
        append_(target_, text);
        length_ += text.size();
        return *this;
    }
    plan_out& operator<<(std::uint64_t n) {
        char digits[20];
        std::size_t at = sizeof digits;
        do digits[--at] = static_cast<char>('0' + n % 10);
        while ((n /= 10) != 0);
        return *this << std::string_view{digits + at, sizeof digits - at};
    }
    /// In the greatest unit that divides it: 1h, 90s, 30min, 1500ms.
    plan_out& operator<<(duration d) {
        if (d == duration::max()) return *this << "all time";
        struct unit {
            std::int64_t ns;
            std::string_view name;
        };
        constexpr unit units[] = {
            {3'600'000'000'000, "h"}, {60'000'000'000, "min"}, {1'000'000'000, "s"},
            {1'000'000, "ms"},        {1'000, "us"},           {1, "ns"}};
        auto const ns = sign(d.ns);
        if (ns == 0) return *this << "0s";
        for (unit const& u : units)
            if (auto const n = static_cast<std::uint64_t>(u.ns); ns % n == 0)
                return *this << ns / n << u.name;
        return *this;
    }
    plan_out& put_signed(std::int64_t n) { return *this << sign(n); }
    plan_out& spaces(std::size_t n) {
        while (n-- > 0) *this << " ";
        return *this;
    }
    /// Spaces up to a column; at least one.
    plan_out& column(std::size_t n) {
        *this << " ";
        while (column() < n) *this << " ";
        return *this;
    }
    void line() {
        *this << "\n";
        line_begin_ = length_;
    }
    /// Bytes since the line began.
    [[nodiscard]] std::size_t column() const { return length_ - line_begin_; }

private:
    /// Writes the minus; gives the absolute value. The lowest number has no opposite: unsigned it
    /// is right.
    std::uint64_t sign(std::int64_t n) {
        if (n >= 0) return static_cast<std::uint64_t>(n);
        *this << "-";
        return std::uint64_t{0} - static_cast<std::uint64_t>(n);
    }

    void* target_;
    append_function append_;
    std::size_t length_ = 0;
    std::size_t line_begin_ = 0;
};

/// A number and its word: 1 loop, 2 loops, 2 copies.
struct counted {
    std::size_t n;
    std::string_view one;
    std::string_view many;
};
inline plan_out& operator<<(plan_out& out, counted c) {
    return out << c.n << " " << (c.n == 1 ? c.one : c.many);
}

inline std::string_view word_of(guarantee g) {
    switch (g) {
        case guarantee::at_most_once:
            return "at most once";
        case guarantee::at_least_once:
            return "at least once";
        case guarantee::exactly_once:
            return "exactly once";
        case guarantee::all_or_nothing:
            return "all or nothing";
    }
    return "";
}
inline std::string_view meaning_of(guarantee g) {
    switch (g) {
        case guarantee::at_most_once:
            return "what a failed run had not written is lost";
        case guarantee::at_least_once:
            return "after a failure a record may come out again";
        case guarantee::exactly_once:
            return "each record counts once, also over failures";
        case guarantee::all_or_nothing:
            return "a run is complete or leaves no output";
    }
    return "";
}
inline std::string_view word_of(branch_role r) {
    switch (r) {
        case branch_role::part:
            return "part";
        case branch_role::late:
            return "late";
        case branch_role::dead_letters:
            return "dead letters";
    }
    return "";
}
inline std::string_view word_of(error_policy p) {
    switch (p) {
        case error_policy::stops:
            return "stop";
        case error_policy::drops:
            return "drop";
        case error_policy::dead_letters:
            return "dead letters";
    }
    return "";
}
inline bool has_rate(plan_stage const& s) {
    return !begins_pipeline(s) && s.kind != stage_kind::sink;
}

/// The stage as it was written: to file "results".
template <class Put>
void put_title(plan_stage const& s, Put put) {
    put(s.word);
    if (!s.into.empty()) {
        put(" ");
        put(s.into);
    }
    if (!s.name.empty()) {
        put(" \"");
        put(s.name);
        put("\"");
    }
}

/// 1-1, 0-8, and for a window 1/pane: one row for each key of a pane that is due.
inline void put_rate(plan_out& out, stage_rate const& r) {
    if (r.max > 0 || r.per_due_pane == 0) out << r.min << "-" << r.max;
    if (r.per_due_pane > 0) out << (r.max > 0 ? " + " : "") << r.per_due_pane << "/pane";
}

}  // namespace millrace::detail
