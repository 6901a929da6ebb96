// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A buffer on pages of its own, for the kernel to fill or empty.

#include <cstddef>
#include <memory>
#include <new>

namespace millrace::detail {

struct page_buffer {
    static constexpr std::align_val_t alignment{4096};
    struct release {
        void operator()(char* pages) const { ::operator delete(pages, alignment); }
    };

    page_buffer() = default;
    explicit page_buffer(std::size_t bytes)
        : data(static_cast<char*>(::operator new(bytes, alignment))), capacity(bytes) {}

    std::unique_ptr<char, release> data;
    std::size_t capacity = 0;
};

}  // namespace millrace::detail
