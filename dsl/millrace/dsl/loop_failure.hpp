// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What becomes of a record that a stage can't digest, by its policy; and the sentence that ends a
// run.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string_view>
#include <type_traits>

#include <millrace/dsl/graph.hpp>
#include <millrace/dsl/on_error.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/failure.hpp>

namespace millrace::detail {

[[noreturn, gnu::noinline, gnu::cold]] inline void throw_stop(std::string_view stage,
                                                              std::string_view reason,
                                                              std::uint64_t position) {
    char text[900];
    std::size_t n = 0;
    auto put = [&](std::string_view part) {
        for (char const c : part)
            if (n < sizeof text) text[n++] = c;
    };
    put("millrace: ");
    put(stage);
    put(": ");
    put(reason.substr(0, 600));
    if (position > 0) {
        char digits[20];
        std::size_t d = 0;
        for (std::uint64_t p = position; p > 0; p /= 10)
            digits[d++] = static_cast<char>('0' + p % 10);
        put(" (line ");
        while (d > 0) put({&digits[--d], 1});
        put(")");
    }
    put(". The run stops here; on_error(drop) or on_error(sink) behind the stage would go on.");
    throw failure(exit_code::data, {text, n});
}

/// A request that fails takes its place among the answers: its endpoint refuses it.
template <class Loop, class Ctx>
void refuse_request(Loop& loop, Ctx const& ctx) {
    if constexpr (Ctx::is_answered && Loop::graph::reply_node >= 0) {
        constexpr auto before = static_cast<std::size_t>(Loop::graph::before_reply);
        typename Loop::first_context plain{};
        plain.reply = ctx.reply;
        plain.reply.refused = true;
        plain.input = ctx.input;
        ++loop.state().refusals;
        loop.template hand<before, Loop::graph::reply_node>(bytes{}, plain, loop.all_hot());
    }
}

/// What the policy of Holder says of a record of node I.
template <std::size_t I, std::size_t Holder, class Policy, class Loop, class R, class Ctx>
void by_policy(Loop& loop, R const* record, Ctx const& ctx, std::string_view reason) {
    if constexpr (!std::is_same_v<Policy, stop_policy>) refuse_request(loop, ctx);
    using failed = typename Loop::template stage_at<Loop::graph::is_source(Holder) ? I : Holder>;
    if constexpr (std::is_same_v<Policy, drop_policy>) {
        ++loop.state().counts[I].dropped;
    } else if constexpr (std::is_same_v<Policy, stop_policy>) {
        ++loop.state().counts[I].dead;
        std::uint64_t position = 0;
        if constexpr (Ctx::is_traced) position = ctx.position;
        throw_stop(failed::name.empty() ? failed::word : failed::name.view(), reason, position);
    } else {
        ++loop.state().counts[I].dead;
        // The part of a stage takes that stage's input; the part of a source takes letters without
        // one.
        using letter_type =
            std::conditional_t<Loop::graph::is_source(Holder), dead_letter<bytes>, dead_letter<R>>;
        letter_type letter;
        if constexpr (!Loop::graph::is_source(Holder)) letter.record = record;
        letter.reason = reason;
        letter.stage = failed::name.empty() ? failed::word : failed::name.view();
        typename Loop::first_context plain{};
        plain.input = ctx.input;
        if constexpr (Ctx::is_traced) {
            letter.original = ctx.original;
            letter.position = ctx.position;
            if constexpr (Loop::first_context::is_traced) {
                plain.original = ctx.original;
                plain.position = ctx.position;
            }
        }
        ++loop.state().letters[Holder];
        loop.template hand<Holder, Loop::graph::template letter_head<Holder>()>(letter, plain,
                                                                                loop.all_hot());
    }
}

/// The policy of Holder, else of node I, else of its source, else stop.
template <std::size_t I, std::size_t Holder, class Loop, class R, class Ctx>
[[gnu::noinline, gnu::cold]] void fail_record(Loop& loop, R const* record, Ctx const& ctx,
                                              std::string_view reason) {
    using stage_type = typename Loop::template node_at<I>::stage_type;
    using holder_type = typename Loop::template node_at<Holder>::stage_type;
    if constexpr (is_guarded<holder_type>) {
        by_policy<I, Holder, typename holder_type::policy_type>(loop, record, ctx, reason);
    } else if constexpr (is_guarded<stage_type>) {
        by_policy<I, I, typename stage_type::policy_type>(loop, record, ctx, reason);
    } else if constexpr (Loop::template node_at<I>::fallback >= 0) {
        constexpr std::size_t source =
            static_cast<std::size_t>(Loop::template node_at<I>::fallback);
        by_policy<I, source, typename Loop::template node_at<source>::stage_type::policy_type>(
            loop, record, ctx, reason);
    } else {
        // A service goes on; what its client sent is the client's.
        using policy = std::conditional_t<Ctx::is_answered, drop_policy, stop_policy>;
        by_policy<I, I, policy>(loop, record, ctx, reason);
    }
}

/// Of a record whose key has no room in state, where the run goes on: by the policy that its stage
/// or its source has, with what says «stop» taken as «drop».
template <std::size_t I, class Loop, class R, class Ctx>
[[gnu::noinline, gnu::cold]] void shed_record(Loop& loop, R const* record, Ctx const& ctx) {
    using stage_type = typename Loop::template node_at<I>::stage_type;
    constexpr int fallback = Loop::template node_at<I>::fallback;
    constexpr std::size_t holder =
        is_guarded<stage_type> || fallback < 0 ? I : static_cast<std::size_t>(fallback);
    using holder_type = typename Loop::template node_at<holder>::stage_type;
    ++loop.state().counts[I].shed;
    constexpr std::string_view reason = "its key has no room in the state";
    if constexpr (has_letter_part<holder_type>)
        by_policy<I, holder, typename holder_type::policy_type>(loop, record, ctx, reason);
    else
        by_policy<I, I, drop_policy>(loop, record, ctx, reason);
}

/// In a catch block: the same, with what the exception says.
template <std::size_t I, std::size_t Holder, class Loop, class R, class Ctx>
[[gnu::noinline, gnu::cold]] void fail_by_exception(Loop& loop, R const* record, Ctx const& ctx) {
    try {
        throw;
    } catch (std::exception const& e) {
        fail_record<I, Holder>(loop, record, ctx, e.what());
    } catch (...) {
        fail_record<I, Holder>(loop, record, ctx, "an exception that is no std::exception");
    }
}

}  // namespace millrace::detail
