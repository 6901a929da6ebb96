// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `operation_list`: operations in a row, linked through themselves, so that queueing never
// allocates.

#include <millrace/io/operation.hpp>

namespace millrace::detail {

/// First in, first out. An operation is in one list at most.
class operation_list {
public:
    [[nodiscard]] bool empty() const { return first_ == nullptr; }
    [[nodiscard]] operation* first() const { return first_; }

    void push(operation& one) {
        one.engine.next = nullptr;
        (first_ == nullptr ? first_ : last_->engine.next) = &one;
        last_ = &one;
    }
    operation& pop() {
        operation& one = *first_;
        first_ = one.engine.next;
        return one;
    }
    /// A walk from the front: for what is rare.
    bool remove(operation& one) {
        operation* before = nullptr;
        for (operation* at = first_; at != nullptr; before = at, at = at->engine.next) {
            if (at != &one) continue;
            (before == nullptr ? first_ : before->engine.next) = one.engine.next;
            if (last_ == &one) last_ = before;
            return true;
        }
        return false;
    }
    /// All of them; the list is empty behind it.
    operation_list taken() {
        operation_list all = *this;
        first_ = last_ = nullptr;
        return all;
    }

private:
    operation* first_ = nullptr;
    operation* last_ = nullptr;
};

}  // namespace millrace::detail
