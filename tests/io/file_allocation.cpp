// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include <millrace/io/file.hpp>

#include "scratch.hpp"

namespace {
std::size_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) {
    ++allocations;
    if (void* const memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
    ++allocations;
    if (void* const memory = std::aligned_alloc(static_cast<std::size_t>(alignment), bytes))
        return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace {

using namespace millrace;
using namespace millrace_test;

template <class Engine>
void copy_without_allocating() {
    scratch const directory;
    env_with<Engine> env;
    auto source =
        file(directory.put("in", noise(1'000'000)), {.buffer_bytes = 8192}).open_source(env);
    auto sink = file(directory / "out", {.buffer_bytes = 4096}).open_sink(env);
    chunk next;
    ASSERT_TRUE(source.next(next));
    std::size_t const before = allocations;
    while (source.next(next)) {
        for (std::size_t at = 0; at < next.data.size(); at += 100)
            sink.write({next.data.substr(at, 100), true});
        sink.batch_end();
    }
    sink.finish();
    EXPECT_EQ(allocations - before, 0U);
    sink.close(true);
}

TEST(file_allocation_per_record, is_none_per_chunk_and_record_on_a_ring) {
    copy_without_allocating<io_engine>();
}
TEST(file_allocation_per_record, is_none_without_one) {
    copy_without_allocating<blocking_engine>();
}

}  // namespace
