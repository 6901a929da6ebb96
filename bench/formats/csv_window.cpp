// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// CSV to the end: 5 of 19 columns read, a filter, a keyed window of an hour, rows out. The
// reference is a careful loop by hand (`memchr`, `from_chars`) with one boost::unordered_flat_map
// per pane.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <support/pair.hpp>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include <millrace/dsl.hpp>
#include <millrace/io/csv.hpp>
#include <millrace/scheduler/run.hpp>

#include "by_hand.hpp"

namespace {

using namespace millrace;

struct flight {
    std::optional<int> dep_delay;
    text<2> carrier;
    text<3> origin;
    int minute = 0;
    time_point time_hour;
};
MILLRACE_RECORD(flight, dep_delay, carrier, origin, minute, time_hour);

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
    for (int i = 0; out.size() < size;
         ++i) {  // 40 departures an hour, up to 20 minutes out of order
        auto const r = [](std::uint64_t n) { return static_cast<int>(random_below(n)); };
        int const at = i * 3 / 2 + 20 - r(20), hours = at / 60;
        int const minute = at % 60, hour = hours % 24, day = 1 + hours / 24 % 28,
                  month = 1 + hours / 24 / 28 % 12, year = 2013 + hours / 24 / 28 / 12;
        int const delay = r(4) == 0 ? r(300) : r(30) - 15;
        char delays[2][16] = {"NA", "NA"};
        bool const left = r(40) != 0;
        if (left) std::snprintf(delays[0], sizeof delays[0], "%d", delay);
        if (left) std::snprintf(delays[1], sizeof delays[1], "%d", delay + r(40) - 20);
        int const n = std::snprintf(
            row, sizeof row,
            "%d,%d,%d,%d,%d,%s,%d,%d,%s,%s,%d,N%05d,%s,%s,%d,%d,%d,%d,%04d-%02d-%02dT%02d:00:00Z\n",
            year, month, day, hour * 100 + minute, hour * 100 + minute, delays[0], r(2400), r(2400),
            delays[1], carriers[r(10)], 1 + r(5000), r(99999), origins[r(3)], destinations[r(8)],
            20 + r(600), 80 + r(4000), hour, minute, year, month, day, hour);
        out.append(row, static_cast<std::size_t>(n));
    }
    return out;
}

constexpr std::int64_t minute_ns = 60'000'000'000;
constexpr std::int64_t hour_ns = 60 * minute_ns;
constexpr std::int64_t disorder_ns = 30 * minute_ns;

struct totals {
    std::int64_t count = 0;
    std::int64_t sum = 0;
    int most = INT32_MIN;
};
struct outcome {
    std::uint64_t rows = 0;
    std::uint64_t checksum = 0;
    std::uint64_t late = 0;
    std::uint64_t bad = 0;
    void emit(std::int64_t start, std::string_view origin, std::string_view carrier,
              std::int64_t count, double mean, int most) {
        ++rows;
        std::uint64_t const key = static_cast<std::uint64_t>(
            origin[0] * 7 + origin[1] * 3 + origin[2] + carrier[0] * 31 + carrier[1] * 5);
        checksum += (key ^ static_cast<std::uint64_t>(start / minute_ns))
                        * static_cast<std::uint64_t>(count)
                    + static_cast<std::uint64_t>(static_cast<std::int64_t>(mean * 1024))
                    + static_cast<std::uint64_t>(most);
    }
    [[nodiscard]] std::uint64_t sum() const { return checksum + rows * 31 + late * 7 + bad; }
};

/// Panes of an hour, a map each, reused.
class panes {
public:
    void add(std::string_view origin, std::string_view carrier, std::int64_t t, int delay,
             outcome& out) {
        std::int64_t const start = t - t % hour_ns;
        if (start + hour_ns <= watermark_) {
            ++out.late;
            return;
        }
        std::uint64_t key = 0;
        std::memcpy(&key, origin.data(), 3);
        std::memcpy(reinterpret_cast<char*>(&key) + 3, carrier.data(), 2);
        totals& to = at(start)[key];
        ++to.count;
        to.sum += delay;
        to.most = delay > to.most ? delay : to.most;
        if (t - disorder_ns > watermark_) {
            watermark_ = t - disorder_ns;
            fire(out);
        }
    }
    void finish(outcome& out) {
        watermark_ = INT64_MAX;
        fire(out);
    }

private:
    using map = boost::unordered_flat_map<std::uint64_t, totals>;
    struct pane {
        std::int64_t start;
        map entries;
    };
    map& at(std::int64_t start) {
        for (auto& p : open_)
            if (p.start == start) return p.entries;
        open_.push_back({start, {}});
        if (!spare_.empty()) {
            open_.back().entries.swap(spare_.back());
            spare_.pop_back();
        }
        return open_.back().entries;
    }
    void fire(outcome& out) {
        for (std::size_t i = 0; i < open_.size();) {
            pane& p = open_[i];
            if (p.start + hour_ns > watermark_ && watermark_ != INT64_MAX) {
                ++i;
                continue;
            }
            for (auto const& [key, t] : p.entries) {
                char text[8];
                std::memcpy(text, &key, 8);
                out.emit(p.start, {text, 3}, {text + 3, 2}, t.count,
                         static_cast<double>(t.sum) / static_cast<double>(t.count), t.most);
            }
            p.entries.clear();
            spare_.push_back(std::move(p.entries));
            open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    std::int64_t watermark_ = INT64_MIN;
    std::vector<pane> open_;
    std::vector<map> spare_;
};

std::uint64_t loop_by_hand(std::string_view input) {
    outcome result;
    panes windows;
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
        if (ends[12] - begins[12] > 3 || ends[9] - begins[9] > 2) {
            ++bad;
            continue;
        }
        windows.add({begins[12], static_cast<std::size_t>(ends[12] - begins[12])},
                    {begins[9], static_cast<std::size_t>(ends[9] - begins[9])},
                    time + minute * minute_ns, delay, result);
    }
    windows.finish(result);
    result.bad = bad;
    return result.sum();
}

/// Bytes that lie in memory, a chunk at a time.
struct memory_operator {
    std::string_view rest;
    bool next(chunk& out) {
        if (rest.empty()) return false;
        std::size_t const n = rest.size() < 256 * 1024 ? rest.size() : 256 * 1024;
        out = {rest.substr(0, n), "memory", n == rest.size()};
        rest.remove_prefix(n);
        return true;
    }
};
struct memory : stage_base {
    static constexpr stage_kind kind = stage_kind::bytes;
    static constexpr std::string_view word = "memory";
    static constexpr auto name = fixed_string{""};
    using record = chunk;
    std::string_view input;
    explicit memory(std::string_view i) : input(i) {}
    template <class Env>
    memory_operator open_source(Env&) const {
        return {input};
    }
};

std::uint64_t by_millrace(std::string_view input) {
    outcome out;
    auto const result =
        run(memory(input) | csv<flight>() | on_error(drop)
            | filter<"departed">([](flight const& f) { return f.dep_delay.has_value(); })
            | event_time([](flight const& f) { return f.time_hour + minutes(f.minute); },
                         bounded_disorder{minutes(30)})
            | key_by(field<&flight::origin>, field<&flight::carrier>) | window(tumbling{hours(1)})
            | aggregate(count<"flights">(), mean<"mean">(field<&flight::dep_delay>),
                        max<"max">(field<&flight::dep_delay>))
            | to([&out](auto const& r) {
                  out.emit(get<"window_start">(r).ns, get<"origin">(r), get<"carrier">(r),
                           get<"flights">(r), *get<"mean">(r), *get<"max">(r));
              }));
    out.late = result.late;
    out.bad = result.bad_rows;
    return out.sum();
}

}  // namespace

int main(int argc, char** argv) {
    std::string const input = make_flights(32U << 20U);
    bench::pair pairs{argc, argv};
    pairs.run(
        "csv_window", {.must = 1.0, .aim = 1.5, .higher_is_better = true, .unit = "GB/s"},
        static_cast<double>(input.size()), [&] { return loop_by_hand(input); },
        [&] { return by_millrace(input); });
}
