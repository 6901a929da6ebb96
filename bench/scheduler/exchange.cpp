// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// `key_by` and a tumbling window on two cores, an input on each, against two threads written by
// hand with the same exchange; and two cores against one.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <pthread.h>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include <millrace/dsl.hpp>
#include <millrace/model/route.hpp>
#include <millrace/scheduler/core_map.hpp>
#include <millrace/scheduler/run.hpp>

#include "../support/pair.hpp"

namespace {
using namespace millrace;

struct event {
    std::int64_t t;
    std::uint32_t key;
    std::uint32_t value;
};
MILLRACE_RECORD(event, t, key, value);

constexpr std::size_t count_of_events = 4'000'000;
constexpr std::size_t stretch = 1024;  // every second one is the input of one core
constexpr std::int64_t pane_length = 100'000;
constexpr std::int64_t disorder = 100'000;

/// The stretches of one input, up to `n` records a call.
struct share {
    std::vector<event> const* of;
    std::size_t at;
    std::size_t step;
    template <class Push>
    [[gnu::always_inline]] bool poll(std::size_t n, Push&& push) {
        while (n > 0 && at < of->size()) {
            std::size_t const end = std::min(of->size(), (at / stretch + 1) * stretch);
            std::size_t const take = std::min(n, end - at);
            for (std::size_t i = at; i < at + take; ++i) push((*of)[i]);
            n -= take;
            at += take;
            if (at == end) at += (step - 1) * stretch;
        }
        return at < of->size();
    }
};

// --- ours ---

struct shares_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::source;
    static constexpr placement runs = placement::every_partition;
    [[maybe_unused]] static constexpr std::string_view word = "shares";
    [[maybe_unused]] static constexpr auto name = fixed_string{""};
    using record = event;
    std::vector<event> const* of;
    template <class Env>
    share open_source(Env& env) const {
        if constexpr (requires { env.partition(); })
            return {of, env.partition() * stretch, env.partitions()};
        else
            return {of, 0, 1};
    }
};
std::uint64_t weight(std::int64_t start, std::uint64_t key, std::uint64_t n, std::uint64_t total) {
    return (key ^ static_cast<std::uint64_t>(start)) * (n + 3 * total);
}
/// Each partition has a copy, which adds what it has seen at its end.
struct summing {
    explicit summing(std::atomic<std::uint64_t>& to) : into(&to) {}
    summing(summing const& other) : into(other.into) {}
    summing& operator=(summing const&) = delete;
    ~summing() { into->fetch_add(seen, std::memory_order_relaxed); }
    template <class Row>
    void operator()(Row const& row) {
        seen += weight(get<"window_start">(row).ns, get<"key">(row),
                       static_cast<std::uint64_t>(get<"n">(row)),
                       static_cast<std::uint64_t>(get<"total">(row)));
    }
    std::atomic<std::uint64_t>* into;
    std::uint64_t seen = 0;
};
std::uint64_t ours(std::vector<event> const& events, std::vector<unsigned> const& cores) {
    std::atomic<std::uint64_t> sum{0};
    bool ok = false;
    {
        auto const r =
            run(shares_stage{{}, &events}
                    | event_time([](event const& e) { return time_point{e.t}; },
                                 bounded_disorder{nanoseconds(disorder)})
                    | key_by(field<&event::key>) | window(tumbling(nanoseconds(pane_length)))
                    | aggregate(count<"n">(), millrace::sum<"total">(field<&event::value>))
                    | inspect(summing(sum)) | discard(),
                {.cores = cores, .wait = wait_policy::spin});
        ok = r.ok();
    }
    return ok ? sum.load() : 0;
}

// --- by hand ---

/// A ring of one producer and one consumer with cached indices, published per batch, and beside it
/// the producer's watermark, which is published behind its records.
class ring {
public:
    bool push(event const& e) {
        if (tail_ - seen_head_ == slots) {
            seen_head_ = shared_head_.load(std::memory_order_acquire);
            if (tail_ - seen_head_ == slots) return false;
        }
        slots_[tail_++ & (slots - 1)] = e;
        return true;
    }
    void publish() { shared_tail_.store(tail_, std::memory_order_release); }
    void publish(std::int64_t mark) {
        publish();
        if (mark == published_mark_) return;
        published_mark_ = mark;
        mark_.store(mark, std::memory_order_release);
    }
    /// All that is there; then the mark, which was published no later than what is taken.
    template <class F>
    std::int64_t take(F&& f) {
        std::int64_t const mark = mark_.load(std::memory_order_acquire);
        std::size_t const tail = shared_tail_.load(std::memory_order_acquire);
        for (; head_ != tail; ++head_) f(slots_[head_ & (slots - 1)]);
        shared_head_.store(head_, std::memory_order_release);
        return mark;
    }

private:
    static constexpr std::size_t slots = 4096;
    std::unique_ptr<event[]> slots_ = std::make_unique<event[]>(slots);
    alignas(128) std::size_t tail_ = 0;
    std::size_t seen_head_ = 0;
    std::int64_t published_mark_ = INT64_MIN;
    alignas(128) std::atomic<std::size_t> shared_tail_{0};
    std::atomic<std::int64_t> mark_{INT64_MIN};
    alignas(128) std::atomic<std::size_t> shared_head_{0};
    alignas(128) std::size_t head_ = 0;
};

/// One map per pane, reused from pane to pane, as in bench/state.
class panes {
public:
    [[gnu::always_inline]] void add(event const& e) {
        if (last_ == nullptr || e.t < last_->start || e.t >= last_->start + pane_length)
            last_ = &open(e.t - e.t % pane_length);
        totals& t = last_->map[e.key];
        ++t.n;
        t.total += e.value;
    }
    void advance(std::int64_t mark) {
        if (mark < next_end_) return;
        std::sort(open_.begin(), open_.end(),
                  [](auto const& a, auto const& b) { return a->start < b->start; });
        while (!open_.empty() && open_.front()->start + pane_length <= mark) {
            for (auto const& [key, t] : open_.front()->map)
                sum_ += weight(open_.front()->start, key, t.n, t.total);
            open_.front()->map.clear();
            free_.push_back(std::move(open_.front()));
            open_.erase(open_.begin());
        }
        next_end_ = open_.empty() ? INT64_MAX : open_.front()->start + pane_length;
        last_ = nullptr;
    }
    [[nodiscard]] std::uint64_t sum() const { return sum_; }

private:
    struct totals {
        std::uint64_t n = 0;
        std::uint64_t total = 0;
    };
    struct pane {
        std::int64_t start;
        boost::unordered_flat_map<std::uint32_t, totals> map;
    };
    [[gnu::noinline]] pane& open(std::int64_t start) {
        for (auto& p : open_)
            if (p->start == start) return *p;
        if (free_.empty()) free_.push_back(std::make_unique<pane>());
        open_.push_back(std::move(free_.back()));
        free_.pop_back();
        open_.back()->start = start;
        next_end_ = std::min(next_end_, start + pane_length);
        return *open_.back();
    }
    pane* last_ = nullptr;
    std::int64_t next_end_ = INT64_MAX;
    std::uint64_t sum_ = 0;
    std::vector<std::unique_ptr<pane>> open_;
    std::vector<std::unique_ptr<pane>> free_;
};

std::uint64_t by_hand(std::vector<event> const& events, std::vector<unsigned> const& cores) {
    ring rings[2];  // into each
    std::uint64_t sums[2] = {};
    auto const work = [&](unsigned me) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cores[me], &set);
        ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
        panes mine;
        ring& in = rings[me];
        ring& out = rings[1 - me];
        share input{&events, me * stretch, 2};
        std::int64_t newest = INT64_MIN / 2;
        bool more = true;
        std::int64_t theirs = INT64_MIN;
        auto const hear = [&] { theirs = in.take([&](event const& e) { mine.add(e); }); };
        while (more || theirs != INT64_MAX) {
            hear();
            if (more)
                more = input.poll(1024, [&](event const& e) {
                    newest = e.t > newest ? e.t : newest;
                    if (partition_of(group_of(e.key), key_groups, 2) == me)
                        mine.add(e);
                    else
                        while (!out.push(e)) {
                            out.publish();
                            hear();
                        }
                });
            std::int64_t const mark = more ? newest - disorder : INT64_MAX;
            out.publish(mark);
            mine.advance(std::min(mark, theirs));
        }
        sums[me] = mine.sum();
    };
    {
        std::jthread const first(work, 0U);
        std::jthread const second(work, 1U);
    }
    return sums[0] + sums[1];
}
}  // namespace

int main(int argc, char** argv) {
    std::vector<unsigned> const cpus = detail::allowed_cpus();
    if (cpus.size() < 2) {
        std::fprintf(stderr, "bench_scheduler_exchange: it takes two processors.\n");
        return 0;
    }
    std::vector<unsigned> const two{cpus[0], cpus[1]};
    bench::pair pairs(argc, argv);
    for (std::uint32_t const keys : {100U, 10'000U}) {
        std::vector<event> events;
        events.reserve(count_of_events);
        std::uint64_t x = 88172645463325252ULL;  // xorshift64
        for (std::size_t i = 0; i < count_of_events; ++i) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            events.push_back({static_cast<std::int64_t>(i), static_cast<std::uint32_t>(x % keys),
                              static_cast<std::uint32_t>(x >> 40)});
        }
        std::string const name = "scheduler/exchange, " + std::to_string(keys) + " keys";
        pairs.run((name + ", two cores against two threads by hand").c_str(),
                  {1 / 0.9, 1.0, false, "ns/record"}, double(count_of_events),
                  [&] { return by_hand(events, two); }, [&] { return ours(events, two); });
        pairs.run((name + ", two cores against one").c_str(), {1.0, 0.6, false, "ns/record"},
                  double(count_of_events), [&] { return ours(events, {two[0]}); },
                  [&] { return ours(events, two); });
    }
}
