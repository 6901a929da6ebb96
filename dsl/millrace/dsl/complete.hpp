// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `is_complete<P>`: the one check that `run`, `plan_of`, `explain` and the test driver share. Open
// parts are legal values, so what is missing is refused here and not at `|`.

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/dsl/answering.hpp>
#include <millrace/dsl/graph.hpp>
#include <millrace/dsl/pipeline.hpp>
#include <millrace/model/flat_tuple.hpp>

namespace millrace {

namespace detail {

/// What stands for a pipeline may be a bare stage, such as `file(…)`.
template <class P>
using lifted = decltype(lift(std::declval<std::remove_cvref_t<P>>()));

template <class... Node>
struct faults {
    static constexpr std::size_t size = sizeof...(Node);
    static constexpr stage_kind kinds[size] = {Node::inner_type::kind...};
    static constexpr int next[size] = {Node::next...};
    static constexpr bool open[size] = {awaits_modifier<typename Node::inner_type>...};
    static constexpr std::string_view names[size] = {Node::inner_type::name.view()...};

    // Each gives the number of a stage that is at fault, or `size`.
    static consteval std::size_t open_window() {
        for (std::size_t i = 0; i < size; ++i)
            if (open[i]) return i;
        return size;
    }
    static consteval std::size_t unread_bytes() {
        for (std::size_t i = 0; i < size; ++i)
            if (kinds[i] == stage_kind::bytes
                && (next[i] < 0 || kinds[next[i]] != stage_kind::parser))
                return i;
        return size;
    }
    static consteval std::size_t fed_parser() {
        for (std::size_t i = 0; i < size; ++i)
            if (next[i] >= 0 && kinds[next[i]] == stage_kind::parser
                && kinds[i] != stage_kind::bytes)
                return static_cast<std::size_t>(next[i]);
        return size;
    }
    static consteval std::size_t same_name() {
        for (std::size_t i = 0; i < size; ++i)
            for (std::size_t j = i + 1; j < size; ++j)
                if (!names[i].empty() && names[i] == names[j]) return j;
        return size;
    }
    template <std::size_t I>
    static constexpr auto name_at = flat_element<I, flat_tuple<Node...>>::inner_type::name;
};
template <class... Node>
faults<Node...> faults_of(node_list<Node...>);
template <class... Node>
answering<edges<Node...>, Node...> answering_of(node_list<Node...>);

template <class P>
inline constexpr bool has_sink = [] {
    using last = unguarded_t<typename last_of<P>::type>;
    // Every branch of a tee or split ends in a sink; a merge of parts goes on.
    return stream_of<P>::traits.ended || (last::kind == stage_kind::fork && !joins<last>);
}();

// What is missing, as if it were a stage that refuses the pipeline (as in compose.hpp).
struct part_without_source {
    template <class P, bool Aloud>
    static consteval bool accept() {
        static_assert(
            !Aloud,
            "millrace: pipeline: this is a part, it has no source. Write from(…) | or file(…) | before it.");
        return false;
    }
};
struct pipeline_without_sink {
    template <class P, bool Aloud>
    static consteval bool accept() {
        static_assert(
            !Aloud,
            "millrace: pipeline: it has no sink, so its records go nowhere. End it with | to(…) or "
            "| discard().");
        return false;
    }
};
struct bytes_without_format {
    template <class P, bool Aloud>
    static consteval bool accept() {
        static_assert(
            !Aloud,
            "millrace: pipeline: its source gives bytes, and no format reads them. Write | csv<record>() "
            "or another format right behind the source.");
        return false;
    }
};
struct format_without_bytes {
    template <class P, bool Aloud>
    static consteval bool accept() {
        static_assert(
            !Aloud,
            "millrace: pipeline: a format that reads does not stand behind a source of bytes. Write it "
            "right behind file(…) or another one.");
        return false;
    }
};
struct open_window {
    template <class P, bool Aloud>
    static consteval bool accept() {
        static_assert(
            !Aloud,
            "millrace: window: it has no aggregate. Write | aggregate(…) or | reduce(…) right behind it.");
        return false;
    }
};
template <fixed_string Name>
struct two_stages_called {
    template <class P, bool Aloud>
    static consteval bool accept() {
        static_assert(
            !Aloud,
            "millrace: pipeline: two stages have the same name, so it would mean neither. Give each a name "
            "of its own; of a value that is used twice, at most one use may be named.");
        return false;
    }
};
struct reply_without_serve {
    template <class P, bool Aloud>
    static consteval bool accept() {
        static_assert(
            !Aloud,
            "millrace: reply: no tcp::serve(…) stands above it, or the record is a copy of a request. Begin "
            "with one, and reply on the way that goes on behind tee(…).");
        return false;
    }
};
struct reply_behind_hole {
    template <class P, bool Aloud>
    static consteval bool accept() {
        static_assert(
            !Aloud,
            "millrace: reply: between serve and reply every request must become one answer. Replace filter "
            "by split(when(…), otherwise(… | reply())), and do without flat_map, windows and merge there.");
        return false;
    }
};
struct request_without_answer {
    template <class P, bool Aloud>
    static consteval bool accept() {
        static_assert(
            !Aloud,
            "millrace: pipeline: some requests would get no answer. End each way from serve in reply(), give "
            "split an otherwise(…), and send copies elsewhere by tee(…).");
        return false;
    }
};
struct no_fault {
    template <class P, bool Aloud>
    static consteval bool accept() {
        return true;
    }
};
struct refused_before {
    template <class P, bool Aloud>
    static consteval bool accept() {
        return false;
    }
};

template <class Answering>
consteval auto find_answer_fault() {
    constexpr answer_fault fault = Answering::fault;
    if constexpr (fault == answer_fault::no_request)
        return reply_without_serve{};
    else if constexpr (fault == answer_fault::hole)
        return reply_behind_hole{};
    else if constexpr (fault == answer_fault::no_answer)
        return request_without_answer{};
    else
        return no_fault{};
}

template <class P>
consteval auto find_fault() {
    if constexpr (is_rejected<P>) {
        return refused_before{};
    } else if constexpr (!is_pipeline<P>) {
        return part_without_source{};
    } else {
        using found = decltype(faults_of(nodes_of<P>{}));
        constexpr std::size_t none = found::size;
        if constexpr (found::open_window() != none)
            return open_window{};
        else if constexpr (found::unread_bytes() != none)
            return bytes_without_format{};
        else if constexpr (found::fed_parser() != none)
            return format_without_bytes{};
        else if constexpr (!has_sink<P>)
            return pipeline_without_sink{};
        else if constexpr (found::same_name() != none)
            return two_stages_called<found::template name_at<found::same_name()>>{};
        else
            return find_answer_fault<decltype(answering_of(nodes_of<P>{}))>();
    }
}
/// What is wrong with `P`. Whatever takes a pipeline says it by `(void)fault_of<P>::template
/// accept<P, true>();` in its own body: a level more between the user's line and the sentence, and
/// clang's message is longer than 12 lines.
template <class P>
using fault_of = decltype(find_fault<lifted<P>>());

}  // namespace detail

/// Is `P` fit to run? It has a source and a sink, every source of bytes a format, every window an
/// aggregate, and no name stands twice. Without a word.
template <class P>
inline constexpr bool is_complete = std::is_same_v<detail::fault_of<P>, detail::no_fault>;

namespace detail {
/// The same, and one sentence where it is not; silent for what was refused at `|`.
template <class P>
consteval bool check_complete() {
    return fault_of<P>::template accept<std::remove_cvref_t<P>, true>();
}
}  // namespace detail

}  // namespace millrace
