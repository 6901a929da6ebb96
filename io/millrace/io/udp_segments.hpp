// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What came with a datagram: its control messages, and the segments of a run that the kernel
// merged.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string_view>
#include <sys/socket.h>

namespace millrace::detail {

/// What the control messages of one receive say.
struct udp_control {
    std::size_t segment_bytes = 0;  ///< of a merged run, or 0: one datagram
    std::uint32_t drops = 0;        ///< of the socket since it was made, if `has_drops`; wraps
    bool has_drops = false;
};

/// Room for both messages, as the kernel aligns them.
inline constexpr std::size_t udp_control_bytes =
    CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint32_t));

/// Reads as many whole messages as there are; others than ours are passed over.
inline udp_control read_udp_control(std::string_view control) {
    udp_control out;
    while (control.size() >= sizeof(cmsghdr)) {
        cmsghdr head{};
        std::memcpy(&head, control.data(), sizeof head);
        if (head.cmsg_len < CMSG_LEN(0) || head.cmsg_len > control.size()) break;
        char const* const data = control.data() + CMSG_LEN(0);
        std::size_t const length = head.cmsg_len - CMSG_LEN(0);
        if (head.cmsg_level == IPPROTO_UDP && head.cmsg_type == UDP_GRO
            && length >= sizeof(std::uint16_t)) {
            int size = 0;  // an int since it began; the manual's 16 bits are its low half
            if (length >= sizeof size) {
                std::memcpy(&size, data, sizeof size);
            } else {
                std::uint16_t half = 0;
                std::memcpy(&half, data, sizeof half);
                size = half;
            }
            out.segment_bytes = size > 0 ? static_cast<std::size_t>(size) : 0;
        }
        if (head.cmsg_level == SOL_SOCKET && head.cmsg_type == SO_RXQ_OVFL
            && length >= sizeof out.drops) {
            std::memcpy(&out.drops, data, sizeof out.drops);
            out.has_drops = true;
        }
        std::size_t const step = CMSG_ALIGN(head.cmsg_len);
        if (step >= control.size()) break;
        control.remove_prefix(step);
    }
    return out;
}

/// A received run as its datagrams, one after the other: all `segment_bytes` long but the last,
/// which may be shorter. An empty datagram is one segment of no bytes.
class udp_segments {
public:
    udp_segments() = default;
    udp_segments(std::string_view payload, std::size_t segment_bytes)
        : rest_(payload),
          step_(segment_bytes == 0 || segment_bytes > payload.size() ? payload.size()
                                                                     : segment_bytes),
          left_(true) {}

    [[nodiscard]] bool left() const { return left_; }
    /// Bytes of the longest.
    [[nodiscard]] std::size_t size() const { return step_; }
    /// How many are left.
    [[nodiscard]] std::size_t count() const {
        if (!left_) return 0;
        return step_ == 0 ? 1 : (rest_.size() + step_ - 1) / step_;
    }
    std::string_view take() {
        std::string_view const out = rest_.substr(0, step_);
        rest_.remove_prefix(out.size());
        left_ = !rest_.empty();
        return out;
    }

private:
    std::string_view rest_;
    std::size_t step_ = 0;
    bool left_ = false;
};

}  // namespace millrace::detail
