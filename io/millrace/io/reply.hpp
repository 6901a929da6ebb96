// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `tcp::serve(…) | … | reply()`: ends a stream of answers, each on the connection that asked.

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <millrace/model/bytes.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {

namespace detail {

/// Stands on the partition of its endpoint, which it learns with the first record.
class reply_operator {
public:
    struct hot {
        std::uint64_t written = 0;
    };

    template <class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(bytes const& answer, Ctx const& ctx, Emit&& emit) {
        auto& endpoint = emit.endpoint();
        if (endpoint_ == nullptr) [[unlikely]]
            learn(endpoint);
        if (ctx.reply.refused) [[unlikely]] {
            ++refused_;
            return endpoint.refuse(ctx.reply);
        }
        endpoint.reply(ctx.reply, answer.data);
        emit.tally(emit.hot().written);
    }
    void count(hot const& h, stage_counts& counts) const { counts.out += h.written + refused_; }
    void batch_end() {
        if (endpoint_ != nullptr) flush_(endpoint_);
    }
    [[nodiscard]] bool drained() const { return endpoint_ == nullptr || drained_(endpoint_); }

private:
    template <class Endpoint>
    void learn(Endpoint& endpoint) {
        endpoint_ = &endpoint;
        flush_ = [](void* at) { static_cast<Endpoint*>(at)->flush(); };
        drained_ = [](void const* at) { return static_cast<Endpoint const*>(at)->drained(); };
    }

    std::uint64_t refused_ = 0;  // not hot: a request may fail in the middle of a batch
    void* endpoint_ = nullptr;
    void (*flush_)(void*) = nullptr;
    bool (*drained_)(void const*) = nullptr;
};

}  // namespace detail

struct reply_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::sink;
    static constexpr std::string_view word = "reply";
    static constexpr auto name = fixed_string{""};
    static constexpr placement runs = placement::every_partition;
    static constexpr bool goes_home = true;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        if constexpr (!std::same_as<typename In::record, bytes>) {
            static_assert(!Aloud,
                          "millrace: reply: it sends bytes, and here come records. Write a format "
                          "before it, such as | encode() or | json().");
            return refused<reply_stage, In>{};
        } else {
            constexpr stream_traits ended = [] {
                stream_traits traits = In::traits;
                traits.ended = true;
                return traits;
            }();
            return accepted<stream<bytes, typename In::key, ended>>{};
        }
    }

    template <class In, class Env>
    auto open(Env&) const {
        return detail::reply_operator{};
    }
};

/// Sends each answer to where its request came from, in the order of the requests of a connection,
/// framed as they were. Costs a copy into the connection's send buffer and one send for all answers
/// of a batch. Answers to connections that are gone are counted and dropped.
[[nodiscard]] constexpr reply_stage reply() { return {}; }

}  // namespace millrace
