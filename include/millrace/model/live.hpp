// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What sources that never block say and give: their state, frames, and where an answer goes.

#include <cstdint>
#include <string_view>

#include <millrace/model/owning.hpp>

namespace millrace {

/// What a source says when it was asked for records.
enum class source_state : std::uint8_t {
    ended,  ///< nothing more will come
    idle,   ///< nothing now; its service, or a wake, tells when to ask again
    more,   ///< ask again
};

/// The bytes of one frame of a network source, without its framing. Views the receive buffer: dies
/// with its batch.
struct frame {
    std::string_view data;
};
template <>
inline constexpr bool owns<frame> = false;

/// The request that a record comes from: where `reply` sends its answer, and in which order.
struct reply_token {
    std::uint64_t sequence = 0;    ///< of the request on its connection, from 0
    std::uint32_t connection = 0;  ///< a slot of the endpoint's table
    std::uint32_t generation = 0;  ///< of that slot: an answer to a dead connection is dropped
    std::uint16_t partition = 0;   ///< the endpoint's
    bool refused = false;          ///< the request failed on its way: its endpoint says so
};

/// Where the copies of a source or a sink run.
enum class placement : std::uint8_t {
    single,           ///< on one partition: a file, a container, a function of the user's
    every_partition,  ///< one on each: listeners with SO_REUSEPORT, sockets to send from
};

}  // namespace millrace
