// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A log-linear histogram of latencies: 128 buckets for each power of two, so a value is known to
// 0.8 % from 1 ns to hours. The layout is that of HdrHistogram (Tene).

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace load {

class histogram {
public:
    static constexpr unsigned precision_bits = 7;
    static constexpr std::uint64_t value_max = (std::uint64_t{1} << 44) - 1;  // ns: 4.9 hours

    void record(std::int64_t value_ns) {
        auto const value =
            value_ns < 0 ? 0 : std::min(static_cast<std::uint64_t>(value_ns), value_max);
        ++buckets_[index_of(value)];
        ++count_;
        least_ = std::min(least_, value);
        most_ = std::max(most_, value);
    }
    void add(histogram const& other) {
        for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
        count_ += other.count_;
        least_ = std::min(least_, other.least_);
        most_ = std::max(most_, other.most_);
    }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t min() const { return count_ == 0 ? 0 : least_; }
    [[nodiscard]] std::uint64_t max() const { return most_; }
    /// The least value that at least the share `q` of all is not above: its bucket's upper edge.
    [[nodiscard]] std::uint64_t quantile(double q) const {
        if (count_ == 0) return 0;
        auto const wanted = std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(q * static_cast<double>(count_) + 0.999999));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            seen += buckets_[i];
            if (seen >= wanted) return std::min(upper_edge(i), most_);
        }
        return most_;
    }

    /// One line a bucket that is not empty: its upper edge in ns, and its count.
    [[nodiscard]] bool save(std::string const& path) const {
        std::FILE* const file = std::fopen(path.c_str(), "w");
        if (file == nullptr) return false;
        for (std::size_t i = 0; i < buckets_.size(); ++i)
            if (buckets_[i] != 0)
                std::fprintf(file, "%llu %llu\n",
                             static_cast<unsigned long long>(std::min(upper_edge(i), most_)),
                             static_cast<unsigned long long>(buckets_[i]));
        return std::fclose(file) == 0;
    }
    [[nodiscard]] bool load(std::string const& path) {
        std::FILE* const file = std::fopen(path.c_str(), "r");
        if (file == nullptr) return false;
        unsigned long long edge = 0;
        unsigned long long n = 0;
        while (std::fscanf(file, "%llu %llu", &edge, &n) == 2) {
            std::uint64_t const value = std::min<std::uint64_t>(edge, value_max);
            buckets_[index_of(value)] += n;
            count_ += n;
            least_ = std::min(least_, value);
            most_ = std::max(most_, value);
        }
        bool const whole = std::feof(file) != 0;
        std::fclose(file);
        return whole && count_ > 0;
    }

    [[nodiscard]] static std::size_t index_of(std::uint64_t value) {
        unsigned const width = static_cast<unsigned>(std::bit_width(value));
        unsigned const shift = width > precision_bits + 1 ? width - precision_bits - 1 : 0;
        return (std::size_t{shift} << precision_bits) + static_cast<std::size_t>(value >> shift);
    }
    [[nodiscard]] static std::uint64_t upper_edge(std::size_t index) {
        constexpr std::size_t half = std::size_t{1} << precision_bits;
        if (index < 2 * half) return index;
        std::size_t const shift = index / half - 1;
        return ((std::uint64_t{index % half + half} + 1) << shift) - 1;
    }

private:
    static constexpr std::size_t size = std::size_t{44 - precision_bits + 1} << precision_bits;
    std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>(size);
    std::uint64_t count_ = 0;
    std::uint64_t least_ = value_max;
    std::uint64_t most_ = 0;
};

/// `12.3 us`: three digits and a unit.
inline std::string time_text(std::uint64_t ns) {
    char text[32];
    double value = static_cast<double>(ns);
    char const* unit = "ns";
    for (char const* next : {"us", "ms", "s"}) {
        if (value < 1000) break;
        value /= 1000;
        unit = next;
    }
    int const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
    std::snprintf(text, sizeof text, "%.*f %s", digits, value, unit);
    return text;
}

}  // namespace load
