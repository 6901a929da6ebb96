// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// One file in the page cache, parsed on two cores and still one input (SEMANTICS 10), against the
// same pipeline on one core; and the same file as two inputs, `partitions{2}`.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <support/pair.hpp>
#include <unistd.h>

#include <millrace/dsl.hpp>
#include <millrace/io.hpp>
#include <millrace/json.hpp>
#include <millrace/scheduler/core_map.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;

struct trade {
    time_point at;
    text<8> symbol;
    double price = 0;
    std::int64_t size = 0;
    std::int32_t venue = 0;
};
MILLRACE_RECORD(trade, at, symbol, price, size, venue);

/// Rows of `format`, ordered by time but for two seconds.
std::string make_trades(std::size_t bytes, std::string heading, char const* format) {
    std::string out = std::move(heading);
    std::uint64_t state = 0x9E3779B97F4A7C15;  // xorshift64
    auto const below = [&](std::uint64_t n) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return static_cast<int>(state % n);
    };
    char row[256];
    for (int i = 0; out.size() < bytes; ++i) {
        int const s = 10 + i / 400 - below(3);
        int const n =
            std::snprintf(row, sizeof row, format, i, 1 + s / 86400, s / 3600 % 24, s / 60 % 60,
                          s % 60, below(500), below(1000), below(100), below(10000), below(16));
        out.append(row, static_cast<std::size_t>(n));
    }
    return out;
}
constexpr char const* csv_row =
    "%d,2024-01-%02dT%02d:%02d:%02dZ,SYM%03d,%d.%02d,%d,%d,O,some text\n";
constexpr char const* json_row =
    "{\"id\":%d,\"at\":\"2024-01-%02dT%02d:%02d:%02dZ\",\"symbol\":\"SYM%03d\",\"price\":%d.%02d,"
    "\"size\":%d,\"venue\":%d,\"flags\":\"O\",\"note\":\"some text\"}\n";

/// A file that goes with the program.
class scratch_file {
public:
    explicit scratch_file(std::string const& text) {
        char const* const folder = std::getenv("TMPDIR");
        name_ = std::string(folder == nullptr ? "/tmp" : folder) + "/millrace-one-file-XXXXXX";
        ::close(::mkstemp(name_.data()));
        std::ofstream(name_, std::ios::binary) << text;
    }
    scratch_file(scratch_file const&) = delete;
    scratch_file& operator=(scratch_file const&) = delete;
    ~scratch_file() { ::unlink(name_.c_str()); }
    [[nodiscard]] std::string const& name() const { return name_; }

private:
    std::string name_;
};

run_settings on(unsigned cores) {
    run_settings s;
    for (unsigned c = 0; c < cores; ++c) s.cores.push_back(detail::allowed_cpus().at(c));
    return s;
}
void must(report const& r) {
    if (r.ok()) return;
    std::fprintf(stderr, "%s\n", r.message.c_str());
    std::exit(70);
}
template <class Source, class Format>
std::uint64_t windows(Source source, Format format, unsigned cores) {
    std::uint64_t sum = 0;
    must(run(std::move(source) | format | filter([](trade const& t) { return t.venue != 3; })
                 | event_time([](trade const& t) { return t.at; }, bounded_disorder{seconds(2)})
                 | key_by(field<&trade::symbol>) | window(tumbling{minutes(1)})
                 | aggregate(count<"n">(), millrace::sum<"size">(field<&trade::size>),
                             millrace::max<"high">(field<&trade::price>))
                 | to([&](auto const& r) {
                       sum += static_cast<std::uint64_t>(get<"n">(r) * 31 + get<"size">(r))
                              ^ static_cast<std::uint64_t>(get<"window_start">(r).ns);
                   }),
             on(cores)));
    return sum;
}
std::uint64_t rows(std::string const& name, unsigned cores) {
    auto const r =
        run(file(name) | csv<trade>() | filter([](trade const& t) { return t.venue != 3; }) | csv()
                | to(file("/dev/null")),
            on(cores));
    must(r);
    return r.records_out;
}

}  // namespace

int main(int argc, char** argv) {
    constexpr std::size_t bytes = std::size_t{96} << 20;
    std::string const text =
        make_trades(bytes, "id,at,symbol,price,size,venue,flags,note\n", csv_row);
    scratch_file const csv_file(text);
    std::string const lines = make_trades(bytes, "", json_row);
    scratch_file const json_file(lines);
    auto const size = static_cast<double>(text.size());
    bench::pair pairs(argc, argv);
    pairs.run(
        "one_file/csv, keyed window, 2 cores", {1.2, 1.6, true, "GB/s"}, size,
        [&] { return windows(file(csv_file.name()), csv<trade>(), 1); },
        [&] { return windows(file(csv_file.name()), csv<trade>(), 2); });
    pairs.run(
        "one_file/json, keyed window, 2 cores", {1.2, 1.6, true, "GB/s"},
        static_cast<double>(lines.size()),
        [&] { return windows(file(json_file.name()), json<trade>(), 1); },
        [&] { return windows(file(json_file.name()), json<trade>(), 2); });
    pairs.run(
        "one_file/csv to csv, 2 cores", {1.2, 1.6, true, "GB/s"}, size,
        [&] { return rows(csv_file.name(), 1); }, [&] { return rows(csv_file.name(), 2); });
    pairs.run(
        "one_file/partitions{2}, keyed window, 2 cores", {1.2, 1.6, true, "GB/s"}, size,
        [&] { return windows(file(csv_file.name()), csv<trade>(), 1); },
        [&] { return windows(file(csv_file.name(), partitions{2}), csv<trade>(), 2); });
}
