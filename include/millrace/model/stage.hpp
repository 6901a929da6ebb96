// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What a stage is: the protocol between `operator|`, the plan, the fused loop and everything that
// can stand in it.
//
// A stage is a small value derived from `stage_base`. At compile time `accept<In>()` says what
// stream it makes of the stream `In`, or refuses it: silently, until `operator|` asks the one to
// blame `accept<In, true>()`, which says why in one sentence, right below the user's line, however
// deep in a `tee` it stands. At run time `open<In>(env)` turns it into an *operator*, the mutable
// thing inside a fused loop. docs/internals/fusion.md tells the whole protocol.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <millrace/model/context.hpp>
#include <millrace/model/fixed_string.hpp>

namespace millrace {

/// The base of everything that may stand in a pipeline; brings `operator|` by argument-dependent
/// lookup.
struct stage_base {};

template <class T>
concept stage = std::is_base_of_v<stage_base, std::remove_cvref_t<T>>;

/// What a pipeline becomes after an error: it absorbs all that follows without a word.
struct rejected : stage_base {};

enum class stage_kind : std::uint8_t {
    source,  ///< begins a pipeline: records
    bytes,   ///< begins a pipeline: chunks of bytes, read by a parser
    parser,  ///< bytes to records; stands behind a source of bytes
    one_to_one,
    filter,    ///< 0-1
    flat_map,  ///< 0-max
    key,       ///< an exchange
    rolling,   ///< keyed state, a row per record
    window,
    time,    ///< event_time
    fork,    ///< tee, split: every branch ends in a sink
    merge,   ///< several streams become one
    writer,  ///< records to bytes
    sink,
};

struct no_key {
    static constexpr bool is_key = false;
};

/// What types fix of a stream besides its record and key.
struct stream_traits {
    bool timed = false;      ///< has event time
    bool held = false;       ///< stands behind a stage that holds records
    bool exchanged = false;  ///< stands behind a key_by
    bool ended = false;      ///< a sink took it
    unsigned inputs = 1;     ///< sources that reach it
};

/// A stream between two stages, as a type.
template <class Record, class Key = no_key, stream_traits Traits = stream_traits{}>
struct stream {
    using record = Record;
    using key = Key;
    static constexpr stream_traits traits = Traits;
    static constexpr bool keyed = !std::is_same_v<Key, no_key>;
};

/// What `accept` returns.
template <class Stream>
using accepted = std::type_identity<Stream>;

/// What becomes of a stream that `Stage` can't take. It travels out of forks and windows to the `|`
/// that reports it.
template <class Stage, class In>
struct refused_by {
    using culprit = Stage;
    using stream = In;
};
template <class Stage, class In>
using refused = std::type_identity<refused_by<Stage, In>>;

/// A rejected pipeline, or a stream that some stage has refused.
template <class T>
inline constexpr bool is_rejected = false;
template <class T>
inline constexpr bool is_rejected<T const> = is_rejected<T>;
template <class T>
inline constexpr bool is_rejected<T&> = is_rejected<T>;
template <class T>
inline constexpr bool is_rejected<T&&> = is_rejected<T>;
template <>
inline constexpr bool is_rejected<rejected> = true;
template <class Stage, class In>
inline constexpr bool is_rejected<refused_by<Stage, In>> = true;

/// What `Stage` makes of the stream `In`: a `stream<…>`, or `refused_by<…>`.
template <class Stage, class In>
using stream_after = typename decltype(Stage::template accept<In>())::type;

/// Where the records of a stage went. `in` of a stage is the `out` of the one before; L17 is
/// asserted over these: in = passed + filtered + late + dropped + dead + held.
struct stage_counts {
    std::uint64_t in = 0;
    std::uint64_t passed = 0;  ///< handed on, or for a stage that folds: gone into a result
    std::uint64_t filtered = 0;
    std::uint64_t late = 0;
    std::uint64_t dropped = 0;  ///< by the policy `drop`
    std::uint64_t dead = 0;     ///< to a dead-letter sink, or the one that stopped the run
    std::uint64_t held = 0;     ///< in state
    std::uint64_t out = 0;      ///< records emitted downstream
    std::uint64_t bytes = 0;    ///< read or written, where the stage knows
    std::uint64_t shed = 0;     ///< of dropped and dead: their keys had no room in state
    std::uint64_t evicted = 0;  ///< entries of state that gave way to others

    stage_counts& operator+=(stage_counts const& c) {
        in += c.in;
        passed += c.passed;
        filtered += c.filtered;
        late += c.late;
        dropped += c.dropped;
        dead += c.dead;
        held += c.held;
        out += c.out;
        bytes += c.bytes;
        shed += c.shed;
        evicted += c.evicted;
        return *this;
    }
};

namespace detail {
/// A count in an operator's hot state. A loop of vectors counts in 32 bits for the time of a batch,
/// so that its lanes stay as narrow as the data; the assignment that ends the batch widens.
struct batch_count {
    std::uint64_t total = 0;
    std::uint32_t lately = 0;

    batch_count() = default;
    batch_count(batch_count const&) = default;
    batch_count& operator=(batch_count const& other) noexcept {
        total = other.total + other.lately;
        lately = 0;
        return *this;
    }
};
}  // namespace detail

}  // namespace millrace
