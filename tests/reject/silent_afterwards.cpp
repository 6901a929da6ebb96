// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
// expect: millrace: filter: the predicate can't be called with the record of this stream.

#include <millrace/dsl.hpp>
#include <millrace/dsl/explain.hpp>
#include <millrace/dsl/plan.hpp>
#include <millrace/scheduler/run.hpp>

#include <vector>

using namespace millrace;

struct flight {
    int delay;
    long carrier;
};
MILLRACE_RECORD(flight, delay, carrier);

int main() {
    std::vector<int> numbers{1, 2, 3};

    auto wrong = from(numbers)
                 | filter<"wrong">([](flight const& f) { return f.delay > 0; });  // here
    auto longer = wrong | key_by(field<"carrier">) | window(tumbling{hours(1)}) | aggregate(count<"n">())
                  | allowed_lateness(minutes(1)) | late_to(discard()) | on_error(drop) | count();
    auto merged = merge(longer | tee(discard(), discard()) | discard(), from(numbers)) | split(otherwise(discard()));
    auto again = from(numbers) | tee(map([](int n) { return n; }) | discard()) | on_error(drop);
    (void)again;
    (void)plan_of<decltype(merged)>.loops;
    (void)explain(longer);
    (void)run(merged);
}
