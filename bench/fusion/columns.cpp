// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// The same as rows.cpp over columns: one array a field, against AVX intrinsics by hand.

#include <cstdint>
#include <random>
#include <vector>

// g++ 12 warns of its own header (GCC bug 105593).
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#include <support/pair.hpp>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {

struct tick {
    std::int32_t price;
    std::int32_t size;
    std::int32_t side;
};
struct trade {
    std::int32_t value;
    std::int32_t side;
};

struct table {
    std::vector<std::int32_t> price, size, side;
};
table make_table(std::size_t n) {
    std::mt19937_64 random(42);
    table t;
    for (std::size_t i = 0; i < n; ++i) {
        t.price.push_back(static_cast<std::int32_t>(random() % 1000));
        t.size.push_back(static_cast<std::int32_t>(random() % 100));
        t.side.push_back(static_cast<std::int32_t>(random() % 2));
    }
    return t;
}

// What the machine allows: eight (or sixteen) rows at a time, both filters as masks, sums in 64
// bits.
[[gnu::target("avx2"), gnu::noinline]] std::int64_t by_hand_avx2(table const& t) {
    __m256i low = _mm256_setzero_si256();
    __m256i high = _mm256_setzero_si256();
    __m256i const limit = _mm256_set1_epi32(500);
    __m256i const one = _mm256_set1_epi32(1);
    std::size_t const n = t.price.size();
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i const p = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(t.price.data() + i));
        __m256i const s = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(t.size.data() + i));
        __m256i const f = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(t.side.data() + i));
        __m256i const keep =
            _mm256_and_si256(_mm256_cmpgt_epi32(limit, p), _mm256_cmpeq_epi32(f, one));
        __m256i const v = _mm256_and_si256(keep, _mm256_mullo_epi32(p, s));
        low = _mm256_add_epi64(low, _mm256_cvtepi32_epi64(_mm256_castsi256_si128(v)));
        high = _mm256_add_epi64(high, _mm256_cvtepi32_epi64(_mm256_extracti128_si256(v, 1)));
    }
    alignas(32) std::int64_t lanes[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), _mm256_add_epi64(low, high));
    std::int64_t sum = lanes[0] + lanes[1] + lanes[2] + lanes[3];
    for (; i < n; ++i)
        if (t.price[i] < 500 && t.side[i] == 1) sum += t.price[i] * t.size[i];
    return sum;
}
[[gnu::target("avx512f,avx512dq"), gnu::noinline]] std::int64_t by_hand_avx512(table const& t) {
    __m512i low = _mm512_setzero_si512();
    __m512i high = _mm512_setzero_si512();
    __m512i const limit = _mm512_set1_epi32(500);
    __m512i const one = _mm512_set1_epi32(1);
    std::size_t const n = t.price.size();
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m512i const p = _mm512_loadu_si512(t.price.data() + i);
        __m512i const s = _mm512_loadu_si512(t.size.data() + i);
        __m512i const f = _mm512_loadu_si512(t.side.data() + i);
        __mmask16 const keep = static_cast<__mmask16>(_mm512_cmplt_epi32_mask(p, limit)
                                                      & _mm512_cmpeq_epi32_mask(f, one));
        __m512i const v = _mm512_maskz_mullo_epi32(keep, p, s);
        low = _mm512_add_epi64(low, _mm512_cvtepi32_epi64(_mm512_castsi512_si256(v)));
        high = _mm512_add_epi64(high, _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(v, 1)));
    }
    std::int64_t sum = _mm512_reduce_add_epi64(_mm512_add_epi64(low, high));
    for (; i < n; ++i)
        if (t.price[i] < 500 && t.side[i] == 1) sum += t.price[i] * t.size[i];
    return sum;
}
std::int64_t by_hand(table const& t) {
#ifdef __AVX512F__
    return by_hand_avx512(t);
#else
    return __builtin_cpu_supports("avx2") ? by_hand_avx2(t) : by_hand_avx512(t);
#endif
}

[[gnu::noinline]] std::int64_t fused(table const& t) {
    using namespace millrace;
    std::int64_t sum = 0;
    auto result = run(columns<tick>(t.price, t.size, t.side)
                      | filter([](tick const& r) { return r.price < 500; })
                      | map([](tick const& r) { return trade{r.price * r.size, r.side}; })
                      | filter([](trade const& r) { return r.side == 1; }) | window_all(global{})
                      | aggregate(millrace::sum<"value">(field<&trade::value>))
                      | to([&](auto const& r) { sum = get<"value">(r); }));
    return result.ok() ? sum : -1;
}

void measure(millrace::bench::pair& pairs, char const* name, std::size_t n, std::size_t repeat) {
    auto const data = make_table(n);
    pairs.run(
        name, {.must = 1.5, .aim = 1.1}, static_cast<double>(n * repeat),
        [&] {
            std::int64_t s = 0;
            for (std::size_t i = 0; i < repeat; ++i) {
                s += by_hand(data);
                millrace::bench::keep(s);
            }
            return s;
        },
        [&] {
            std::int64_t s = 0;
            for (std::size_t i = 0; i < repeat; ++i) {
                s += fused(data);
                millrace::bench::keep(s);
            }
            return s;
        });
}

}  // namespace

int main(int argc, char** argv) {
    millrace::bench::pair pairs(argc, argv);
    measure(pairs, "columns/cache", 200'000, 20);
    measure(pairs, "columns/dram", 16'000'000, 1);
}
