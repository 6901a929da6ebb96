// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Latency by percentile as a picture: the share of requests to the right by nines, the latency
// upwards by powers of ten, a line for each run.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "histogram.hpp"

namespace load {

struct series {
    std::string name;
    histogram values;
};

class picture {
public:
    explicit picture(std::string title) : title_(std::move(title)) {}
    void add(series s) {
        if (s.values.count() > 0) lines_.push_back(std::move(s));
    }
    /// An SVG file of 840 by 480; false if it can't be written.
    [[nodiscard]] bool write(std::string const& path) const {
        std::FILE* const file = std::fopen(path.c_str(), "w");
        if (file == nullptr) return false;
        std::string const text = svg();
        bool const whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
        return std::fclose(file) == 0 && whole;
    }
    [[nodiscard]] std::string svg() const {
        range r = find_range();
        std::string out =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 840 480\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n"
            "<rect width=\"840\" height=\"480\" fill=\"#fff\"/>\n";
        put(out, "<text x=\"%d\" y=\"24\" font-size=\"15\">%s</text>\n", left,
            escaped(title_).c_str());
        grid(out, r);
        for (std::size_t i = 0; i < lines_.size(); ++i) line(out, r, i);
        return out + "</svg>\n";
    }

private:
    static constexpr int left = 80, right = 820, top = 40, bottom = 440;
    struct range {
        double low = 1e3, high = 1e4;  // ns
        double nines = 2;              // to the right: 1 is 90 %, 2 is 99 %
    };

    template <class... A>
    static void put(std::string& out, char const* format, A... a) {
        char text[256];
        std::snprintf(text, sizeof text, format, a...);
        out += text;
    }
    static std::string escaped(std::string const& text) {
        std::string out;
        for (char const c : text)
            if (c == '<')
                out += "&lt;";
            else if (c == '&')
                out += "&amp;";
            else
                out += c;
        return out.substr(0, 120);
    }
    [[nodiscard]] range find_range() const {
        range r;
        double low = 1e18;
        double high = 1;
        for (series const& s : lines_) {
            low = std::min(low, static_cast<double>(std::max<std::uint64_t>(s.values.min(), 1)));
            high = std::max(high, static_cast<double>(s.values.max()));
            r.nines =
                std::max(r.nines, std::ceil(std::log10(static_cast<double>(s.values.count()))));
        }
        if (!lines_.empty()) {
            r.low = std::pow(10, std::floor(std::log10(low)));
            r.high = std::max(r.low * 10, std::pow(10, std::ceil(std::log10(high))));
        }
        r.nines = std::min(r.nines, 7.0);
        return r;
    }
    static double x_of(range const& r, double nines) {
        return left + (right - left) * std::min(nines, r.nines) / r.nines;
    }
    static double y_of(range const& r, double ns) {
        double const share = (std::log10(std::max(ns, r.low)) - std::log10(r.low))
                             / (std::log10(r.high) - std::log10(r.low));
        return bottom - (bottom - top) * share;
    }
    static void grid(std::string& out, range const& r) {
        for (double ns = r.low; ns <= r.high * 1.001; ns *= 10) {
            double const y = y_of(r, ns);
            put(out, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n", left, y, right);
            put(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", left - 8, y + 4,
                time_text(static_cast<std::uint64_t>(std::llround(ns))).c_str());
        }
        static constexpr char const* names[] = {"0",       "90 %",     "99 %",      "99.9 %",
                                                "99.99 %", "99.999 %", "99.9999 %", "99.99999 %"};
        for (int n = 0; n <= static_cast<int>(r.nines); ++n) {
            double const x = x_of(r, n);
            put(out, "<path d=\"M%.1f %dV%d\" stroke=\"#ddd\"/>\n", x, top, bottom);
            put(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x, bottom + 18,
                names[n]);
        }
        put(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">share of requests</text>\n", right,
            bottom + 34);
    }
    void line(std::string& out, range const& r, std::size_t number) const {
        static constexpr char const* colours[] = {"#0b6e99", "#c8511b", "#3a7d34",
                                                  "#7b3f98", "#8a6d00", "#444444"};
        char const* const colour = colours[number % std::size(colours)];
        histogram const& h = lines_[number].values;
        put(out, R"(<path fill="none" stroke-width="2" stroke="%s" d=")", colour);
        double const last = std::log10(static_cast<double>(h.count()));
        char command = 'M';
        for (double nines = 0; nines < last; nines += r.nines / 400) {
            double const q = 1 - std::pow(10, -nines);
            put(out, "%c%.1f %.1f", command, x_of(r, nines),
                y_of(r, static_cast<double>(h.quantile(q))));
            command = 'L';
        }
        put(out, "%c%.1f %.1f\"/>\n", command, x_of(r, last),
            y_of(r, static_cast<double>(h.max())));
        int const y = top + 18 * static_cast<int>(number) + 12;
        put(out, "<path d=\"M%d %dh24\" stroke-width=\"3\" stroke=\"%s\"/>\n", left + 12, y - 4,
            colour);
        out += "<text x=\"" + std::to_string(left + 42) + "\" y=\"" + std::to_string(y) + "\">"
               + escaped(lines_[number].name) + "</text>\n";
    }

    std::string title_;
    std::vector<series> lines_;
};

}  // namespace load
