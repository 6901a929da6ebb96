// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the kernel's interface has and liburing 2.3 (Debian 12) has not: numbers of io_uring.h,
// under names of our own so that a newer liburing does not meet them. Whether a kernel knows them
// is found by trying.

#include <cstddef>
#include <cstdint>

namespace millrace::detail {

/// An entry of a ring of provided buffers (Linux 5.19). The tail of the ring lies in the last field
/// of entry 0.
struct provided_buffer {
    std::uint64_t address;
    std::uint32_t bytes;
    std::uint16_t id;
    std::uint16_t tail;
};
static_assert(sizeof(provided_buffer) == 16 && offsetof(provided_buffer, tail) == 14);

/// SEND_ZC: the notification says whether the bytes were copied after all (6.2).
inline constexpr unsigned uring_send_zc_report_usage = 1U << 3;
inline constexpr std::uint32_t uring_notification_copied = 1U << 31;
/// io_uring_register(-1, …): a message to a ring from a thread that has none (6.13).
inline constexpr unsigned uring_register_send_message = 31;

}  // namespace millrace::detail
