// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Runs a pipeline by the fused loop alone, and checks that every stage accounts for every record.

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>

namespace millrace_test {

struct node_counts {
    std::string name;  // as the user named it, else the word
    millrace::stage_counts counts;
};
struct outcome {
    std::vector<node_counts> nodes;
    std::string stopped;  // the sentence of the failure that ended the run
    int code = 0;

    /// The counts of the `nth` stage of that name.
    [[nodiscard]] millrace::stage_counts of(std::string_view name, std::size_t nth = 0) const {
        for (auto const& n : nodes)
            if (n.name == name && nth-- == 0) return n.counts;
        ADD_FAILURE() << "there is no stage " << name;
        return {};
    }
};

struct environment {};

/// Every record that came into a stage went somewhere (LANGUAGE, 17).
inline void expect_conservation(outcome const& o) {
    for (auto const& [name, c] : o.nodes) {
        EXPECT_EQ(c.in, c.passed + c.filtered + c.late + c.dropped + c.dead + c.held)
            << "at " << name;
        if (o.code == 0) {
            EXPECT_EQ(c.held, 0U) << "at " << name;
        }
    }
}

/// Runs `pipeline` to its end or its failure, `batch` records of each source in turn.
template <class P>
outcome run_by_hand(P pipeline, std::size_t batch = 4) {
    static_assert(!millrace::is_rejected<P>);
    using loop_type = millrace::detail::fused_loop<P, environment, millrace::detail::nodes_of<P>>;
    outcome out;
    environment env;
    loop_type loop{std::move(pipeline), env};
    auto const poll_each = [&]<std::size_t... K>(std::index_sequence<K...>) {
        bool any = false;
        auto const poll_one = [&]<std::size_t I>() {
            if (loop.source_ended(I)) return;
            if (loop.template poll<I>(batch) == millrace::source_state::more)
                any = true;
            else
                loop.template end_source<I>();
        };
        (poll_one.template operator()<K>(), ...);
        return any;
    };
    try {
        loop.begin();
        while (poll_each(std::make_index_sequence<loop_type::sources>{})) loop.settle(batch);
        loop.settle(batch);
        loop.close(true);
    } catch (millrace::failure const& f) {
        out.stopped = f.message();
        out.code = static_cast<int>(f.code());
        loop.close(false);
    }
    millrace::stage_counts counts[loop_type::size];
    loop.account(counts);
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        auto const add = [&]<class Stage>(millrace::stage_counts const& c) {
            out.nodes.push_back(
                {std::string(Stage::name.empty() ? Stage::word : Stage::name.view()), c});
        };
        (add.template operator()<typename loop_type::template stage_at<I>>(counts[I]), ...);
    }(std::make_index_sequence<loop_type::size>{});
    expect_conservation(out);
    return out;
}

/// Throws for the records it is told to.
struct throws_at {
    std::vector<int> values;
    void operator()(int n) const {
        for (int const v : values)
            if (v == n) throw std::runtime_error("bad " + std::to_string(n));
    }
};

}  // namespace millrace_test
