// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What `run` can be told besides the pipeline, on the command line or as a value.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <millrace/io/core_service.hpp>
#include <millrace/model/time.hpp>
#include <millrace/state/memory_budget.hpp>

namespace millrace {

/// The version of the library, as CMake's project has it.
inline constexpr std::string_view library_version = "0.1.0";

enum class progress_mode : std::uint8_t {
    none,
    automatic,  ///< `auto`: a redrawn line on a terminal, otherwise as `plain`
    plain,      ///< a line each ten seconds
};

enum class explain_mode : std::uint8_t { off, text, dot, mermaid, json, io };

/// What a core does while there is nothing to do.
enum class wait_policy : std::uint8_t {
    spin,      ///< looks on: the least latency, a whole processor
    adaptive,  ///< looks on for a while that grows with traffic and shrinks without, then sleeps
    wait,      ///< sleeps at once
};

/// `run(pipeline, cores<1>)`: one core, known when the program is compiled: no exchange is.
template <unsigned Count>
struct cores_constant {
    static_assert(Count == 1,
                  "millrace: cores: the only constant is cores<1>. Give other numbers by "
                  ".cores = {…} or --cores.");
};
template <unsigned Count>
inline constexpr cores_constant<Count> cores{};

struct run_settings {
    static constexpr std::size_t batch_max = 65'536;
    static constexpr std::size_t lane_slots_max = 1'048'576;

    std::size_t batch =
        1024;  ///< records that a loop takes at a time, 1 to `batch_max`; changes no result
    progress_mode progress = progress_mode::none;
    explain_mode explain = explain_mode::off;  ///< print the plan and stop

    /// The processors to run on, one pinned thread each. None: one partition on the calling thread;
    /// programs (`run(argc, argv, …)`) take all that they are allowed.
    std::vector<unsigned> cores = {};
    unsigned partitions = 0;  ///< copies of each loop that can have several; 0: one a core
    /// So many unpinned threads that sleep when idle instead of `cores`, also more than there are
    /// processors. For tests.
    unsigned oversubscribed = 0;
    wait_policy wait = wait_policy::adaptive;
    io_tier io = io_tier::automatic;
    std::size_t lane_slots = 4096;  ///< of each lane, at least what one record can become
    /// A live source that has been empty for so long holds no watermark back until it gives a
    /// record again. Sources with an end never count as idle.
    duration idle_after = seconds(30);
    duration stop_within = seconds(10);  ///< from a stop until what is in flight is given up
    /// Bytes that all state may take, a share for each core; 0: half of what the process may
    /// have.
    std::size_t state_memory = 0;
    state_policy when_full = state_policy::stop;  ///< what happens to a key that has no room there
    bool lock_memory = false;  ///< mlockall: no page of the process is ever swapped out
    /// So long a core may not turn without being reported: something in a stage blocks. 0: nobody
    /// looks.
    duration watchdog = milliseconds(100);
    /// Takes the sentences of the watchdog, on its thread; none: they go to standard error.
    void (*on_stall)(std::string_view sentence) = nullptr;
    std::uint64_t yield_seed = 0;  ///< not 0: threads yield at random lane operations. For tests.
};

}  // namespace millrace
