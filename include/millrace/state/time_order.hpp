// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `time_order<Node>`: nodes in order of their start. Appending and taking the oldest are O(1), the
// rest O(log n).

#include <cstddef>
#include <cstdint>

#include <millrace/model/time.hpp>

namespace millrace {

/// What a node carries: it has a member `order` of this type and a `time_point start` that no other
/// node has.
template <class Node>
struct time_link {
    static constexpr unsigned levels = 8;
    Node* next[levels]{};
    unsigned height = 0;
};

/// An intrusive skip list (Pugh, 1990) whose levels thin out by 8. A heap was rejected because due
/// panes must be walked in order without being taken out; a sorted ring because a million panes
/// opened in random order are quadratic.
template <class Node>
class time_order {
public:
    time_order() = default;
    time_order(time_order const&) = delete;
    time_order& operator=(time_order const&) = delete;

    [[nodiscard]] Node* first() const noexcept { return head_[0]; }
    [[nodiscard]] Node* last() const noexcept { return tail_[0]; }
    [[nodiscard]] static Node* next(Node const& node) noexcept { return node.order.next[0]; }

    void insert(Node& node) noexcept {
        node.order.height = draw_height();
        Node* before[levels];
        if (tail_[0] == nullptr || tail_[0]->start < node.start) {
            for (unsigned i = 0; i < levels; ++i) before[i] = tail_[i];
        } else {
            find_before(node.start, before);
        }
        for (unsigned i = 0; i < node.order.height; ++i) {
            Node*& link = link_behind(before[i], i);
            node.order.next[i] = link;
            link = &node;
            if (tail_[i] == before[i]) tail_[i] = &node;
        }
    }

    void erase(Node& node) noexcept {
        Node* before[levels]{};
        if (head_[0] != &node) find_before(node.start, before);
        for (unsigned i = 0; i < node.order.height; ++i) {
            link_behind(before[i], i) = node.order.next[i];
            if (tail_[i] == &node) tail_[i] = before[i];
        }
    }

private:
    static constexpr unsigned levels = time_link<Node>::levels;

    [[nodiscard]] Node*& link_behind(Node* node, unsigned level) noexcept {
        return node == nullptr ? head_[level] : node->order.next[level];
    }
    void find_before(time_point start, Node* (&before)[levels]) noexcept {
        Node* at = nullptr;
        for (unsigned i = levels; i-- > 0;) {
            for (Node* next = link_behind(at, i); next != nullptr && next->start < start;
                 next = link_behind(at, i))
                at = next;
            before[i] = at;
        }
    }
    /// xorshift64 (Marsaglia, 2003): each level has an eighth of the nodes of the one below.
    unsigned draw_height() noexcept {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        unsigned height = 1;
        for (std::uint64_t bits = random_; (bits & 7U) == 0 && height < levels; bits >>= 3)
            ++height;
        return height;
    }

    Node* head_[levels]{};
    Node* tail_[levels]{};
    std::uint64_t random_ = 0x2545'F491'4F6C'DD1D;
};

}  // namespace millrace
