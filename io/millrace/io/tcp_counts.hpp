// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a TCP endpoint counts: nothing is refused, closed or lost without a number.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace::tcp {

/// Why a connection ended.
enum class close_reason : std::uint8_t {
    peer,              ///< it ended it
    reset,             ///< it broke it, or the network did
    bad_frame,         ///< a frame longer than the framing allows
    bad_request,       ///< a request that can't be read
    idle,              ///< no byte for too long
    slow_frame,        ///< a frame took too long
    memory,            ///< it held the most when too much was held in all
    request_deadline,  ///< a request was not answered in time
    reply_refused,     ///< a reply longer than allowed, or one that the framing can't hold
    slow_reader,       ///< it did not take what was published
    stopped,           ///< the run did
};
inline constexpr std::size_t close_reasons = 11;
inline constexpr std::array<std::string_view, close_reasons> close_reason_names{
    "closed by peer",         "closed: reset",
    "closed: frame too long", "closed: bad request",
    "closed: idle",           "closed: frame too slow",
    "closed: memory",         "closed: request deadline",
    "closed: reply refused",  "closed: slow reader",
    "closed: stopped",
};

struct counts {
    std::uint64_t accepted = 0;     ///< connections
    std::uint64_t connected = 0;    ///< the same, from here
    std::uint64_t refused_all = 0;  ///< by the limit on all connections
    std::uint64_t refused_address = 0;
    std::uint64_t accept_pauses = 0;  ///< by the accept rate
    std::uint64_t accept_errors = 0;  ///< most often descriptors that ran out; tried again
    std::uint64_t failed_connects = 0;
    std::array<std::uint64_t, close_reasons> closed{};
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t frames = 0;        ///< handed on
    std::uint64_t bad_frames = 0;    ///< refused: each ends its connection
    std::uint64_t cut_frames = 0;    ///< begun, and ended by the end of their connection
    std::uint64_t bytes_unread = 0;  ///< received, and dropped with a connection that was closed
    std::uint64_t parked = 0;        ///< connections whose reading was put off, buffers given back
    std::uint64_t starved = 0;       ///< times a connection found no receive buffer
    std::uint64_t replies = 0;
    std::uint64_t replies_dropped = 0;      ///< their connection was gone
    std::uint64_t replies_unasked = 0;      ///< a second reply to one request
    std::uint64_t requests_unanswered = 0;  ///< their connection was closed first
    std::uint64_t bad_requests = 0;
    std::uint64_t lost = 0;  ///< a sink: records of which a part, or nothing for certain, went out
    std::uint64_t unheard = 0;  ///< a publisher: records that no peer was there to take

    [[nodiscard]] std::uint64_t closed_by(close_reason why) const {
        return closed[static_cast<std::size_t>(why)];
    }

    /// What is not zero; `line(name, value)`.
    template <class F>
    void report(F&& line) const {
        auto const say = [&](std::string_view name, std::uint64_t value) {
            if (value != 0) line(name, value);
        };
        say("accepted", accepted);
        say("connected", connected);
        say("refused: too many connections", refused_all);
        say("refused: too many of one address", refused_address);
        say("accepting paused by its rate", accept_pauses);
        say("accepting failed", accept_errors);
        say("connecting failed", failed_connects);
        for (std::size_t i = 0; i < close_reasons; ++i) say(close_reason_names[i], closed[i]);
        say("bytes received", bytes_in);
        say("bytes sent", bytes_out);
        say("frames", frames);
        say("frames too long", bad_frames);
        say("frames cut off", cut_frames);
        say("bytes received and not read", bytes_unread);
        say("connections parked", parked);
        say("waited for receive buffers", starved);
        say("replies", replies);
        say("replies to dead connections", replies_dropped);
        say("replies that nobody asked for", replies_unasked);
        say("requests without a reply", requests_unanswered);
        say("bad requests", bad_requests);
        say("records lost", lost);
        say("records without a peer", unheard);
    }
};

}  // namespace millrace::tcp
