// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The edges between nodes: who follows whom, where segments begin, which source feeds what. All
// constexpr.

#include <cstddef>
#include <type_traits>
#include <utility>

#include <millrace/dsl/graph.hpp>

namespace millrace::detail {

template <int... H>
constexpr int head_at(heads<H...>, std::size_t k) {
    constexpr int all[] = {H..., -1};
    return k < sizeof...(H) ? all[k] : -1;
}
template <int... H>
constexpr std::size_t count_heads(heads<H...>) {
    return sizeof...(H);
}

template <class Node>
consteval bool answers_home() {
    return requires { requires Node::inner_type::goes_home; };
}
template <class Node>
consteval bool asks_for_answers() {
    return requires { requires Node::inner_type::replies; };
}

template <class... Node>
struct edges {
    static constexpr std::size_t size = sizeof...(Node);
    template <std::size_t I>
    using node_at = flat_element<I, flat_tuple<Node...>>;

    static constexpr stage_kind kinds[size] = {Node::inner_type::kind...};
    static constexpr int next[size] = {Node::next...};
    static constexpr std::size_t widths[size] = {count_heads(typename Node::heads_type{})...};
    static constexpr bool letters[size] = {has_letter_part<typename Node::stage_type>...};
    static constexpr unsigned inputs[size] = {Node::input...};

    static constexpr int head_of(std::size_t i, std::size_t k) {
        int out = -1;
        (void)((Node::id == i && ((out = head_at(typename Node::heads_type{}, k)), true)) || ...);
        return out;
    }
    template <std::size_t I, std::size_t K>
    static consteval int head() {
        return head_at(typename node_at<I>::heads_type{}, K);
    }
    template <std::size_t I>
    static consteval std::size_t head_count() {
        return widths[I];
    }
    template <std::size_t I>
    static consteval std::size_t letter_count() {
        return letters[I] ? 1 : 0;
    }
    template <std::size_t I>
    static consteval int letter_head() {
        return letters[I] ? head_of(I, widths[I] - 1) : -2;
    }
    /// The branch of `q` that begins with `i`, or -1.
    template <std::size_t Q>
    static consteval int branch_to(std::size_t i) {
        for (std::size_t k = 0; k < widths[Q]; ++k)
            if (head_of(Q, k) == static_cast<int>(i)) return static_cast<int>(k);
        return -1;
    }
    struct adjacency {
        bool value[size][size]{};
    };
    static constexpr adjacency before = [] {
        adjacency a;
        for (std::size_t p = 0; p < size; ++p) {
            if (next[p] >= 0) a.value[p][next[p]] = true;
            for (std::size_t k = 0; k < widths[p]; ++k)
                if (int const h = head_of(p, k); h >= 0) a.value[p][h] = true;
        }
        return a;
    }();
    static constexpr bool precedes(std::size_t p, std::size_t i) { return before.value[p][i]; }
    struct node_numbers {
        std::size_t count = 0;
        std::size_t at[size]{};
    };
    static constexpr node_numbers find_before(std::size_t i) {
        node_numbers found;
        for (std::size_t p = 0; p < i; ++p)
            if (precedes(p, i)) found.at[found.count++] = p;
        return found;
    }
    /// The nodes in front of node I.
    template <std::size_t I>
    static constexpr node_numbers before_node = find_before(I);

    /// A stage that emits from several places calls what follows instead of inlining it; so does a
    /// side output, and whatever leads into a join (LANGUAGE, 5).
    static constexpr bool begins_segment(std::size_t from, std::size_t to) {
        if (kinds[to] == stage_kind::merge) return true;
        if (kinds[from] == stage_kind::window) return true;
        if (letters[from] && head_of(from, widths[from] - 1) == static_cast<int>(to)) return true;
        return kinds[from] != stage_kind::fork && next[from] != static_cast<int>(to);
    }
    struct reach {
        bool value[size]{};
    };
    /// What is inlined behind node `Head`, up to where segments begin; also over cut edges, for
    /// what stays on its partition there.
    template <std::size_t Head>
    static constexpr reach reached = [] {
        reach r;
        r.value[Head] = true;
        for (std::size_t p = Head; p < size; ++p) {
            if (!r.value[p]) continue;
            for (std::size_t i = p + 1; i < size; ++i)
                if (precedes(p, i) && !begins_segment(p, i)) r.value[i] = true;
        }
        return r;
    }();

    static constexpr bool is_source(std::size_t i) {
        return kinds[i] == stage_kind::source || kinds[i] == stage_kind::bytes;
    }
    static constexpr std::size_t sources = [] {
        std::size_t n = 0;
        for (std::size_t i = 0; i < size; ++i) n += is_source(i) ? 1 : 0;
        return n;
    }();
    struct source_list {
        std::size_t id[sources == 0 ? 1 : sources]{};
        constexpr std::size_t operator[](std::size_t k) const { return id[k]; }
    };
    static constexpr source_list source_ids = [] {
        source_list s;
        std::size_t n = 0;
        for (std::size_t i = 0; i < size; ++i)
            if (is_source(i)) s.id[n++] = i;
        return s;
    }();

    /// Does a parser read what this source gives?
    template <std::size_t I>
    static consteval bool parses() {
        return next[I] >= 0 && kinds[next[I]] == stage_kind::parser;
    }
    /// The nearest `key_by` above a node.
    template <std::size_t I>
    static consteval std::size_t key_above() {
        std::size_t at = I;
        while (at > 0 && kinds[at] != stage_kind::key) {
            std::size_t p = at;
            while (p > 0 && !precedes(p - 1, at)) --p;
            at = p - 1;
        }
        return at;
    }
    static constexpr bool shows_origin[size] = {[] {
        if constexpr (requires { Node::inner_type::needs_origin; })
            return bool{Node::inner_type::needs_origin};
        else
            return has_letter_part<typename Node::stage_type>;
    }()...};
    static constexpr bool needs_origin = [] {
        for (bool const shows : shows_origin)
            if (shows) return true;
        return false;
    }();
    /// Does a stage from node `i` on show where its record came from?
    static constexpr bool needs_origin_behind(std::size_t i) {
        bool behind[size]{};
        behind[i] = true;
        for (std::size_t k = i; k < size; ++k) {
            if (!behind[k]) continue;
            if (shows_origin[k]) return true;
            for (std::size_t n = k + 1; n < size; ++n) behind[n] = behind[n] || precedes(k, n);
        }
        return false;
    }
    /// Is one of the sources an endpoint that answers?
    static constexpr bool answers = (asks_for_answers<Node>() || ...);
    static constexpr bool ends_in_reply[size] = {answers_home<Node>()...};
    /// The stage that answers the requests of a service, or -1.
    static constexpr int reply_node = [] {
        for (std::size_t i = 0; i < size; ++i)
            if (ends_in_reply[i]) return static_cast<int>(i);
        return -1;
    }();
    static constexpr int before_reply = [] {
        for (std::size_t p = 0; reply_node >= 0 && p < size; ++p)
            if (precedes(p, static_cast<std::size_t>(reply_node))) return static_cast<int>(p);
        return -1;
    }();
};

}  // namespace millrace::detail
