// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Event time and durations: int64 nanoseconds in strong types that accept anything shaped like
// `std::chrono`'s.

#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>

namespace millrace {

/// What `std::chrono::duration` looks like, without its header: a count and a ratio of seconds.
template <class T>
concept chrono_duration = requires(T t) {
    { t.count() } -> std::convertible_to<typename T::rep>;
    T::period::num;
    T::period::den;
};

/// What `std::chrono::time_point` looks like: a duration since an epoch, taken to be Unix'.
template <class T>
concept chrono_time_point = requires(T t) {
    { t.time_since_epoch() } -> chrono_duration;
};

namespace detail {
constexpr std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    if (!__builtin_add_overflow(a, b, &out)) return out;
    return b > 0 ? std::numeric_limits<std::int64_t>::max()
                 : std::numeric_limits<std::int64_t>::min();
}
constexpr std::int64_t saturating_sub(std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    if (!__builtin_sub_overflow(a, b, &out)) return out;
    return b < 0 ? std::numeric_limits<std::int64_t>::max()
                 : std::numeric_limits<std::int64_t>::min();
}
constexpr std::int64_t saturating_mul(std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    if (!__builtin_mul_overflow(a, b, &out)) return out;
    return (a < 0) == (b < 0) ? std::numeric_limits<std::int64_t>::max()
                              : std::numeric_limits<std::int64_t>::min();
}
template <chrono_duration D>
constexpr std::int64_t to_ns(D d) {
    constexpr std::int64_t num = D::period::num;
    constexpr std::int64_t den = D::period::den;
    if constexpr (num * (1'000'000'000 / den) >= 1 && 1'000'000'000 % den == 0) {
        if constexpr (std::integral<typename D::rep>)
            return saturating_mul(static_cast<std::int64_t>(d.count()),
                                  num * (1'000'000'000 / den));
    }
    return static_cast<std::int64_t>(static_cast<long double>(d.count()) * 1e9L * num / den);
}
}  // namespace detail

/// A length of time in ns. Arithmetic saturates at the ends of int64, so no timestamp overflows.
struct duration {
    std::int64_t ns = 0;

    constexpr duration() = default;
    explicit constexpr duration(std::int64_t nanoseconds) : ns(nanoseconds) {}
    template <chrono_duration D>
    constexpr duration(D d)
        : ns(detail::to_ns(d)) {}  // NOLINT(google-explicit-constructor): lossless

    static constexpr duration max() { return duration{std::numeric_limits<std::int64_t>::max()}; }

    friend constexpr auto operator<=>(duration, duration) = default;
    friend constexpr duration operator+(duration a, duration b) {
        return duration{detail::saturating_add(a.ns, b.ns)};
    }
    friend constexpr duration operator-(duration a, duration b) {
        return duration{detail::saturating_sub(a.ns, b.ns)};
    }
    friend constexpr duration operator-(duration a) {
        return duration{detail::saturating_sub(0, a.ns)};
    }
    friend constexpr duration operator*(duration a, std::int64_t n) {
        return duration{detail::saturating_mul(a.ns, n)};
    }
    friend constexpr duration operator*(std::int64_t n, duration a) { return a * n; }
    friend constexpr std::int64_t operator/(duration a, duration b) { return a.ns / b.ns; }
};

/// A moment in ns since the Unix epoch (UTC). Arithmetic saturates.
struct time_point {
    std::int64_t ns = 0;

    constexpr time_point() = default;
    explicit constexpr time_point(std::int64_t nanoseconds) : ns(nanoseconds) {}
    template <chrono_time_point T>
    constexpr time_point(T t)
        : ns(detail::to_ns(t.time_since_epoch())) {}  // NOLINT(google-explicit-constructor)

    static constexpr time_point min() {
        return time_point{std::numeric_limits<std::int64_t>::min()};
    }
    static constexpr time_point max() {
        return time_point{std::numeric_limits<std::int64_t>::max()};
    }

    friend constexpr auto operator<=>(time_point, time_point) = default;
    friend constexpr time_point operator+(time_point t, duration d) {
        return time_point{detail::saturating_add(t.ns, d.ns)};
    }
    friend constexpr time_point operator-(time_point t, duration d) {
        return time_point{detail::saturating_sub(t.ns, d.ns)};
    }
    friend constexpr duration operator-(time_point a, time_point b) {
        return duration{detail::saturating_sub(a.ns, b.ns)};
    }
};

constexpr duration nanoseconds(std::int64_t n) { return duration{n}; }
constexpr duration microseconds(std::int64_t n) { return duration{1'000} * n; }
constexpr duration milliseconds(std::int64_t n) { return duration{1'000'000} * n; }
constexpr duration seconds(std::int64_t n) { return duration{1'000'000'000} * n; }
constexpr duration minutes(std::int64_t n) { return seconds(60) * n; }
constexpr duration hours(std::int64_t n) { return seconds(3600) * n; }
constexpr duration days(std::int64_t n) { return seconds(86'400) * n; }

/// `using namespace millrace::literals;` gives `30_min`. The names are unreserved, so they stay out
/// of `millrace`.
namespace literals {
consteval duration operator""_ns(unsigned long long n) {
    return nanoseconds(static_cast<std::int64_t>(n));
}
consteval duration operator""_us(unsigned long long n) {
    return microseconds(static_cast<std::int64_t>(n));
}
consteval duration operator""_ms(unsigned long long n) {
    return milliseconds(static_cast<std::int64_t>(n));
}
consteval duration operator""_s(unsigned long long n) {
    return seconds(static_cast<std::int64_t>(n));
}
consteval duration operator""_min(unsigned long long n) {
    return minutes(static_cast<std::int64_t>(n));
}
consteval duration operator""_h(unsigned long long n) {
    return hours(static_cast<std::int64_t>(n));
}
}  // namespace literals

}  // namespace millrace
