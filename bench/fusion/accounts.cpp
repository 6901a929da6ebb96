// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// What the accounts cost: the same loop with `on_error(drop)` behind each stage and all counters,
// against one without.

#include <cstdint>
#include <random>
#include <support/pair.hpp>
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;

struct row64 {
    std::int64_t price;
    std::int64_t size;
    std::int64_t side;
    std::int64_t other[5];
};

struct core_environment {};
struct uncounted_environment {
    static constexpr bool uncounted = true;
};

auto plain(std::vector<row64> const& rows, std::int64_t& sum) {
    return from(rows) | filter([](row64 const& r) { return r.price < 500; })
           | map([](row64 const& r) { return r.price * r.size + r.side; })
           | flat_map<2>([](std::int64_t v, emitter<std::int64_t>& emit) {
                 emit(v);
                 if ((v & 7) == 0) emit(v / 8);
             })
           | filter([](std::int64_t v) { return v > 1000; })
           | to([&sum](std::int64_t v) { sum += v; });
}
auto guarded_all(std::vector<row64> const& rows, std::int64_t& sum) {
    return from(rows) | filter([](row64 const& r) { return r.price < 500; }) | on_error(drop)
           | map([](row64 const& r) { return r.price * r.size + r.side; }) | on_error(drop)
           | flat_map<2>([](std::int64_t v, emitter<std::int64_t>& emit) {
                 emit(v);
                 if ((v & 7) == 0) emit(v / 8);
             })
           | on_error(drop) | filter([](std::int64_t v) { return v > 1000; }) | on_error(drop)
           | to([&sum](std::int64_t v) { sum += v; }) | on_error(drop);
}

template <class P, class Env>
[[gnu::noinline]] std::int64_t drive(P pipeline, Env& env, std::int64_t const& sum) {
    detail::fused_loop<P, Env, detail::nodes_of<P>> loop(std::move(pipeline), env);
    while (loop.template poll<0>(1024) == source_state::more) loop.settle(1024);
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    bench::pair pairs(argc, argv);
    std::mt19937_64 random(42);
    std::vector<row64> rows(200'000);
    for (auto& r : rows)
        r = {static_cast<std::int64_t>(random() % 1000),
             static_cast<std::int64_t>(random() % 100),
             static_cast<std::int64_t>(random() % 2),
             {}};
    pairs.run(
        "accounts", {.must = 1.03, .aim = 1.0}, static_cast<double>(rows.size()),
        [&] {
            std::int64_t sum = 0;
            uncounted_environment env;
            return drive(plain(rows, sum), env, sum);
        },
        [&] {
            std::int64_t sum = 0;
            core_environment env;
            return drive(guarded_all(rows, sum), env, sum);
        });
}
