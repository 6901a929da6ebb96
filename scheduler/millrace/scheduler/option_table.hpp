// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Options by name, without a word of the types behind them: reading argv, the nearest match,
// `--help`.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::detail {

enum class option_shape : std::uint8_t {
    flag,            ///< --x, --no-x, --x=false
    one,             ///< --x value, --x=value; the last one given holds
    one_if_written,  ///< --x, --x=value
    many,            ///< --x value value …, and again
    act,             ///< --x: reading stops there
};

struct option {
    std::string name = {};  ///< without its dashes
    option_shape shape = option_shape::one;
    std::string placeholder = {};
    std::string allowed = {};  ///< stands behind «takes»
    std::string initial = {};  ///< the default as text, or empty
    std::string help = {};
    void* target = nullptr;
    bool (*read)(std::string_view value, void* target) = nullptr;
    void (*clear)(void* target) = nullptr;  ///< of `many`: the defaults give way to the first value
    bool given = false;
};

/// What came of reading argv: an act (`help`, `version`), or what is wrong, or neither.
struct options_read {
    std::string act;
    std::string wrong;
};

/// Insertions, deletions, changes and swaps of neighbours that turn `a` into `b` (optimal string
/// alignment; Wagner and Fischer, 1974, with the swap of Damerau, 1964).
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> two_ago(b.size() + 1), before(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::swap(two_ago, before);
        std::swap(before, row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t const changed = before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({before[j] + 1, row[j - 1] + 1, changed});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], two_ago[j - 2] + 1);
        }
    }
    return row[b.size()];
}

/// The candidate that `name` was most likely meant to be, or empty: at most a third of it, but two,
/// may differ.
inline std::string_view nearest(std::string_view name, std::vector<std::string> const& candidates) {
    std::string_view best;
    std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
    for (std::string_view const candidate : candidates) {
        std::size_t const distance = edit_distance(name.substr(0, 100), candidate);
        if (distance >= least || distance >= candidate.size()) continue;
        least = distance;
        best = candidate;
    }
    return best;
}

/// An argument as messages show it: a terminal survives it, a screen holds it.
inline std::string shown_argument(std::string_view argument) {
    std::string out = "\"";
    for (char const c : argument.substr(0, 100))
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out += argument.size() > 100 ? "...\"" : "\"";
}

class option_reader {
public:
    option_reader(std::vector<option>& options, int argc, char const* const* argv)
        : options_(options), argv_(argv), count_(argc) {}

    options_read read() {
        for (at_ = 1; at_ < count_ && out_.act.empty() && out_.wrong.empty(); ++at_)
            read_one(argv_[at_]);
        if (!out_.wrong.empty()) out_.wrong.insert(0, "millrace: command line: ");
        return std::move(out_);
    }

private:
    void read_one(std::string_view argument) {
        if (!argument.starts_with("--") || argument == "--") return refuse_stray(argument);
        std::string_view name = argument.substr(2);
        std::size_t const equals = name.find('=');
        bool const has_value = equals != std::string_view::npos;
        std::string_view const value = has_value ? name.substr(equals + 1) : std::string_view();
        name = name.substr(0, equals);
        option* found = find(name);
        bool const negated = found == nullptr && name.starts_with("no-") && !has_value;
        if (negated) found = find(name.substr(3));
        if (found == nullptr || (negated && found->shape != option_shape::flag))
            return refuse_unknown(name);
        if (negated) return set(*found, "false");
        if (has_value)
            return found->shape == option_shape::act ? refuse_value(*found) : set(*found, value);
        read_values(*found);
    }
    void read_values(option& found) {
        switch (found.shape) {
            case option_shape::act:
                out_.act = found.name;
                return;
            case option_shape::flag:
                return set(found, "true");
            case option_shape::one_if_written:
                return set(found, "");
            case option_shape::one:
            case option_shape::many:
                break;
        }
        bool any = false;
        while (at_ + 1 < count_ && !std::string_view(argv_[at_ + 1]).starts_with("--")
               && out_.wrong.empty()) {
            any = true;
            set(found, argv_[++at_]);
            if (found.shape == option_shape::one) return;
        }
        if (!any) out_.wrong = "--" + found.name + " needs a value. Give it " + found.allowed + ".";
    }

    void set(option& found, std::string_view value) {
        if (!found.given && found.clear != nullptr) found.clear(found.target);
        found.given = true;
        if (!found.read(value, found.target))
            out_.wrong = "--" + found.name + " takes " + found.allowed + ", not "
                         + shown_argument(value) + ".";
    }

    option* find(std::string_view name) {
        for (option& candidate : options_)
            if (candidate.name == name) return &candidate;
        return nullptr;
    }
    void refuse_value(option const& found) {
        out_.wrong = "--" + found.name + " takes no value. Leave it away.";
    }
    void refuse_stray(std::string_view argument) {
        out_.wrong = shown_argument(argument)
                     + " belongs to no option. Options begin with two dashes; --help lists them.";
    }
    void refuse_unknown(std::string_view name) {
        std::vector<std::string> names;
        names.reserve(2 * options_.size());
        for (option const& o : options_) names.push_back(o.name);
        for (option const& o : options_)
            if (o.shape == option_shape::flag) names.push_back("no-" + o.name);
        std::string_view const meant = nearest(name, names);
        out_.wrong = shown_argument("--" + std::string(name)) + " is no option. ";
        if (meant.empty())
            out_.wrong += "--help lists them.";
        else
            out_.wrong.append("Did you mean --").append(meant).append("?");
    }

    std::vector<option>& options_;
    char const* const* argv_;
    int count_;
    int at_ = 0;
    options_read out_;
};

/// The left column of `--help`: the option and what it takes.
inline std::string usage_of(option const& o) {
    std::string name = "  --" + o.name;
    switch (o.shape) {
        case option_shape::flag:
            return name + ", --no-" + o.name;
        case option_shape::one:
            return name + " " + o.placeholder;
        case option_shape::one_if_written:
            return name + "[=" + o.placeholder + "]";
        case option_shape::many:
            return name + " " + o.placeholder + "...";
        case option_shape::act:
            break;
    }
    return name;
}

inline std::string help_text(std::string_view program, std::vector<option> const& options) {
    std::size_t width = 0;
    for (option const& o : options) width = std::max(width, usage_of(o).size());
    std::string out = "usage: " + std::string(program) + " [options]\n\n";
    for (option const& o : options) {
        std::string line = usage_of(o);
        std::string right = o.help;
        if (!o.initial.empty())
            right.append(right.empty() ? "default " : "; default ").append(o.initial);
        if (!right.empty()) line.append(width + 2 - line.size(), ' ').append(right);
        out.append(line).append("\n");
    }
    return out;
}

/// `build/bin/flights` is `flights`.
inline std::string_view program_name(int argc, char const* const* argv) {
    if (argc < 1 || argv[0] == nullptr) return "program";
    std::string_view const path = argv[0];
    return path.substr(path.rfind('/') + 1);
}

}  // namespace millrace::detail
