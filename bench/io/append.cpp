// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
//
// A record of 4 KiB until it is safe on the disk, one at a time: the log's sink against pwrite with
// O_DIRECT and O_DSYNC into a file whose blocks have been written before. In turn, 20 records each;
// the median of all.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <millrace/io/append.hpp>
#include <millrace/io/core_engine.hpp>
#include <millrace/io/page_buffer.hpp>

namespace {

using namespace millrace;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t record_bytes = 4096;
constexpr int turn_records = 20;

void check(bool good, char const* what) {
    if (good) return;
    std::perror(what);
    std::exit(70);
}

template <class Step>
void measure(std::vector<double>& into, Step&& step) {
    for (int i = 0; i < turn_records; ++i) {
        auto const begin = clock_type::now();
        step();
        into.push_back(
            std::chrono::duration<double, std::micro>(clock_type::now() - begin).count());
    }
}

double quantile(std::vector<double>& all, double q) {
    auto const at = static_cast<std::ptrdiff_t>(q * static_cast<double>(all.size() - 1));
    std::nth_element(all.begin(), all.begin() + at, all.end());
    return all[static_cast<std::size_t>(at)];
}

struct environment {
    core_engine engine;
    explicit environment(io_tier tier) : engine(service_options{.tier = tier}) {}
    template <class T>
    T& service() {
        return engine;
    }
};

void run(char const* name, io_tier tier, bool spins, int turns, std::string const& folder) {
    std::string const by_hand = folder + "/by-hand";
    std::string const log = folder + "/log";
    detail::page_buffer record(record_bytes);
    std::memset(record.data.get(), 'x', record_bytes);

    int const fd = ::open(by_hand.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_DSYNC | O_DIRECT, 0644);
    check(fd >= 0, "open");
    for (int i = 0; i < (turns + 1) * turn_records; ++i)
        check(::pwrite(fd, record.data.get(), record_bytes, off_t{i} * 4096) == 4096, "pwrite");

    environment env(tier);
    auto sink = append(log, {.max_record = record_bytes}).open_sink(env);
    std::vector<double> reference;
    std::vector<double> ours;
    off_t at = 0;
    for (int turn = 0; turn <= turns; ++turn) {
        measure(reference, [&] {
            check(::pwrite(fd, record.data.get(), record_bytes, at) == 4096, "pwrite");
            at += 4096;
        });
        measure(ours, [&] {
            sink.write({{record.data.get(), record_bytes}, false});
            sink.batch_end();
            while (!sink.drained()) {
                if (env.engine.turn()) continue;
                if (spins)
                    sink.batch_end();  // as at the end of each turn of a core that spins
                else
                    env.engine.sleep(INT64_MAX);
            }
        });
        if (turn == 0) {  // warm-up
            reference.clear();
            ours.clear();
        }
    }
    sink.close(true);
    ::close(fd);
    ::unlink(by_hand.c_str());
    ::unlink(log.c_str());
    double const a = quantile(ours, 0.5);
    double const b = quantile(reference, 0.5);
    std::printf(
        "{\"bench\":\"%s\",\"ratio\":%.3f,\"must\":1.15,\"aim\":1.05,\"better\":\"lower\","
        "\"ours\":%.1f,\"reference\":%.1f,\"unit\":\"us p50\",\"ours_p99\":%.1f,"
        "\"reference_p99\":%.1f}\n",
        name, a / b, a, b, quantile(ours, 0.99), quantile(reference, 0.99));
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    int const turns = argc > 1 && std::strcmp(argv[1], "--quick") == 0 ? 40 : 200;
    char const* const told = std::getenv("TMPDIR");
    std::string folder = std::string(told == nullptr ? "/tmp" : told) + "/millrace-append-XXXXXX";
    check(::mkdtemp(folder.data()) != nullptr, "mkdtemp");
    run("append", io_tier::automatic, true, turns, folder);
    run("append_waiting", io_tier::automatic, false, turns, folder);
    run("append_epoll", io_tier::epoll, false, turns, folder);
    ::rmdir(folder.c_str());
    return 0;
}
