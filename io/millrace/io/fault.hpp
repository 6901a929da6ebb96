// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `fault_plan`: what a test makes of an engine's operations: `basic_core_engine<fault_plan>`.
// Production code never includes it.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <sys/socket.h>
#include <sys/uio.h>
#include <utility>
#include <vector>

#include <millrace/io/buffer_pool.hpp>
#include <millrace/io/engine_options.hpp>
#include <millrace/io/operation.hpp>

namespace millrace {

/// One fault, of the n-th submission or completion of its verb.
struct fault {
    enum class kind : std::uint8_t {
        refuse,   ///< a submission ends with -value, and nothing moves
        shorten,  ///< a submission moves `value` bytes at most (streams and files, no multishot)
        rewrite,  ///< a last completion's result becomes `value`; what it did remains done
        stop,     ///< a multishot is cancelled behind this completion, and ends with `value`
        hold,     ///< a completion and those behind it of its operation come `value` turns later
    };
    kind what = kind::refuse;
    op_verb verb = op_verb::send;
    std::int32_t value = 0;
    std::uint64_t from = 0;   ///< the first that it strikes, counted from 0
    std::uint64_t every = 0;  ///< and again each so many; 0: once
};

/// Faults at random, in percent of the submissions and completions.
struct fault_rates {
    std::uint64_t seed = 1;
    unsigned refuse = 0;  ///< with EINTR or EAGAIN
    unsigned shorten = 0;
    unsigned stop = 0;  ///< with -ENOBUFS or -ECANCELED
    unsigned hold = 0;  ///< for 1 to 8 turns
};

class fault_plan {
public:
    static constexpr bool active = true;
    enum class verdict : std::uint8_t { pass, hold, stop };

    fault_plan& add(fault one) {
        faults_.push_back(one);
        return *this;
    }
    fault_plan& at_random(fault_rates rates) {
        rates_ = rates;
        random_ = rates.seed * 0x9e3779b97f4a7c15U + 1;
        return *this;
    }
    /// Every pool has this shape.
    fault_plan& with_pools_of(pool_options shape) {
        pools_ = shape;
        return *this;
    }
    /// A submission queue of 4 and a completion queue of 8 entries.
    fault_plan& with_small_queues() {
        small_queues_ = true;
        return *this;
    }
    /// How often it struck, so that a test can tell that it did.
    [[nodiscard]] std::uint64_t struck() const { return struck_; }
    [[nodiscard]] std::uint64_t submissions(op_verb verb) const {
        return submissions_[static_cast<std::size_t>(verb)];
    }

    // What the engine calls.

    void change(engine_options& options) const {
        if (!small_queues_) return;
        options.submissions = 4;
        options.completions = 8;
    }
    void change(pool_options& options) const {
        if (pools_.buffers != 0) options = pools_;
    }

    /// A negative errno to end it with, or 0.
    std::int32_t at_submission(operation& asked) {
        std::uint64_t const count = submissions_[static_cast<std::size_t>(asked.verb)]++;
        fault const* const refused = find(fault::kind::refuse, asked.verb, count);
        if (refused != nullptr || chance(rates_.refuse)) {
            ++struck_;
            return refused != nullptr ? -refused->value : next() % 2 == 0 ? -EINTR : -EAGAIN;
        }
        if (!can_be_short(asked)) return 0;
        std::size_t const all = bytes_of(asked);
        if (fault const* const few = find(fault::kind::shorten, asked.verb, count))
            shorten(asked, static_cast<std::size_t>(few->value));
        else if (all > 1 && chance(rates_.shorten))
            shorten(asked, 1 + next() % (all - 1));
        return 0;
    }

    verdict at_completion(operation& asked, completion& got) {
        std::uint64_t const count = completions_[static_cast<std::size_t>(asked.verb)]++;
        verdict told = verdict::pass;
        bool behind = false;
        for (held const& one : held_) behind |= one.asked == &asked;
        if (!got.more) {
            shadows_.erase(&asked);
            if (auto const stopped = stopping_.find(&asked); stopped != stopping_.end()) {
                if (got.result == -ECANCELED) got.result = stopped->second;
                stopping_.erase(stopped);
            }
            if (fault const* const other = find(fault::kind::rewrite, asked.verb, count))
                rewrite(asked, got, other->value);
        } else if (!behind && !stopping_.contains(&asked)) {
            fault const* const ending = find(fault::kind::stop, asked.verb, count);
            if (ending != nullptr || chance(rates_.stop)) {
                ++struck_;
                told = verdict::stop;
                stopping_[&asked] = ending != nullptr ? ending->value
                                    : next() % 2 == 0 ? -ENOBUFS
                                                      : -ECANCELED;
            }
        }
        unsigned turns = 0;
        if (fault const* const late = find(fault::kind::hold, asked.verb, count))
            turns = static_cast<unsigned>(late->value);
        else if (chance(rates_.hold))
            turns = 1 + static_cast<unsigned>(next() % 8);
        if (told == verdict::stop || (turns == 0 && !behind)) return told;
        ++struck_;
        held_.push_back({&asked, got, turns});
        return verdict::hold;
    }

    [[nodiscard]] bool holds() const { return !held_.empty(); }

    /// Once a turn: gives what is due, each operation's completions in their order.
    template <class Tell>
    bool release(Tell&& tell) {
        std::vector<held> due;
        std::vector<held> rest;
        for (held& one : held_) {
            bool const first = !has(rest, one.asked);
            if (one.turns > 0) --one.turns;
            (first && one.turns == 0 ? due : rest).push_back(one);
        }
        held_ = std::move(rest);
        for (held const& one : due) tell(*one.asked, one.got);
        return !due.empty() || !held_.empty();
    }

private:
    static constexpr std::size_t verbs = static_cast<std::size_t>(op_verb::poll) + 1;
    struct held {
        operation* asked;
        completion got;
        unsigned turns;
    };
    /// A message of which less is sent.
    struct shadow {
        msghdr message;
        std::vector<iovec> parts;
    };

    static bool has(std::vector<held> const& in, operation const* asked) {
        for (held const& one : in)
            if (one.asked == asked) return true;
        return false;
    }
    [[nodiscard]] fault const* find(fault::kind what, op_verb verb, std::uint64_t count) const {
        for (fault const& one : faults_) {
            if (one.what != what || one.verb != verb || count < one.from) continue;
            if (one.every == 0 ? count == one.from : (count - one.from) % one.every == 0)
                return &one;
        }
        return nullptr;
    }
    std::uint64_t next() {  // Vigna's splitmix64
        std::uint64_t z = random_ += 0x9e3779b97f4a7c15U;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    bool chance(unsigned percent) { return percent != 0 && next() % 100 < percent; }

    /// A short datagram would be another datagram.
    static bool can_be_short(operation const& asked) {
        switch (asked.verb) {
            case op_verb::read:
            case op_verb::write:
                return true;
            case op_verb::receive:
            case op_verb::send:
            case op_verb::send_message: {
                int type = 0;
                socklen_t size = sizeof type;
                return !asked.multishot
                       && ::getsockopt(asked.fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0
                       && type == SOCK_STREAM;
            }
            default:
                return false;
        }
    }
    static std::size_t bytes_of(operation const& asked) {
        if (asked.verb != op_verb::send_message) return asked.bytes;
        std::size_t all = 0;
        for (std::size_t i = 0; i < asked.message->msg_iovlen; ++i)
            all += asked.message->msg_iov[i].iov_len;
        return all;
    }
    void shorten(operation& asked, std::size_t bytes) {
        if (bytes >= bytes_of(asked)) return;
        ++struck_;
        if (asked.verb != op_verb::send_message) {
            asked.engine.bytes = static_cast<std::uint32_t>(bytes);
            return;
        }
        shadow& less = shadows_[&asked];
        less.message = *asked.message;
        less.parts.clear();
        for (std::size_t i = 0; bytes > 0; ++i) {
            iovec part = asked.message->msg_iov[i];
            if (part.iov_len > bytes) part.iov_len = bytes;
            bytes -= part.iov_len;
            less.parts.push_back(part);
        }
        less.message.msg_iov = less.parts.data();
        less.message.msg_iovlen = less.parts.size();
        asked.engine.message = &less.message;
    }
    void rewrite(operation& asked, completion& got, std::int32_t result) {
        ++struck_;
        if (got.buffer != no_buffer) asked.pool->recycle(got.buffer);
        got = {.result = result};
    }

    std::vector<fault> faults_;
    fault_rates rates_;
    pool_options pools_{.buffers = 0, .bytes = 0};
    bool small_queues_ = false;
    std::uint64_t random_ = 1;
    std::uint64_t struck_ = 0;
    std::uint64_t submissions_[verbs] = {};
    std::uint64_t completions_[verbs] = {};
    std::map<operation const*, std::int32_t> stopping_;
    std::map<operation const*, shadow> shadows_;
    std::vector<held> held_;
};

}  // namespace millrace
