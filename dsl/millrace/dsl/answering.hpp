// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Does every request of a service get exactly one answer (SEMANTICS 15)? Found from the graph
// alone.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <millrace/dsl/graph_edges.hpp>
#include <millrace/model/stage.hpp>

namespace millrace::detail {

enum class answer_fault : std::uint8_t {
    none,
    no_request,  ///< `reply` where no request comes
    hole,        ///< behind a stage that makes none or several of one
    no_answer,   ///< a way on which requests end without one
};

/// A split whose cases may leave a record.
template <class Node>
consteval bool leaves_some() {
    return requires { requires !Node::inner_type::takes_all; };
}

template <class Graph, class... Node>
struct answering {
    static constexpr std::size_t size = Graph::size;
    static constexpr std::string_view words[size] = {Node::inner_type::word...};
    static constexpr bool asks[size] = {asks_for_answers<Node>()...};
    static constexpr bool rejoins[size] = {joins<typename Node::stage_type>...};
    static constexpr bool split_is_open[size] = {leaves_some<Node>()...};

    enum class way : std::uint8_t { none, whole, holed };

    static constexpr way behind(std::size_t p, std::size_t i, way before) {
        if (before == way::none) return before;
        bool const goes_on = Graph::next[p] == static_cast<int>(i);
        switch (Graph::kinds[p]) {
            case stage_kind::filter:
            case stage_kind::flat_map:
                return goes_on ? way::holed : way::none;
            case stage_kind::window:
                return goes_on ? way::holed : way::none;
            case stage_kind::fork:
                if (rejoins[p]) return way::holed;
                return goes_on || words[p] == "split" ? before : way::none;
            default:
                break;
        }
        if (words[p] == "broadcast") return way::holed;
        return goes_on ? before : way::none;
    }
    static constexpr answer_fault find() {
        way ways[size]{};
        for (std::size_t i = 0; i < size; ++i) {
            if (asks[i]) ways[i] = way::whole;
            unsigned from = 0;
            for (std::size_t p = 0; p < i; ++p) {
                if (!Graph::precedes(p, i)) continue;
                way const w = behind(p, i, ways[p]);
                if (w != way::none) ways[i] = w;
                ++from;
            }
            if (from > 1 && ways[i] != way::none) ways[i] = way::holed;
            if (Graph::ends_in_reply[i]) {
                if (ways[i] == way::none) return answer_fault::no_request;
                if (ways[i] == way::holed) return answer_fault::hole;
            } else if (ways[i] != way::none) {
                bool const open_split = split_is_open[i] && Graph::next[i] < 0;
                bool const ends = Graph::kinds[i] == stage_kind::sink;
                if (open_split || ends) return answer_fault::no_answer;
            }
        }
        return answer_fault::none;
    }
    static constexpr answer_fault fault = find();
};

}  // namespace millrace::detail
