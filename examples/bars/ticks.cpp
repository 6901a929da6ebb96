// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Sends ticks to a multicast group or an address, some out of order and some left out, and prints
// what bars and gaps ought to come of them.

#include <arpa/inet.h>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <net/if.h>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

constexpr char usage[] =
    R"(usage: bars_ticks [options]
  --to ADDRESS      239.192.0.1, a group or a host
  --port N          7600
  --interface NAME  lo: where a group is sent to
  --symbols N       8
  --rate N          ticks a second of the clock: 20000
  --ticks N         in all: 60000
  --seconds X       of the ticks' own time, which ends a minute ago: 10
  --leave-out N     one in so many is not sent: 1000; 0: all are
  --seed N          1
Prints `bar symbol start open high low close volume ticks` and `gap symbol first last`, each line
for one of either that has to come. Behind all, a tick of the symbol END moves the time on.
)";

struct options {
    std::string to = "239.192.0.1";
    std::uint16_t port = 7600;
    std::string interface = "lo";
    std::uint64_t symbols = 8;
    std::uint64_t rate = 20'000;
    std::uint64_t ticks = 60'000;
    std::uint64_t seconds = 10;
    std::uint64_t leave_out = 1000;
    std::uint64_t seed = 1;
};
template <class T>
T number(std::string_view option, std::string_view text) {
    T value{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::runtime_error(std::string(option) + ": it takes a whole number");
    return value;
}
options read_options(int argc, char** argv) {
    options o;
    for (int i = 1; i < argc; ++i) {
        std::string_view const word = argv[i];
        if (word == "--help") {
            std::fputs(usage, stdout);
            std::exit(0);
        }
        if (i + 1 == argc) throw std::runtime_error(std::string(word) + ": its value is missing");
        char const* const value = argv[++i];
        if (word == "--to")
            o.to = value;
        else if (word == "--interface")
            o.interface = value;
        else if (word == "--port")
            o.port = number<std::uint16_t>(word, value);
        else if (word == "--symbols")
            o.symbols = number<std::uint64_t>(word, value);
        else if (word == "--rate")
            o.rate = number<std::uint64_t>(word, value);
        else if (word == "--ticks")
            o.ticks = number<std::uint64_t>(word, value);
        else if (word == "--seconds")
            o.seconds = number<std::uint64_t>(word, value);
        else if (word == "--leave-out")
            o.leave_out = number<std::uint64_t>(word, value);
        else if (word == "--seed")
            o.seed = number<std::uint64_t>(word, value);
        else
            throw std::runtime_error(std::string(word) + ": not an option");
    }
    if (o.symbols == 0 || o.rate == 0 || o.ticks == 0 || o.seconds == 0)
        throw std::runtime_error("--symbols, --rate, --ticks and --seconds are at least 1");
    return o;
}

struct tick {
    std::string symbol;
    std::uint64_t sequence = 0;
    std::int64_t price = 0;
    std::uint32_t size = 0;
    std::int64_t time_ns = 0;

    /// As bars.hpp describes it: packed, little endian, the symbol a length and eight bytes.
    [[nodiscard]] std::string datagram() const {
        std::string out(37, '\0');
        out[0] = static_cast<char>(symbol.size());
        std::memcpy(out.data() + 1, symbol.data(), symbol.size());
        std::memcpy(out.data() + 9, &sequence, 8);
        std::memcpy(out.data() + 17, &price, 8);
        std::memcpy(out.data() + 25, &size, 4);
        std::memcpy(out.data() + 29, &time_ns, 8);
        return out;
    }
};

class sender {
public:
    explicit sender(options const& o) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(o.port);
        if (::inet_pton(AF_INET, o.to.c_str(), &at.sin_addr) != 1)
            throw std::runtime_error("--to: no IPv4 address");
        if (IN_MULTICAST(ntohl(at.sin_addr.s_addr))) {
            ip_mreqn through{};
            through.imr_ifindex = static_cast<int>(::if_nametoindex(o.interface.c_str()));
            if (::setsockopt(fd_, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof through) != 0)
                throw std::runtime_error("--interface: " + std::string(std::strerror(errno)));
        }
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
            throw std::runtime_error("--to: " + std::string(std::strerror(errno)));
    }
    sender(sender const&) = delete;
    sender& operator=(sender const&) = delete;
    ~sender() { ::close(fd_); }
    void send(std::string const& datagram) const {
        // A receiver that is not there yet is no error of a datagram's sender.
        if (::send(fd_, datagram.data(), datagram.size(), 0) < 0 && errno != ECONNREFUSED)
            throw std::runtime_error("send: " + std::string(std::strerror(errno)));
    }

private:
    int fd_;
};

/// What one symbol did in one second, the naive way.
struct expected_bar {
    std::vector<tick> ticks;  // in the order of time and sequence

    void print(std::int64_t start) const {
        std::int64_t high = ticks[0].price;
        std::int64_t low = ticks[0].price;
        std::uint64_t volume = 0;
        for (tick const& t : ticks) {
            high = std::max(high, t.price);
            low = std::min(low, t.price);
            volume += t.size;
        }
        std::printf("bar %s %lld %lld %lld %lld %lld %llu %zu\n", ticks[0].symbol.c_str(),
                    static_cast<long long>(start), static_cast<long long>(ticks.front().price),
                    static_cast<long long>(high), static_cast<long long>(low),
                    static_cast<long long>(ticks.back().price),
                    static_cast<unsigned long long>(volume), ticks.size());
    }
};

/// splitmix64 (Steele, Lea, Flood 2014).
class dice {
public:
    explicit dice(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next(std::uint64_t below) {
        std::uint64_t x = state_ += 0x9e3779b97f4a7c15;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return (x ^ (x >> 31)) % below;
    }

private:
    std::uint64_t state_;
};

/// All ticks in their order, and what has to come of those that are sent.
class market {
public:
    explicit market(options const& o) : dice_(o.seed) {
        auto const span = static_cast<std::int64_t>(o.seconds) + 60;  // none is ahead of the clock
        std::int64_t const start = (std::int64_t{std::time(nullptr)} - span) * 1'000'000'000;
        std::uint64_t const step = o.seconds * 1'000'000'000 / o.ticks;
        std::vector<tick> last(o.symbols);
        for (std::uint64_t s = 0; s < o.symbols; ++s) {
            last[s].symbol = std::to_string(s).insert(0, 1, 'S');
            last[s].price = 1'000'000;
        }
        for (std::uint64_t i = 0; i < o.ticks; ++i) {
            tick& t = last[dice_.next(o.symbols)];
            ++t.sequence;
            t.price += static_cast<std::int64_t>(dice_.next(2001)) - 1000;
            t.size = static_cast<std::uint32_t>(1 + dice_.next(500));
            t.time_ns = start + static_cast<std::int64_t>(i * step);
            bool const left_out =
                t.sequence > 1 && o.leave_out != 0 && dice_.next(o.leave_out) == 0;
            if (left_out)
                missing_.push_back(t);
            else
                sent_.push_back(t);
        }
        end_ = {"END", 1, 1, 1, start + span * 1'000'000'000};
    }
    [[nodiscard]] std::vector<tick> const& sent() const { return sent_; }
    [[nodiscard]] tick const& end() const { return end_; }
    void print() const {
        std::map<std::pair<std::string, std::int64_t>, expected_bar> bars;
        std::map<std::string, std::uint64_t> last;
        for (tick const& t : sent_) {
            bars[{t.symbol, t.time_ns / 1'000'000'000}].ticks.push_back(t);
            last[t.symbol] = t.sequence;
        }
        for (auto const& [key, b] : bars) b.print(key.second * 1'000'000'000);
        std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> open;
        auto const close = [&](std::string const& symbol) {
            auto const it = open.find(symbol);
            if (it == open.end()) return;
            std::printf("gap %s %llu %llu\n", symbol.c_str(),
                        static_cast<unsigned long long>(it->second.first),
                        static_cast<unsigned long long>(it->second.second));
            open.erase(it);
        };
        for (tick const& t : missing_) {
            if (t.sequence > last[t.symbol]) continue;  // nothing came behind it
            if (open.count(t.symbol) != 0 && open[t.symbol].second + 1 != t.sequence)
                close(t.symbol);
            if (open.count(t.symbol) == 0)
                open[t.symbol] = {t.sequence, t.sequence};
            else
                open[t.symbol].second = t.sequence;
        }
        while (!open.empty()) close(std::string(open.begin()->first));
    }

private:
    dice dice_;
    std::vector<tick> sent_;
    std::vector<tick> missing_;
    tick end_;
};

void wait_until(std::int64_t due_ns) {
    timespec until{};
    until.tv_sec = due_ns / 1'000'000'000;
    until.tv_nsec = due_ns % 1'000'000'000;
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
}

void run(options const& o) {
    sender const out(o);
    market const all(o);
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    std::int64_t const begin = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    std::uint64_t sent = 0;
    for (tick const& t : all.sent()) {
        if (sent % 16 == 0)
            wait_until(begin + static_cast<std::int64_t>(sent * 1'000'000'000 / o.rate));
        out.send(t.datagram());
        ++sent;
    }
    out.send(all.end().datagram());
    all.print();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(read_options(argc, argv));
        return 0;
    } catch (std::exception const& e) {
        std::fprintf(stderr, "bars_ticks: %s\n", e.what());
        return 2;
    }
}
