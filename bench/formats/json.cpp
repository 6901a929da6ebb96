// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// JSON lines of about 260 bytes, 3 of 8 fields, filter, count. The reference is a hand loop over
// simdjson's on-demand reader as its documentation has it: `iterate_many` over the whole input,
// fields found in the order of the text.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include <simdjson.h>

#include <millrace/io/json_reader.hpp>

#include "../support/pair.hpp"

struct event {
    std::int64_t timestamp_ms = 0;
    std::string_view type;
    double amount = 0;
};
MILLRACE_RECORD(event, timestamp_ms, type, amount);

namespace {

using namespace millrace;

std::uint64_t state = 0x9E3779B97F4A7C15;
std::uint64_t random_below(std::uint64_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % n;
}

std::string make_events(std::size_t size) {
    std::string out;
    static constexpr char const* types[] = {"click", "view", "purchase", "scroll"};
    static constexpr char const* pages[] = {"/", "/products/shoes", "/products/hats/red", "/cart",
                                            "/checkout/payment"};
    char row[512];
    while (out.size() < size) {
        auto const r = [](std::uint64_t n) { return static_cast<unsigned>(random_below(n)); };
        int const n = std::snprintf(
            row, sizeof row,
            "{\"id\":\"%08x-%04x-4%03x-a%03x-%06x%06x\",\"timestamp_ms\":%llu,\"type\":\"%s\",\"user\":%u,"
            "\"session\":\"%08x%08x\",\"page\":\"https://shop.example.com%s?ref=%u\",\"amount\":%u.%02u,"
            "\"agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101\"}\n",
            r(0xFFFFFFFF), r(0xFFFF), r(0xFFF), r(0xFFF), r(0xFFFFFF), r(0xFFFFFF),
            1'700'000'000'000ULL + random_below(1'000'000'000), types[r(4)], r(1'000'000),
            r(0xFFFFFFFF), r(0xFFFFFFFF), pages[r(5)], r(1000), r(500), r(100));
        out.append(row, static_cast<std::size_t>(n));
    }
    return out;
}

/// What both do with a record: a filter, a count by type, a checksum over every value that was
/// read.
struct counts {
    std::uint64_t cells[256] = {};
    std::uint64_t sum = 0;

    void add(std::int64_t timestamp, std::string_view type, double amount) {
        if (amount < 100.0) return;
        ++cells[static_cast<unsigned char>(type[0])];
        sum += static_cast<std::uint64_t>(timestamp)
               + static_cast<std::uint64_t>(amount * 100.0 + 0.5) + type.size();
    }
    [[nodiscard]] std::uint64_t checksum() const {
        std::uint64_t out = sum;
        for (std::uint64_t const c : cells) out = out * 31 + c;
        return out;
    }
};

std::uint64_t by_simdjson(simdjson::ondemand::parser& parser, std::string_view input,
                          std::size_t capacity) {
    counts result;
    std::uint64_t bad = 0;
    simdjson::ondemand::document_stream stream;
    if (parser.iterate_many(input.data(), capacity - simdjson::SIMDJSON_PADDING, 1U << 20U)
            .get(stream)
        != simdjson::SUCCESS)
        return 0;
    for (auto document : stream) {
        std::int64_t timestamp = 0;
        std::string_view type;
        double amount = 0;
        if (document["timestamp_ms"].get(timestamp) != simdjson::SUCCESS
            || document["type"].get(type) != simdjson::SUCCESS
            || document["amount"].get(amount) != simdjson::SUCCESS) {
            ++bad;
            continue;
        }
        result.add(timestamp, type, amount);
    }
    return result.checksum() + bad;
}

struct emitter {
    counts* result;
    void operator()(event&& e, std::string_view, std::uint64_t) const {
        result->add(e.timestamp_ms, e.type, e.amount);
    }
    void bad(std::string_view, std::string_view, std::uint64_t) const {}
};

std::uint64_t by_millrace(std::string_view input) {
    counts result;
    int env = 0;
    auto parser = json<event>().open<stream<chunk>>(env);
    constexpr std::size_t chunk_bytes = 256 * 1024;
    for (std::size_t at = 0; at < input.size(); at += chunk_bytes) {
        auto const piece = input.substr(at, chunk_bytes);
        parser.feed({piece, "events.ndjson", at + piece.size() == input.size()});
        while (parser.parse(256, emitter{&result}) == 256) {
        }
    }
    return result.checksum() + parser.bad();
}

}  // namespace

int main(int argc, char** argv) {
    std::string input = make_events(32U << 20U);
    std::size_t const size = input.size();
    input.append(simdjson::SIMDJSON_PADDING, ' ');
    std::string_view const text{input.data(), size};
    simdjson::ondemand::parser parser;
    bench::pair pairs{argc, argv};
    pairs.run(
        "json_lines", {.must = 0.95, .aim = 2.0, .higher_is_better = true, .unit = "GB/s"},
        static_cast<double>(size),
        [&] { return by_simdjson(parser, text, size + simdjson::SIMDJSON_PADDING); },
        [&] { return by_millrace(text); });
}
