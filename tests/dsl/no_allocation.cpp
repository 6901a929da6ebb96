// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// A warm loop allocates nothing: counted at `operator new`, between batches, through the fused loop
// itself.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

namespace {
std::size_t allocations = 0;

void* counted(std::size_t bytes, std::size_t alignment) {
    ++allocations;
    std::size_t const least = alignment < sizeof(void*) ? sizeof(void*) : alignment;
    void* const p = std::aligned_alloc(least, (bytes + least - 1) / least * least);
    if (p == nullptr) throw std::bad_alloc();
    return p;
}
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) {
    return counted(bytes, alignof(std::max_align_t));
}
[[gnu::noinline]] void* operator new[](std::size_t bytes) {
    return counted(bytes, alignof(std::max_align_t));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t a) {
    return counted(bytes, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, std::align_val_t a) {
    return counted(bytes, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
    std::free(p);
}

namespace {
using namespace millrace;

struct event {
    std::int64_t t = 0;
    int key = 0;
    int v = 0;
};
MILLRACE_RECORD(event, t, key, v);

struct environment {};

/// The allocations of `batches` batches, after as many for warming up.
template <class P>
std::size_t allocations_of(P pipeline, std::size_t batches) {
    environment env;
    detail::fused_loop<P, environment, detail::nodes_of<P>> loop(std::move(pipeline), env);
    auto turn = [&] {
        ASSERT_EQ(loop.template poll<0>(1024), source_state::more);
        loop.settle(1024);
    };
    for (std::size_t i = 0; i < batches; ++i) turn();
    std::size_t const before = allocations;
    for (std::size_t i = 0; i < batches; ++i) turn();
    return allocations - before;
}

/// 30 thousand records a window, 1000 keys, disorder, late records: without an end.
auto endless() {
    return generate([n = std::int64_t{0}]() mutable -> std::optional<event> {
        ++n;
        std::int64_t const back = n % 977 == 0 ? 200'000 : n % 64;
        return event{n - back, static_cast<int>(n * 7919 % 1000), static_cast<int>(n % 100)};
    });
}

TEST(no_allocation, counts_what_is_allocated) {
    std::size_t const before = allocations;
    ::operator delete(::operator new(8));
    EXPECT_EQ(allocations, before + 1);
}

TEST(no_allocation, a_warm_loop_of_twelve_operators_with_a_keyed_window_allocates_nothing) {
    std::int64_t rows = 0;
    std::int64_t late = 0;
    std::size_t const made = allocations_of(
        endless() | filter<"some">([](event const& e) { return e.v != 13; }) | map([](event e) {
            e.v += 1;
            return e;
        }) | inspect([](event const&) {})
            | flat_map<2>([](event const& e, emitter<event>& emit) {
                  emit(e);
                  if (e.v % 3 == 0) emit(e);
              })
            | filter([](event const& e) { return e.key != 1; })
            | event_time([](event const& e) { return time_point{e.t}; },
                         bounded_disorder{duration{50}})
            | map<"second">([](event const& e) { return event{e.t, e.key, -e.v}; })
            | key_by(field<&event::key>) | window(tumbling{duration{30'000}})
            | aggregate(count<"n">(), sum<"sum">(field<&event::v>),
                        millrace::max<"most">(field<&event::v>), mean<"mean">(field<&event::v>))
            | allowed_lateness(duration{1000}) | late_to([&](event const&) { ++late; })
            | filter<"rows">([](auto const& row) { return get<"n">(row) > 0; })
            | map<"third">([](auto const& row) { return get<"n">(row); })
            | to([&](std::int64_t n) { rows += n > 0; }),
        400);
    EXPECT_EQ(made, 0U);
    EXPECT_GT(rows, 1000);
    EXPECT_GT(late, 100);
}

TEST(no_allocation, a_warm_loop_with_forks_joins_and_rolling_state_allocates_nothing) {
    std::int64_t seen = 0;
    std::size_t const made = allocations_of(
        endless() | tee(filter([](event const& e) { return e.v == 0; }) | discard())
            | merge(filter([](event const& e) { return e.v % 2 == 0; }),
                    filter([](event const& e) { return e.v % 2 != 0; }))
            | key_by(field<&event::key>) | aggregate(count<"n">(), sum<"sum">(field<&event::v>))
            | split(when<"few">([](auto const& row) { return get<"n">(row) < 3; }, discard()),
                    otherwise(to([&](auto const&) { ++seen; }))),
        100);
    EXPECT_EQ(made, 0U);
    EXPECT_GT(seen, 0);
}

TEST(no_allocation, records_dropped_by_policy_allocate_nothing_of_ours) {
    // The exception object itself is the C++ runtime's, by malloc, not by operator new.
    std::size_t const made = allocations_of(endless() | map([](event const& e) {
                                                if (e.v == 99) throw 1;
                                                return e;
                                            }) | on_error(drop)
                                                | discard(),
                                            20);
    EXPECT_EQ(made, 0U);
}

}  // namespace
