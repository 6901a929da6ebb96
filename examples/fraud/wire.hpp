// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the load generator sends and gets: a request of 36 bytes and a reply of 13, little endian,
// each behind a length of four bytes, big endian. fraud.hpp describes the same two as records.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace load {

static_assert(std::endian::native == std::endian::little);

inline constexpr std::size_t prefix_bytes = 4;
inline constexpr std::size_t request_bytes = 36;
inline constexpr std::size_t request_frame_bytes = prefix_bytes + request_bytes;
inline constexpr std::size_t reply_bytes_max = 4096;

struct request {
    std::uint64_t sequence = 0;  ///< comes back in the reply's first eight bytes
    std::uint64_t card = 0;
    std::int64_t amount_cents = 0;
    std::int64_t time_ns = 0;  ///< since the epoch
    std::uint32_t merchant = 0;
};

inline void put_length(char* to, std::uint32_t bytes) {
    bytes = __builtin_bswap32(bytes);
    std::memcpy(to, &bytes, sizeof bytes);
}
inline std::uint32_t get_length(char const* from) {
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, from, sizeof bytes);
    return __builtin_bswap32(bytes);
}
/// Writes `request_frame_bytes` bytes.
inline void put_frame(char* to, request const& r) {
    put_length(to, request_bytes);
    std::memcpy(to + 4, &r.sequence, 8);
    std::memcpy(to + 12, &r.card, 8);
    std::memcpy(to + 20, &r.amount_cents, 8);
    std::memcpy(to + 28, &r.time_ns, 8);
    std::memcpy(to + 36, &r.merchant, 4);
}

/// Requests by number, always the same for a seed: a tenth of all comes from one card in a hundred.
class request_maker {
public:
    request_maker(std::uint64_t seed, std::uint64_t cards, std::int64_t begin_ns)
        : seed_(seed), cards_(cards == 0 ? 1 : cards), begin_ns_(begin_ns) {}
    [[nodiscard]] request make(std::uint64_t number, std::int64_t after_ns) const {
        std::uint64_t const a = mixed(seed_ ^ (number * 2));
        std::uint64_t const b = mixed(seed_ ^ (number * 2 + 1));
        request r;
        r.sequence = number;
        std::uint64_t const busy = cards_ / 100 + 1;
        r.card = a % 10 == 0 ? (a >> 8) % busy : (a >> 8) % cards_;
        r.amount_cents = static_cast<std::int64_t>(100 + (b % 1000) * (b % 37));
        r.time_ns = begin_ns_ + after_ns;
        r.merchant = static_cast<std::uint32_t>((b >> 32) % 5000);
        return r;
    }

private:
    /// splitmix64 (Steele, Lea, Flood 2014).
    static std::uint64_t mixed(std::uint64_t x) {
        x += 0x9e3779b97f4a7c15;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }
    std::uint64_t seed_;
    std::uint64_t cards_;
    std::int64_t begin_ns_;
};

}  // namespace load
