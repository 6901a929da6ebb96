// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The smallest program of a user; the same file is built each of the five ways (run.sh). The
// amalgamated header holds the core language, its plan and the test driver, and no I/O.

#include <vector>

#ifdef MILLRACE_CONSUMER_CORE
#include "millrace-core.hpp"
#else
#include <millrace/millrace.hpp>
#endif

int main() {
    std::vector<int> const numbers{1, 2, 3};
    std::vector<int> const expected{2, 4, 6};
    std::vector<int> doubled;
    auto pipeline = millrace::from(numbers) | millrace::map([](int x) { return x * 2; })
                    | millrace::to(doubled);
    static_assert(millrace::plan_of<decltype(pipeline)>.exchanges == 0);
#ifdef MILLRACE_CONSUMER_CORE
    millrace::driver driver{pipeline};
    for (int number : numbers) driver.in<0>().push(number);
    driver.end();
    return driver.out() == expected ? 0 : 1;
#else
    return millrace::run(pipeline).ok() && doubled == expected ? 0 : 1;
#endif
}
