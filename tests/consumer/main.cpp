// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The smallest program of a user; the same file is built each of the five ways (run.sh). The amalgamated header holds
// the core language only: what is written then is the type, and what the compiler knows of it.

#include <vector>

#ifdef MILLRACE_CONSUMER_CORE
#include <millrace/dsl.hpp>
#else
#include <millrace/millrace.hpp>
#endif

int main() {
    std::vector<int> const numbers{1, 2, 3};
    std::vector<int> doubled;
    auto pipeline = millrace::from(numbers) | millrace::map([](int x) { return x * 2; })
                    | millrace::to(doubled);
    static_assert(millrace::plan_of<decltype(pipeline)>.exchanges == 0);
#ifndef MILLRACE_CONSUMER_CORE
    millrace::run(pipeline);
    return doubled == std::vector<int>{2, 4, 6} ? 0 : 1;
#endif
}
