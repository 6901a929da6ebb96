// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The reason of a bad row, in words: which field, and what is wrong with it.

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string_view>

namespace millrace::detail {

/// Words put together without allocation; cut where they get too long.
class reason_text {
public:
    [[gnu::cold]] std::string_view set(std::initializer_list<std::string_view> parts) {
        size_ = 0;
        for (auto const part : parts) {
            std::size_t const count = std::min(part.size(), sizeof text_ - size_);
            std::copy_n(part.data(), count, text_ + size_);
            size_ += count;
        }
        return {text_, size_};
    }

private:
    char text_[256];
    std::size_t size_ = 0;
};

}  // namespace millrace::detail
