// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Which inputs are parsed on all partitions (SEMANTICS 10), and what of that a fused loop holds.

#include <cstddef>
#include <type_traits>
#include <utility>

#include <millrace/dsl/cuts.hpp>
#include <millrace/dsl/graph.hpp>
#include <millrace/dsl/loop_operator.hpp>
#include <millrace/model/flat_tuple.hpp>
#include <millrace/model/owning.hpp>
#include <millrace/model/stage.hpp>

namespace millrace::detail {

/// The source can be read in blocks, its parser's rows end in line ends, and its records outlive
/// the bytes that they were parsed from.
template <class Graph, std::size_t Id>
consteval bool parsed_in_blocks() {
    using source = typename Graph::template node_at<Id>::inner_type;
    if constexpr (!requires { requires source::read_in_blocks; }) {
        return false;
    } else if constexpr (!Graph::template parses<Id>()) {
        return false;
    } else {
        using parser =
            typename Graph::template node_at<static_cast<std::size_t>(Graph::next[Id])>::inner_type;
        if constexpr (requires { requires parser::rows_are_lines; })
            return owning<typename parser::record>;
        else
            return false;
    }
}
template <class Graph>
inline constexpr bool any_parsed_in_blocks = []<std::size_t... K>(std::index_sequence<K...>) {
    return (parsed_in_blocks<Graph, Graph::source_ids[K]>() || ...);
}(std::make_index_sequence<Graph::sources>{});

/// Of a source that is read where it stands.
struct not_in_blocks {};

/// The part of source K: a copy of its parser that works for all.
template <std::size_t K, class P, class Env, class Graph, bool Traced>
auto open_blocks(P& expression, Env& env) {
    constexpr std::size_t id = Graph::source_ids[K];
    if constexpr (parsed_in_blocks<Graph, id>()) {
        using source = typename Graph::template node_at<id>;
        using parser = typename Graph::template node_at<static_cast<std::size_t>(Graph::next[id])>;
        auto const& bytes = inner_of(stage_by(expression, typename source::path_type{}));
        auto const& format = inner_of(stage_by(expression, typename parser::path_type{}));
        return bytes.template open_blocks<typename parser::inner_type::record, Traced>(
            format.template open<typename parser::stream_in>(env), env);
    } else {
        return not_in_blocks{};
    }
}

/// What one partition holds of all its sources.
template <class P, class Env, class Graph, bool Traced>
class all_blocks {
    template <std::size_t... K>
    static auto open(P& expression, Env& env, std::index_sequence<K...>) {
        return flat_tuple<decltype(open_blocks<K, P, Env, Graph, Traced>(expression, env))...>{
            {{open_blocks<K, P, Env, Graph, Traced>(expression, env)}...}};
    }
    using sources = std::make_index_sequence<Graph::sources>;

public:
    all_blocks(P& expression, Env& env) : all_(open(expression, env, sources{})) {}

    template <std::size_t K>
    auto& at() {
        return all_.template at<K>();
    }
    void join(all_blocks& other) {
        each([&]<std::size_t K>() { at<K>().join(other.template at<K>()); });
    }
    /// Nothing new is parsed from now on.
    void stop() {
        each([&]<std::size_t K>() { at<K>().stop(); });
    }
    [[nodiscard]] bool done() {
        bool all = true;
        each([&]<std::size_t K>() { all = all && at<K>().done(); });
        return all;
    }
    /// Reads ahead, and where `parses` says so turns up to `n` rows of each into records.
    bool work(std::size_t n, bool parses) {
        bool did = false;
        each([&]<std::size_t K>() { did |= at<K>().work(n, parses); });
        return did;
    }

private:
    template <class F>
    static void each(F&& f) {
        for_each_node<Graph::sources>([&]<std::size_t K>() {
            if constexpr (parsed_in_blocks<Graph, Graph::source_ids[K]>())
                f.template operator()<K>();
        });
    }
    decltype(open(std::declval<P&>(), std::declval<Env&>(), sources{})) all_;
};

/// Of a loop that is alone.
struct no_blocks {
    template <class P, class Env>
    no_blocks(P&, Env&) {}
};

}  // namespace millrace::detail
