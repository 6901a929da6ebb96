// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Which way to the kernel a core gets: found by trying, and told in lines.

#include <atomic>
#include <optional>
#include <string>

#include <millrace/io/core_service.hpp>
#include <millrace/io/detail/refusal.hpp>
#include <millrace/io/engine_options.hpp>
#include <millrace/io/epoll_tier.hpp>
#include <millrace/io/ring_tier.hpp>

namespace millrace::detail {

struct tier_choice {
    io_tier tier = io_tier::epoll;
    std::string text;  ///< what is in use, what was refused and why; lines
};

/// True for the first of the process that asks.
inline bool first_to_warn() {
    static std::atomic<bool> warned{false};
    return !warned.exchange(true);
}

inline char const* name_of(io_tier tier) {
    switch (tier) {
        case io_tier::deferred:
            return "io_uring with deferred task work (Linux 6.1)";
        case io_tier::cooperative:
            return "io_uring with cooperative task work (Linux 6.0)";
        case io_tier::epoll:
            return "epoll";
        case io_tier::ring:
        case io_tier::automatic:
            break;
    }
    return "io_uring";
}

inline std::string lines_of(ring_tier const& ring) {
    return "io: queues: " + std::to_string(ring.submissions()) + " submissions, "
           + std::to_string(ring.completions()) + " completions\n"
           + "io: ring descriptor: " + (ring.registered() ? "registered\n" : "not registered\n")
           + "io: multishot accept and receive, provided buffers\n"
             "io: sends without a copy where `.zero_copy_from` asks for them; no registered files, "
             "which gained nothing\n"
           + "io: woken by messages between rings; by threads without a ring through "
           + (ring.messages_without_ring() ? "messages\n" : "an eventfd\n");
}

/// Opens one of the two. Throws a `failure` where the wanted one is refused.
inline tier_choice choose_tier(io_tier wanted, engine_options const& made_of, engine_counts& counts,
                               std::optional<ring_tier>& ring, std::optional<epoll_tier>& epoll) {
    std::string refused;
    refusal last;
    for (io_tier const tier : {io_tier::deferred, io_tier::cooperative}) {
        bool const any = wanted == io_tier::automatic || wanted == io_tier::ring;
        if (wanted != tier && !any) continue;
        ring.emplace(counts);
        int const error = ring->open(tier == io_tier::deferred, made_of);
        if (error == 0) {
            tier_choice chosen{tier, std::string("io: ") + name_of(tier) + '\n' + lines_of(*ring)};
            chosen.text += refused;
            if (!refused.empty() && wanted == io_tier::automatic && first_to_warn())
                chosen.text += std::string("warning: io: ") + name_of(io_tier::deferred)
                               + " is refused: " + last.cause + "; the cooperative ring is used. "
                               + last.cure + ".\n";
            return chosen;
        }
        ring.reset();
        last = refusal_of(error);
        refused += std::string("io: refused: ") + name_of(tier) + ": " + last.cause + '\n';
        if (error != EINVAL) break;  // what does not know the flags may know others
    }
    if (wanted != io_tier::automatic && wanted != io_tier::epoll) {
        last.cure += ", or choose the tier `epoll`";
        refuse(name_of(wanted), last);
    }
    epoll.emplace(counts, made_of);
    if (int const error = epoll->open(); error != 0) refuse("epoll", refusal_of(error));
    tier_choice chosen{io_tier::epoll, "io: epoll; files by two helper threads\n" + refused};
    if (!refused.empty() && first_to_warn())
        chosen.text += "warning: io: io_uring is refused: " + last.cause
                       + "; epoll is used, which is slower. " + last.cure + ".\n";
    return chosen;
}

}  // namespace millrace::detail
