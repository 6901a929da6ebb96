// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The first pipeline of docs/learn: readings from memory, filtered, mapped, into a vector.

// [program]
#include <cstdio>
#include <vector>

#include <millrace/millrace.hpp>

using namespace millrace;

struct reading {
    int sensor = 0;
    double celsius = 0;
};

int main() {
    std::vector<reading> const readings{{1, 19.5}, {2, -300.0}, {1, 21.0}};
    std::vector<double> kelvin;

    auto const pipeline =
        from(readings) | filter<"possible">([](reading const& r) { return r.celsius >= -273.15; })
        | map<"kelvin">([](reading const& r) { return r.celsius + 273.15; }) | to(kelvin);
    report const result = run(pipeline);

    for (double const k : kelvin) std::printf("%.2f\n", k);
    std::fputs(to_text(result).c_str(), stderr);
    return static_cast<int>(result.code);
}
// [program]
