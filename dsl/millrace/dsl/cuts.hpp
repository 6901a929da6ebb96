// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Where a pipeline is cut when it runs on several partitions: which stages run on one alone, which
// edges records cross, and how many of them one record can become there. All constexpr.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <millrace/dsl/graph_edges.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/stage.hpp>

namespace millrace::detail {

/// How a record finds its partition where an edge is cut.
enum class cut_kind : std::uint8_t {
    none,
    by_key,     ///< by its key's group: `key_by`
    in_turn,    ///< one after the other: `rebalance`
    to_all,     ///< a copy to each: `broadcast`
    to_single,  ///< to the partition of what follows, which runs on one alone
    home,       ///< to the partition that its request came in by: `reply`
};

template <class T>
concept placed_by_itself = requires { T::runs; };

/// Does a stage by its nature run on one partition alone: a source of one input, a sink that is one
/// thing, state over all records?
template <class Node>
consteval bool runs_alone() {
    using stage_type = typename Node::inner_type;
    if constexpr (stage_type::kind == stage_kind::source || stage_type::kind == stage_kind::bytes) {
        if constexpr (placed_by_itself<stage_type>)
            return stage_type::runs == placement::single;
        else
            return true;
    } else if constexpr (stage_type::kind == stage_kind::sink) {
        if constexpr (placed_by_itself<stage_type>)
            return stage_type::runs == placement::single;
        else if constexpr (placed_by_itself<decltype(stage_type::sink)>)
            return decltype(stage_type::sink)::runs == placement::single;
        else
            return true;
    } else if constexpr (stage_type::kind == stage_kind::window
                         || stage_type::kind == stage_kind::rolling) {
        return !Node::stream_in::keyed;
    } else {
        return false;
    }
}
/// The most records that a stage hands on for each one that comes.
template <class Node>
consteval std::size_t emits_at_most() {
    if constexpr (Node::inner_type::kind == stage_kind::flat_map)
        return Node::inner_type::max;
    else
        return 1;
}
template <class Node>
consteval cut_kind exchange_of() {
    if constexpr (requires { Node::inner_type::exchange; })
        return Node::inner_type::exchange;
    else if constexpr (Node::inner_type::kind == stage_kind::key)
        return cut_kind::by_key;
    else
        return cut_kind::none;
}

template <class Graph, class... Node>
struct flow_of {
    static constexpr std::size_t size = Graph::size;
    static constexpr std::size_t most[size] = {emits_at_most<Node>()...};
    static constexpr int fallbacks[size] = {Node::fallback...};

    /// The most records that reach each node for one that enters node `Head` (or that `Head`
    /// releases). Cuts are passed as if they were none: what stays on its partition goes on at
    /// once.
    struct arrivals {
        std::size_t at[size]{};
    };
    static constexpr std::size_t many = std::size_t{1} << 24;
    static constexpr std::size_t plus(std::size_t a, std::size_t b) {
        return a + b < many ? a + b : many;
    }
    static constexpr arrivals worst_from(std::size_t head) {
        arrivals a;
        a.at[head] = 1;
        spread(a, head);
        arrivals letters;  // of sources whose policy holds for the stages behind them
        for (std::size_t i = head; i < size; ++i) {
            int const holder = fallbacks[i];
            if (a.at[i] == 0 || holder < 0 || static_cast<std::size_t>(holder) == i) continue;
            auto const h = static_cast<std::size_t>(holder);
            if (!Graph::letters[h]) continue;
            auto const first = static_cast<std::size_t>(Graph::head_of(h, Graph::widths[h] - 1));
            letters.at[first] = plus(letters.at[first], a.at[i]);
        }
        spread(letters, 0);
        for (std::size_t i = 0; i < size; ++i) a.at[i] = plus(a.at[i], letters.at[i]);
        return a;
    }
    static constexpr void spread(arrivals& a, std::size_t from) {
        for (std::size_t i = from; i < size; ++i) {
            if (a.at[i] == 0) continue;
            std::size_t const out = a.at[i] < many / most[i] ? a.at[i] * most[i] : many;
            if (Graph::next[i] >= 0) a.at[Graph::next[i]] = plus(a.at[Graph::next[i]], out);
            std::size_t const ways = Graph::widths[i] - (Graph::letters[i] ? 1 : 0);
            for (std::size_t k = 0; k < Graph::widths[i]; ++k)
                if (int const h = Graph::head_of(i, k); h >= 0)
                    a.at[h] = plus(a.at[h], k < ways ? out : a.at[i]);
        }
    }
    /// The most that one record, wherever it enters, becomes at node I.
    static constexpr std::size_t worst_at(std::size_t i) {
        std::size_t most_seen = 1;
        for (std::size_t h = 0; h < i; ++h) {
            std::size_t const n = worst_from(h).at[i];
            most_seen = n > most_seen ? n : most_seen;
        }
        return most_seen;
    }
    template <std::size_t Head>
    static constexpr arrivals worst = worst_from(Head);
};

template <class Graph, class... Node>
struct cuts_of {
    static constexpr std::size_t size = Graph::size;
    using flow = flow_of<Graph, Node...>;
    static constexpr bool alone_by_nature[size] = {runs_alone<Node>()...};
    static constexpr bool goes_home[size] = {answers_home<Node>()...};
    static constexpr cut_kind exchanges[size] = {exchange_of<Node>()...};

    struct facts {
        bool single[size]{};  // runs on one partition
        bool moved[size]{};   // stands behind a cut
        cut_kind cut[size][size]{};
        std::size_t count = 0;
    };
    static constexpr facts all = [] {
        facts f;
        for (std::size_t i = 0; i < size; ++i) {
            bool any = false;
            bool together = true;
            for (std::size_t p = 0; p < i; ++p) {
                if (!Graph::precedes(p, i)) continue;
                bool const goes_on = Graph::next[p] == static_cast<int>(i);
                // An exchange in front of what runs alone only gathers.
                if (goes_on && exchanges[p] != cut_kind::none && !alone_by_nature[i])
                    f.cut[p][i] = exchanges[p];
                else if (goes_home[i] && f.moved[p])
                    f.cut[p][i] = cut_kind::home;
                else if (alone_by_nature[i] && !f.single[p])
                    f.cut[p][i] = cut_kind::to_single;
                bool const is_cut = f.cut[p][i] != cut_kind::none;
                f.count += is_cut ? 1 : 0;
                f.moved[i] = f.moved[i] || f.moved[p] || is_cut;
                any = true;
                together = together && f.single[p] && !is_cut;
            }
            f.single[i] = alone_by_nature[i] || (any && together);
        }
        return f;
    }();
    static constexpr std::size_t count = all.count;

    struct edge {
        std::size_t from = 0;
        std::size_t to = 0;
        cut_kind kind = cut_kind::none;
    };
    struct edge_list {
        edge at[count == 0 ? 1 : count]{};
    };
    /// The cut edges, by the node they lead to.
    static constexpr edge_list list = [] {
        edge_list out;
        std::size_t n = 0;
        for (std::size_t i = 0; i < size; ++i)
            for (std::size_t p = 0; p < i; ++p)
                if (all.cut[p][i] != cut_kind::none) out.at[n++] = {p, i, all.cut[p][i]};
        return out;
    }();
    /// The number of a cut edge, or -1.
    static constexpr int index(std::size_t from, std::size_t to) {
        if (count == 0 || all.cut[from][to] == cut_kind::none) return -1;
        for (std::size_t e = 0; e < count; ++e)
            if (list.at[e].from == from && list.at[e].to == to) return static_cast<int>(e);
        return -1;
    }
    static constexpr bool single(std::size_t i) { return all.single[i]; }
    /// Does a cut edge lead away from one of them?
    static constexpr bool within(typename Graph::reach const& nodes) {
        for (std::size_t e = 0; e < count; ++e)
            if (nodes.value[list.at[e].from]) return true;
        return false;
    }

    /// The most that one record, wherever it enters, sends over cut edge `e`: no lane may be
    /// smaller.
    static constexpr std::size_t worst_over(std::size_t e) {
        std::size_t most_seen = 1;
        for (std::size_t h = 0; h <= list.at[e].from; ++h) {
            auto const a = flow::worst_from(h);
            if (a.at[list.at[e].from] == 0) continue;
            std::size_t const n = a.at[list.at[e].to];
            most_seen = n > most_seen ? n : most_seen;
        }
        return most_seen;
    }
};

/// An environment says whether its loops run side by side; without a word they don't.
template <class Env>
inline constexpr bool is_parallel = [] {
    if constexpr (requires { Env::parallel; })
        return bool{Env::parallel};
    else
        return false;
}();

/// What holds in a loop that is alone: nothing is cut.
template <class Graph>
struct no_cuts {
    static constexpr std::size_t count = 0;
    static constexpr int index(std::size_t, std::size_t) { return -1; }
    static constexpr bool single(std::size_t) { return false; }
    static constexpr bool within(typename Graph::reach const&) { return false; }
};

}  // namespace millrace::detail
