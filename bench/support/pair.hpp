// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A claim of speed is a pair: ours and the reference in one binary, in interleaved rounds, printed
// as a ratio.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace millrace::bench {

/// What a ratio must reach and should reach. With `higher_is_better` ours and the reference are
/// rates (work / second / 1e9), else times (ns / work).
struct goal {
    double must = 1.0;
    double aim = 1.0;
    bool higher_is_better = false;
    char const* unit = "ns/record";
};

/// Keeps a value from being optimised away.
template <class T>
inline void keep(T const& value) {
    asm volatile("" : : "r,m"(value) : "memory");
}

/// Runs pairs and prints one JSON object a line. `--quick` takes fewer rounds; any other word
/// filters by name.
class pair {
public:
    pair(int argc, char** argv) {
        for (int i = 1; i < argc; ++i) {
            if (std::strcmp(argv[i], "--quick") == 0)
                rounds_ = 5;
            else
                filter_ = argv[i];
        }
    }

    /// `work` is what one call does: bytes for GB/s, records for ns/record. Both must return the
    /// same checksum.
    template <class Reference, class Ours>
    void run(char const* name, goal wanted, double work, Reference&& reference, Ours&& ours) {
        if (std::string_view{name}.find(filter_) == std::string_view::npos) return;
        std::vector<double> ours_ns, reference_ns;
        for (int round = 0; round <= rounds_; ++round) {
            std::uint64_t sums[2] = {};
            double times[2] = {};
            for (int turn = 0; turn < 2;
                 ++turn) {  // who goes first alternates, so that neither owns the warm cache
                bool const is_ours = (turn + round) % 2 == 0;
                auto const begin = std::chrono::steady_clock::now();
                sums[is_ours] = is_ours ? static_cast<std::uint64_t>(ours())
                                        : static_cast<std::uint64_t>(reference());
                auto const end = std::chrono::steady_clock::now();
                times[is_ours] = std::chrono::duration<double, std::nano>(end - begin).count();
            }
            if (sums[0] != sums[1]) {
                std::fprintf(stderr, "%s: checksums differ: reference %llu, ours %llu\n", name,
                             static_cast<unsigned long long>(sums[0]),
                             static_cast<unsigned long long>(sums[1]));
                std::exit(70);
            }
            if (round == 0) continue;  // warm-up
            reference_ns.push_back(times[0]);
            ours_ns.push_back(times[1]);
        }
        double const a = measure(wanted, work, median(ours_ns));
        double const b = measure(wanted, work, median(reference_ns));
        std::printf(
            "{\"bench\":\"%s\",\"compiler\":\"%s %d\",\"ratio\":%.3f,\"must\":%.2f,\"aim\":%.2f,"
            "\"better\":\"%s\",\"ours\":%.3f,\"reference\":%.3f,\"unit\":\"%s\"}\n",
            name, compiler_name, compiler_major, a / b, wanted.must, wanted.aim,
            wanted.higher_is_better ? "higher" : "lower", a, b, wanted.unit);
        std::fflush(stdout);
    }

private:
#ifdef __clang__
    static constexpr char compiler_name[] = "clang";
    static constexpr int compiler_major = __clang_major__;
#else
    static constexpr char compiler_name[] = "g++";
    static constexpr int compiler_major = __GNUC__;
#endif

    static double measure(goal const& wanted, double work, double ns) {
        return wanted.higher_is_better ? work / ns : ns / work;
    }
    static double median(std::vector<double>& v) {
        std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
        return v[v.size() / 2];
    }

    int rounds_ = 21;
    std::string_view filter_;
};

}  // namespace millrace::bench
