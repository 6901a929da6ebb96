// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Asks a service over TCP at a fixed rate, checks every answer, and prints how long they took.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <utility>
#include <vector>

#include "connection.hpp"
#include "histogram.hpp"
#include "open_loop.hpp"
#include "plot.hpp"
#include "wire.hpp"

namespace {

constexpr char usage[] =
    R"(usage: fraud_load [options]
Sends requests at a fixed rate over TCP and measures from when each was to be sent.
  --host NAME         127.0.0.1
  --port N            7400
  --connections N     1
  --rate N            requests a second, over all connections: 10000
  --seconds X         measured: 5; the warm-up (--warm-up X: 0.5) comes before
  --poisson           exponential gaps instead of even ones
  --busy              never sleeps: exact send times for a whole processor
  --cpu N             pins itself to a processor
  --late-ms N         an answer after that is late: 1000
  --drain-ms N        how long the last answers are waited for: 2000
  --cards N           different cards: 100000; --seed N chooses their order
  --steps             raises the rate until the service can't follow, and says where
  --limit-us N        of --steps: the p99 that still counts as following: 10000
  --at A,B            of --steps: measures again at these per cent of the capacity
  --svg FILE          the picture; --title TEXT above it, --name TEXT of this line
  --save FILE         the histogram; --with NAME=FILE draws a saved one beside it
Exit code 1 if an answer was lost, late, wrong or out of order, 2 if it could not start.
)";

struct options {
    std::string host = "127.0.0.1";
    std::string port = "7400";
    std::size_t connections = 1;
    load::run_options run;
    int cpu = -1;
    std::uint64_t cards = 100'000;
    std::uint64_t seed = 1;
    bool steps = false;
    double limit_us = 10'000;
    std::vector<unsigned> at;
    std::string svg;
    std::string title = "Latency";
    std::string name;
    std::string save;
    std::vector<std::pair<std::string, std::string>> with;
};

template <class T>
T number(std::string_view option, std::string_view text, double least = 0) {
    T value{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()
        || static_cast<double>(value) < least)
        throw std::runtime_error(std::string(option) + ": «" + std::string(text)
                                 + "» is not a number that it takes");
    return value;
}
std::int64_t nanoseconds(double value, double unit) {
    return static_cast<std::int64_t>(value * unit);
}

bool take_text(options& o, std::string_view word, std::string const& value) {
    if (word == "--host")
        o.host = value;
    else if (word == "--port")
        o.port = value;
    else if (word == "--svg")
        o.svg = value;
    else if (word == "--title")
        o.title = value;
    else if (word == "--name")
        o.name = value;
    else if (word == "--save")
        o.save = value;
    else if (word == "--with") {
        auto const equals = value.find('=');
        if (equals == std::string::npos) throw std::runtime_error("--with: write NAME=FILE");
        o.with.emplace_back(value.substr(0, equals), value.substr(equals + 1));
    } else if (word == "--at") {
        for (std::size_t from = 0; from <= value.size();) {
            std::size_t const comma = std::min(value.find(',', from), value.size());
            o.at.push_back(number<unsigned>(word, value.substr(from, comma - from), 1));
            from = comma + 1;
        }
    } else
        return false;
    return true;
}
bool take_number(options& o, std::string_view word, std::string const& value) {
    if (word == "--connections")
        o.connections = number<std::size_t>(word, value, 1);
    else if (word == "--rate")
        o.run.rate = number<double>(word, value, 1);
    else if (word == "--seconds")
        o.run.measured_ns = nanoseconds(number<double>(word, value, 0.001), 1e9);
    else if (word == "--warm-up")
        o.run.warm_up_ns = nanoseconds(number<double>(word, value), 1e9);
    else if (word == "--late-ms")
        o.run.late_ns = nanoseconds(number<double>(word, value), 1e6);
    else if (word == "--drain-ms")
        o.run.drain_ns = nanoseconds(number<double>(word, value), 1e6);
    else if (word == "--cpu")
        o.cpu = number<int>(word, value);
    else if (word == "--cards")
        o.cards = number<std::uint64_t>(word, value, 1);
    else if (word == "--seed")
        o.seed = number<std::uint64_t>(word, value);
    else if (word == "--limit-us")
        o.limit_us = number<double>(word, value, 1);
    else
        return false;
    return true;
}
options read_options(int argc, char** argv) {
    options o;
    for (int i = 1; i < argc; ++i) {
        std::string_view const word = argv[i];
        if (word == "--help") {
            std::fputs(usage, stdout);
            std::exit(0);
        } else if (word == "--poisson")
            o.run.poisson = true;
        else if (word == "--busy")
            o.run.busy = true;
        else if (word == "--steps")
            o.steps = true;
        else if (i + 1 < argc
                 && (take_text(o, word, argv[i + 1]) || take_number(o, word, argv[i + 1])))
            ++i;
        else
            throw std::runtime_error(std::string(word)
                                     + ": not an option, or its value is missing");
    }
    return o;
}

void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0)
        throw std::runtime_error("--cpu: this processor is not allowed");
}

void print_heading() {
    std::printf("%12s %10s %10s %10s %10s %10s %10s %8s %6s %6s %6s\n", "asked/s", "answered/s",
                "p50", "p90", "p99", "p99.9", "max", "behind", "lost", "late", "errors");
}
void print_row(double rate, load::outcome const& out) {
    auto const at = [&](double q) { return load::time_text(out.latencies.quantile(q)); };
    std::printf("%12.0f %10.0f %10s %10s %10s %10s %10s %8s %6llu %6llu %6llu%s\n", rate,
                out.seconds > 0 ? static_cast<double>(out.answered) / out.seconds : 0.0,
                at(0.5).c_str(), at(0.9).c_str(), at(0.99).c_str(), at(0.999).c_str(),
                load::time_text(out.latencies.max()).c_str(),
                load::time_text(static_cast<std::uint64_t>(out.behind_ns)).c_str(),
                static_cast<unsigned long long>(out.lost),
                static_cast<unsigned long long>(out.late),
                static_cast<unsigned long long>(out.errors), out.gave_up ? "  can't follow" : "");
    if (!out.first_error.empty()) std::printf("  %s\n", out.first_error.c_str());
    std::fflush(stdout);
}

class session {
public:
    explicit session(options const& o)
        : options_(o),
          maker_(o.seed, o.cards, load::now_ns(CLOCK_REALTIME)),
          connections_(connect(o)),
          loop_(connections_, maker_) {}
    /// A row of the table, and whether nothing went wrong. Overload is no error while searching.
    load::outcome row(double rate, bool searching) {
        load::run_options run = options_.run;
        run.rate = rate;
        run.gives_up = searching;
        if (searching) {
            run.late_ns = INT64_MAX;
            run.drain_ns = std::max<std::int64_t>(run.drain_ns, 10'000'000'000);
        }
        load::outcome out = loop_.run(run);
        print_row(rate, out);
        clean_ = clean_ && out.clean();
        return out;
    }
    [[nodiscard]] bool follows(double rate) {
        load::outcome const out = row(rate, true);
        return !out.gave_up && out.clean()
               && static_cast<double>(out.latencies.quantile(0.99)) <= options_.limit_us * 1e3;
    }
    /// The most that the service follows, to 5 %: up by half, then halving what is left.
    double capacity() {
        double good = 0;
        double bad = 0;
        double rate = options_.run.rate;
        while (clean_ && loop_.alive() && (bad == 0 || bad > good * 1.05)) {
            (follows(rate) ? good : bad) = rate;
            if (good == 0) {
                if (rate < 10) break;
                rate /= 4;
            } else {
                rate = bad == 0 ? rate * 1.5 : (good + bad) / 2;
            }
        }
        return good;
    }
    [[nodiscard]] bool clean() const { return clean_ && loop_.alive(); }

private:
    static std::vector<load::connection> connect(options const& o) {
        std::vector<load::connection> all;
        all.reserve(o.connections);
        for (std::size_t c = 0; c < o.connections; ++c) all.emplace_back(o.host, o.port);
        return all;
    }

    options const& options_;
    load::request_maker maker_;
    std::vector<load::connection> connections_;
    load::open_loop loop_;
    bool clean_ = true;
};

int run(options const& o) {
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    if (o.cpu >= 0) pin(o.cpu);
    session s(o);
    load::picture drawn(o.title);
    print_heading();
    if (!o.steps) {
        load::outcome const out = s.row(o.run.rate, false);
        if (!o.save.empty() && !out.latencies.save(o.save))
            throw std::runtime_error(o.save + ": can't be written");
        drawn.add({o.name.empty() ? std::to_string(static_cast<std::uint64_t>(o.run.rate)) + "/s"
                                  : o.name,
                   out.latencies});
    } else {
        double const capacity = s.capacity();
        std::printf("capacity: %.0f requests/s with p99 within %s\n", capacity,
                    load::time_text(static_cast<std::uint64_t>(o.limit_us * 1e3)).c_str());
        if (capacity == 0) return 1;
        for (unsigned const percent : o.at) {
            double const rate = capacity * percent / 100;
            load::outcome const out = s.row(rate, false);
            drawn.add(
                {o.name + (o.name.empty() ? "" : ", ") + std::to_string(percent) + " % of capacity",
                 out.latencies});
        }
    }
    for (auto const& [name, file] : o.with) {
        load::histogram h;
        if (!h.load(file)) throw std::runtime_error(file + ": is no saved histogram");
        drawn.add({name, h});
    }
    if (!o.svg.empty() && !drawn.write(o.svg))
        throw std::runtime_error(o.svg + ": can't be written");
    return s.clean() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(read_options(argc, argv));
    } catch (std::exception const& e) {
        std::fprintf(stderr, "fraud_load: %s\n", e.what());
        return 2;
    }
}
