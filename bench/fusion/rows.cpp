// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// filter (50 %) → map → filter (50 %) → sum over 64-byte rows in memory, in the cache and from
// DRAM.

#include <cstdint>
#include <random>
#include <support/pair.hpp>
#include <vector>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {

struct row64 {
    std::int64_t id;
    std::int64_t price;
    std::int64_t size;
    std::int64_t side;
    std::int64_t other[4];
};
static_assert(sizeof(row64) == 64);

struct trade {
    std::int64_t value;
    std::int64_t side;
};

std::vector<row64> make_rows(std::size_t n) {
    std::mt19937_64 random(42);
    std::vector<row64> rows(n);
    for (auto& r : rows) {
        r.id = static_cast<std::int64_t>(random());
        r.price = static_cast<std::int64_t>(random() % 1000);
        r.size = static_cast<std::int64_t>(random() % 100);
        r.side = static_cast<std::int64_t>(random() % 2);
    }
    return rows;
}

// The loop as people write it.
[[gnu::noinline]] std::int64_t by_hand(std::vector<row64> const& rows) {
    std::int64_t sum = 0;
    for (row64 const& r : rows) {
        if (r.price < 500) {
            trade const t{r.price * r.size, r.side};
            if (t.side == 1) sum += t.value;
        }
    }
    return sum;
}

[[gnu::noinline]] std::int64_t fused(std::vector<row64> const& rows) {
    using namespace millrace;
    std::int64_t sum = 0;
    auto result = run(from(rows) | filter([](row64 const& r) { return r.price < 500; })
                      | map([](row64 const& r) { return trade{r.price * r.size, r.side}; })
                      | filter([](trade const& t) { return t.side == 1; }) | window_all(global{})
                      | aggregate(millrace::sum<"value">(field<&trade::value>))
                      | to([&](auto const& r) { sum = get<"value">(r); }));
    return result.ok() ? sum : -1;
}

void measure(millrace::bench::pair& pairs, char const* name, std::size_t n, std::size_t repeat) {
    auto const rows = make_rows(n);
    pairs.run(
        name, {.must = 1.05, .aim = 0.5}, static_cast<double>(n * repeat),
        [&] {
            std::int64_t s = 0;
            for (std::size_t i = 0; i < repeat; ++i) {
                s += by_hand(rows);
                millrace::bench::keep(s);
            }
            return s;
        },
        [&] {
            std::int64_t s = 0;
            for (std::size_t i = 0; i < repeat; ++i) {
                s += fused(rows);
                millrace::bench::keep(s);
            }
            return s;
        });
}

}  // namespace

int main(int argc, char** argv) {
    millrace::bench::pair pairs(argc, argv);
    measure(pairs, "rows/cache", 64'000, 20);
    measure(pairs, "rows/dram", 4'000'000, 1);
}
