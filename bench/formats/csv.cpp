// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// CSV like the flights of 2013: 5 of 19 columns, filter, a count by origin and carrier. The
// reference is what a careful engineer writes by hand: one pass, `memchr` to each separator,
// `from_chars` on what is needed, no copy.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/io/csv.hpp>

#include "../support/pair.hpp"

struct flight {
    std::optional<int> dep_delay;
    millrace::text<2> carrier;
    millrace::text<3> origin;
    int minute = 0;
    millrace::time_point time_hour;
};
MILLRACE_RECORD(flight, dep_delay, carrier, origin, minute, time_hour);
#include "by_hand.hpp"

namespace {

using namespace millrace;

std::uint64_t state = 0x9E3779B97F4A7C15;
std::uint64_t random_below(std::uint64_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % n;
}

std::string make_flights(std::size_t size) {
    std::string out =
        "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,"
        "origin,dest,air_time,distance,hour,minute,time_hour\n";
    static constexpr char const* carriers[] = {"UA", "AA", "B6", "DL", "EV",
                                               "MQ", "US", "WN", "9E", "VX"};
    static constexpr char const* origins[] = {"EWR", "LGA", "JFK"};
    static constexpr char const* destinations[] = {"IAH", "MIA", "BQN", "ATL",
                                                   "ORD", "FLL", "IAD", "MCO"};
    char row[256];
    while (out.size() < size) {
        auto const r = [](std::uint64_t n) { return static_cast<int>(random_below(n)); };
        int const month = 1 + r(12), day = 1 + r(28), hour = 5 + r(19), minute = r(60);
        int const delay = r(4) == 0 ? r(300) : r(30) - 15;
        char delays[2][16] = {"NA", "NA"};
        bool const left = r(40) != 0;
        if (left) std::snprintf(delays[0], sizeof delays[0], "%d", delay);
        if (left) std::snprintf(delays[1], sizeof delays[1], "%d", delay + r(40) - 20);
        int const n = std::snprintf(
            row, sizeof row,
            "2013,%d,%d,%d,%d,%s,%d,%d,%s,%s,%d,N%05d,%s,%s,%d,%d,%d,%d,2013-%02d-%02dT%02d:00:00Z\n",
            month, day, hour * 100 + minute, hour * 100 + minute, delays[0], r(2400), r(2400),
            delays[1], carriers[r(10)], 1 + r(5000), r(99999), origins[r(3)], destinations[r(8)],
            20 + r(600), 80 + r(4000), hour, minute, month, day, hour);
        out.append(row, static_cast<std::size_t>(n));
    }
    return out;
}

/// What both do with a record: keyed counts and a checksum over every value that was read.
struct counts {
    std::uint64_t cells[1024] = {};
    std::uint64_t sum = 0;

    void add(std::string_view origin, std::string_view carrier, int delay, int minute,
             std::int64_t time) {
        auto const at = [](std::string_view s, std::size_t i) {
            return static_cast<std::uint64_t>(static_cast<unsigned char>(s[i]));
        };
        ++cells[(at(origin, 0) * 7 + at(origin, 1) + at(carrier, 0) * 31 + at(carrier, 1) * 5)
                & 1023];
        sum += static_cast<std::uint64_t>(delay) * 3 + static_cast<std::uint64_t>(minute)
               + static_cast<std::uint64_t>(time);
    }
    [[nodiscard]] std::uint64_t checksum() const {
        std::uint64_t out = sum;
        for (std::uint64_t const c : cells) out = out * 31 + c;
        return out;
    }
};

std::uint64_t loop_by_hand(std::string_view input) {
    counts result;
    char const* p = input.data();
    char const* const end = p + input.size();
    p = static_cast<char const*>(std::memchr(p, '\n', input.size())) + 1;
    std::uint64_t bad = 0;
    while (p < end) {
        auto const* line_end =
            static_cast<char const*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)));
        if (line_end == nullptr) line_end = end;
        char const* begins[19];
        char const* ends[19];
        int fields = 0;
        for (char const* q = p; fields < 19;) {
            auto const* stop = static_cast<char const*>(
                std::memchr(q, ',', static_cast<std::size_t>(line_end - q)));
            begins[fields] = q;
            ends[fields++] = stop != nullptr ? stop : line_end;
            if (stop == nullptr) break;
            q = stop + 1;
        }
        p = line_end + 1;
        if (fields != 19) {
            ++bad;
            continue;
        }
        bool const departed = ends[5] - begins[5] != 2 || std::memcmp(begins[5], "NA", 2) != 0;
        int delay = 0, minute = 0;
        std::int64_t time = 0;
        if ((departed && !by_hand::read_int(begins[5], ends[5], delay))
            || !by_hand::read_int(begins[17], ends[17], minute)
            || !by_hand::read_time(begins[18], ends[18], time)) {
            ++bad;
            continue;
        }
        if (!departed) continue;
        result.add({begins[12], static_cast<std::size_t>(ends[12] - begins[12])},
                   {begins[9], static_cast<std::size_t>(ends[9] - begins[9])}, delay, minute, time);
    }
    return result.checksum() + bad;
}

struct emitter {
    counts* result;
    void operator()(flight&& f, std::string_view, std::uint64_t) const {
        if (!f.dep_delay) return;
        result->add(f.origin, f.carrier, *f.dep_delay, f.minute, f.time_hour.ns);
    }
    void bad(std::string_view, std::string_view, std::uint64_t) const {}
};

std::uint64_t by_millrace(std::string_view input) {
    counts result;
    int env = 0;
    auto parser = csv<flight>().open<stream<chunk>>(env);
    constexpr std::size_t chunk_bytes = 256 * 1024;
    for (std::size_t at = 0; at < input.size(); at += chunk_bytes) {
        auto const piece = input.substr(at, chunk_bytes);
        parser.feed({piece, "flights.csv", at + piece.size() == input.size()});
        while (parser.parse(256, emitter{&result}) == 256) {
        }
    }
    return result.checksum() + parser.bad();
}

}  // namespace

int main(int argc, char** argv) {
    std::string const input = make_flights(32U << 20U);
    bench::pair pairs{argc, argv};
    pairs.run(
        "csv_flights", {.must = 1.0, .aim = 1.5, .higher_is_better = true, .unit = "GB/s"},
        static_cast<double>(input.size()), [&] { return loop_by_hand(input); },
        [&] { return by_millrace(input); });
}
