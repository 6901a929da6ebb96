// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The exchanges of a fused loop: which partition a record goes to, and what comes in from the
// others.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include <millrace/dsl/cuts.hpp>
#include <millrace/dsl/loop_failure.hpp>
#include <millrace/dsl/loop_operator.hpp>
#include <millrace/dsl/loop_sources.hpp>
#include <millrace/model/context.hpp>
#include <millrace/model/held.hpp>

namespace millrace::detail {

/// The operator of a stage that runs on one partition, or nothing on the others. Built in place:
/// operators need not move.
template <class Op>
struct placed {
    std::optional<Op> op{};

    template <class Maker>
    placed(bool here, Maker const& maker) {
        if (here) op.emplace(maker);
    }
};
template <class T>
struct opened_type {
    using type = T;
};
template <class Op>
struct opened_type<placed<Op>> {
    using type = Op;
};
template <class T>
using opened_operator = typename opened_type<T>::type;
template <class Op>
[[gnu::always_inline]] inline Op& opened(Op& op) {
    return op;
}
template <class Op>
[[gnu::always_inline]] inline Op& opened(placed<Op>& p) {
    return held(p.op);  // asked for only where it is present
}
template <class Op>
constexpr bool is_present(Op const&) {
    return true;
}
template <class Op>
constexpr bool is_present(placed<Op> const& p) {
    return p.op.has_value();
}

/// Opens a stage for one of several loops: a copy of it, or where it runs alone the stage itself.
template <class N, bool Single, class Stage, class Env>
auto open_copy(Stage& stage, Env& env) {
    if constexpr (Single) {
        using op_type = decltype(open_node<N>(stage, env));
        struct maker {
            Stage& stage;
            Env& env;
            operator op_type() const { return open_node<N>(stage, env); }
        };
        return placed<op_type>(env.partition() == 0, maker{stage, env});
    } else if constexpr (N::inner_type::kind == stage_kind::fork) {
        return open_node<N>(stage, env);
    } else {
        Stage copy = stage;
        return open_node<N>(copy, env);
    }
}

/// One port for each cut edge. The environment gives what travels and what it travels through:
/// `Env::crossing<Record, Context, WithOrigin>` and `Env::port<Item>`.
template <class Env, class Graph, class Cuts, class Sequence>
struct port_tuple;
template <class Env, class Graph, class Cuts, std::size_t... E>
struct port_tuple<Env, Graph, Cuts, std::index_sequence<E...>> {
    template <std::size_t I>
    static constexpr std::size_t head = Cuts::list.at[I].to;
    template <std::size_t I>
    using stream_of_edge = typename Graph::template node_at<head<I>>::stream_in;
    template <std::size_t I>
    using item = typename Env::template crossing<
        typename stream_of_edge<I>::record,
        context<std::conditional_t<stream_of_edge<I>::traits.timed, timed, untimed>,
                origin_of<Graph>>,
        Graph::needs_origin_behind(head<I>)>;
    using type = flat_tuple<typename Env::template port<item<E>>...>;
};

template <class Env, class Graph, class Cuts>
class exchange {
    using ports =
        typename port_tuple<Env, Graph, Cuts, std::make_index_sequence<Cuts::count>>::type;
    static constexpr std::size_t single_home = 0;  // the partition of what runs alone

public:
    static constexpr std::size_t count = Cuts::count;

    explicit exchange(Env& env) : env_(env) {
        each([&]<std::size_t E>() {
            constexpr auto edge = Cuts::list.at[E];
            if (comes_here(edge.kind)) at<E>().open_inlet(env, env.lane_slots(Cuts::worst_over(E)));
        });
    }
    Env& environment() { return env_; }
    template <std::size_t E>
    auto& at() {
        return ports_.template at<E>();
    }
    /// Calls `f.operator()<E>()` for each cut edge.
    template <class F>
    static constexpr void each(F&& f) {
        for_each_node<count>(f);
    }
    /// The bytes of all lanes of a run, of at least `slots` records each.
    [[nodiscard]] static constexpr std::size_t lane_bytes(std::size_t partitions,
                                                          std::size_t receivers,
                                                          std::size_t slots) {
        std::size_t sum = 0;
        each([&]<std::size_t E>() {
            using item = typename flat_element<E, ports>::lane_type::value_type;
            std::size_t const into = Cuts::list.at[E].kind == cut_kind::to_single ? 1
                                     : spreads(Cuts::list.at[E].kind)             ? receivers
                                                                                  : partitions;
            std::size_t const worst = Cuts::worst_over(E);
            sum += into * (partitions - 1) * std::bit_ceil(worst > slots ? worst : slots)
                   * sizeof(item);
        });
        return sum;
    }
    /// Joins this partition's outlets to the inlets of another one.
    void connect(exchange& other) {
        each([&]<std::size_t E>() {
            if (other.template at<E>().has_inlet())
                at<E>().connect(env_, other.env_.partition(),
                                other.template at<E>().inlet_lane(env_.partition()));
        });
    }

    /// A record at a cut edge: to a lane, or on at once where it stays here.
    template <std::size_t From, std::size_t To, class Loop, class R, class Ctx>
    [[gnu::always_inline]] inline void cross(Loop& loop, R&& record, Ctx const& ctx,
                                             typename Loop::hots& frame) {
        constexpr auto e = static_cast<std::size_t>(Cuts::index(From, To));
        constexpr cut_kind kind = Cuts::list.at[e].kind;
        auto& port = at<e>();
        if constexpr (kind == cut_kind::to_all) {
            for (unsigned q = 0; q < env_.partitions(); ++q)
                if (q != env_.partition())
                    port.send(q, static_cast<std::remove_cvref_t<R> const&>(record), ctx);
            loop.template hand<From, static_cast<int>(To), true>(static_cast<R&&>(record),
                                                                 port.lifted(ctx), frame);
        } else {
            unsigned target = here_;
            if constexpr (kind == cut_kind::by_key) {
                auto& key = loop.template op<From>().functions;
                using record_type = std::remove_cvref_t<R>;
                auto const route = [&] {
                    return env_.receiver_of(key(static_cast<record_type const&>(record)));
                };
                if (keeps_all_) [[likely]] {
                    // The key is read where it is needed.
                } else if constexpr (std::remove_cvref_t<decltype(key)>::template never_throws_for<
                                         record_type>) {
                    target = route();
                } else {
                    try {
                        target = route();
                    } catch (...) {
                        // Counted where the key would have been read.
                        fail_by_exception<To, From>(loop, &record, ctx);
                        return;
                    }
                }
            } else if constexpr (kind == cut_kind::in_turn) {
                if (!keeps_all_) target = turn_ = turn_ + 1 < env_.receivers() ? turn_ + 1 : 0;
            } else if constexpr (kind == cut_kind::home) {
                target = ctx.reply.partition;
            } else {
                target = single_home;
            }
            if (target == here_) {
                loop.template hand<From, static_cast<int>(To), true>(static_cast<R&&>(record),
                                                                     port.lifted(ctx), frame);
            } else {
                port.send(target, static_cast<R&&>(record), ctx);
            }
        }
    }

private:
    /// Do records come to this partition over an edge of that kind?
    [[nodiscard]] bool comes_here(cut_kind kind) const {
        if (kind == cut_kind::to_single) return env_.partition() == single_home;
        return !spreads(kind) || env_.partition() < env_.receivers();
    }
    static constexpr bool spreads(cut_kind kind) {
        return kind == cut_kind::by_key || kind == cut_kind::in_turn;
    }

    Env& env_;
    unsigned const here_ = env_.partition();
    bool const keeps_all_ = env_.receivers() == 1 && here_ == 0;  // of what is spread over cores
    ports ports_{};
    unsigned turn_ = 0;
};

/// Of a loop that is alone.
struct no_exchange {
    static constexpr std::size_t count = 0;
    template <class Env>
    explicit no_exchange(Env&) {}
    template <std::size_t E>
    no_exchange& at() {
        static_assert(E < count, "millrace: exchange: a loop that is alone has none.");
        return *this;
    }
};

}  // namespace millrace::detail
