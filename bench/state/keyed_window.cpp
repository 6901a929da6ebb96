// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

// Keyed 1 s tumbling count + sum + max over 32-byte rows in memory: ours against one
// boost::unordered_flat_map per pane. bench/state/README.md has the method.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <support/pair.hpp>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace {
using namespace millrace;

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t disorder = 10'000'000;

struct event {
    std::int64_t time;
    std::uint64_t key;
    std::int64_t value;
    std::int64_t unused;
};
static_assert(sizeof(event) == 32);

struct totals {
    std::uint64_t count = 0;
    std::int64_t sum = 0;
    std::int64_t most = 0;
    void add(std::int64_t value) {
        ++count;
        sum += value;
        most = value > most ? value : most;
    }
};

/// What both sides must agree on.
struct outcome {
    std::uint64_t rows = 0;
    std::uint64_t late = 0;
    std::uint64_t checksum = 0;
    void emit(std::int64_t start, std::uint64_t key, totals const& t) {
        ++rows;
        checksum += (key ^ static_cast<std::uint64_t>(start))
                        * (t.count + 3 * static_cast<std::uint64_t>(t.sum))
                    + static_cast<std::uint64_t>(t.most);
    }
};

/// One map per pane, reused from pane to pane: the loop as a careful engineer writes it.
class reference {
public:
    void run(event const* rows, std::size_t count, std::int64_t base, outcome& out) {
        for (std::size_t i = 0; i < count; ++i) {
            event const& row = rows[i];
            std::int64_t const t = row.time + base;
            if (last_ == nullptr || t < last_->start || t >= last_->start + second) {
                std::int64_t const start = t - t % second;
                if (start + second <= watermark_) {
                    ++out.late;
                    continue;
                }
                last_ = &open(start);
            }
            last_->map[row.key].add(row.value);
            if (t - disorder > watermark_) {
                watermark_ = t - disorder;
                if (watermark_ >= next_end_) fire(out);
            }
        }
    }
    void finish(outcome& out) {
        watermark_ += 2 * second;
        fire(out);
    }

private:
    struct pane {
        std::int64_t start;
        boost::unordered_flat_map<std::uint64_t, totals> map;
    };
    pane& open(std::int64_t start) {
        for (auto& p : panes_)
            if (p->start == start) return *p;
        if (free_.empty()) free_.push_back(std::make_unique<pane>());
        panes_.push_back(std::move(free_.back()));
        free_.pop_back();
        panes_.back()->start = start;
        next_end_ = std::min(next_end_, start + second);
        return *panes_.back();
    }
    void fire(outcome& out) {
        std::sort(panes_.begin(), panes_.end(),
                  [](auto& a, auto& b) { return a->start < b->start; });
        while (!panes_.empty() && panes_.front()->start + second <= watermark_) {
            for (auto const& [key, t] : panes_.front()->map)
                out.emit(panes_.front()->start, key, t);
            panes_.front()->map.clear();
            free_.push_back(std::move(panes_.front()));
            panes_.erase(panes_.begin());
        }
        next_end_ = panes_.empty() ? INT64_MAX : panes_.front()->start + second;
        last_ = nullptr;
    }

    pane* last_ = nullptr;
    std::int64_t watermark_ = INT64_MIN;
    std::int64_t next_end_ = INT64_MAX;
    std::vector<std::unique_ptr<pane>> panes_;
    std::vector<std::unique_ptr<pane>> free_;
};

/// The rows of a round, where they lie.
struct view {
    event const* first = nullptr;
    event const* last = nullptr;
    [[nodiscard]] event const* begin() const { return first; }
    [[nodiscard]] event const* end() const { return last; }
};

/// The pipeline as a user writes it.
auto pipeline_of(view const& rows, std::int64_t const& base, outcome*& out) {
    return from(rows)
           | event_time([&base](event const& e) { return time_point{e.time + base}; },
                        bounded_disorder{duration{disorder}})
           | key_by(field<&event::key>) | window(tumbling{seconds(1)})
           | aggregate(count<"count">(), sum<"sum">(field<&event::value>),
                       max<"most">(field<&event::value>))
           | to([&out](auto const& r) {
                 out->emit(
                     get<"window_start">(r).ns, get<"key">(r),
                     {static_cast<std::uint64_t>(get<"count">(r)), get<"sum">(r), get<"most">(r)});
             });
}

/// Of a loop that needs nothing from the core it runs on.
struct core_environment {};

class ours {
    using pipeline_type =
        decltype(pipeline_of(std::declval<view const&>(), std::declval<std::int64_t const&>(),
                             std::declval<outcome*&>()));
    using loop_type =
        detail::fused_loop<pipeline_type, core_environment, detail::nodes_of<pipeline_type>>;
    static constexpr std::size_t source = 0, time = 1, window = 3;

public:
    void run(event const* rows, std::size_t count, std::int64_t base, outcome& out) {
        out_ = &out;
        base_ = base;
        rows_ = {rows, rows + count};
        loop_.op<source>().begun = false;  // so that the pipeline lives from round to round
        while (loop_.poll<0>(1024) == source_state::more) loop_.settle(1024);
        loop_.settle(1024);
    }
    void finish(outcome& out) {
        auto& strategy = loop_.hot<time>().input[0];
        strategy.observe(strategy.watermark() + seconds(2) + duration{disorder});
        loop_.settle(1024);
        out.late += loop_.hot<window>().late - late_;
        late_ = loop_.hot<window>().late;
    }

private:
    view rows_;
    std::int64_t base_ = 0;
    outcome* out_ = nullptr;
    std::uint64_t late_ = 0;
    core_environment environment_;
    loop_type loop_{pipeline_of(rows_, base_, out_), environment_};
};

std::uint64_t mix(std::uint64_t x) {  // splitmix64
    x += 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
}

struct workload {
    std::uint64_t keys;
    bool zipf;
    std::size_t rows;
    std::int64_t panes;
};

std::vector<event> make(workload const& w) {
    std::vector<event> out(w.rows);
    std::uint64_t state = 1;
    double const log_keys = std::log(static_cast<double>(w.keys) + 1);
    double const step = static_cast<double>(w.panes * second) / static_cast<double>(w.rows);
    for (std::size_t i = 0; i < w.rows; ++i) {
        std::uint64_t const r = mix(++state);
        double const u = static_cast<double>(r >> 11) * 0x1p-53;
        std::uint64_t rank = w.zipf ? static_cast<std::uint64_t>(std::exp(u * log_keys)) - 1
                                    : static_cast<std::uint64_t>(u * static_cast<double>(w.keys));
        if (rank >= w.keys) rank = w.keys - 1;
        std::uint64_t const q = mix(++state);
        std::int64_t t = 10 * second + static_cast<std::int64_t>(static_cast<double>(i) * step);
        t -= static_cast<std::int64_t>(q % disorder);
        if (q >> 50 == 0) t -= 3 * second;
        out[i] = {t, mix(rank ^ 0x5bd1e995), static_cast<std::int64_t>(q >> 44), 0};
    }
    return out;
}

/// One round of a side: the rows once more, later by the panes that were, and at its end all panes
/// drained. The sides keep their memory from round to round; the first round, with tables that
/// grow, is the warm-up.
template <class Side>
class rounds {
public:
    explicit rounds(workload const& w) : w_(w) {}
    std::uint64_t operator()(std::vector<event> const& rows) {
        outcome out;
        side_.run(rows.data(), rows.size(), base_, out);
        side_.finish(out);
        base_ += (w_.panes + 20) * second;
        return out.checksum + 1'000'003 * out.rows + out.late;
    }

private:
    workload w_;
    Side side_;
    std::int64_t base_ = 0;
};

void compare(bench::pair& pairs, workload const& w) {
    std::string const name = std::string("keyed_tumbling/") + (w.zipf ? "zipf" : "uniform") + '/'
                             + std::to_string(w.keys);
    bench::goal const wanted = w.keys >= 1'000'000 ? bench::goal{.must = 0.65, .aim = 0.3}
                                                   : bench::goal{.must = 1.1, .aim = 0.85};
    std::vector<event> rows;
    auto const data = [&]() -> std::vector<event> const& {
        if (rows.empty()) rows = make(w);  // in the warm-up, and only where the filter lets it run
        return rows;
    };
    rounds<reference> theirs(w);
    rounds<ours> mine(w);
    pairs.run(
        name.c_str(), wanted, static_cast<double>(w.rows), [&] { return theirs(data()); },
        [&] { return mine(data()); });
}
}  // namespace

int main(int argc, char** argv) {
    bool quick = false;
    for (int i = 1; i < argc; ++i) quick = quick || std::string_view{argv[i]} == "--quick";
    bench::pair pairs(argc, argv);
    for (bool const zipf : {false, true}) {
        compare(pairs, {100, zipf, 2'000'000, 20});
        compare(pairs, {10'000, zipf, 2'000'000, 20});
        compare(pairs, {1'000'000, zipf, 8'000'000, 2});
        if (!quick) compare(pairs, {10'000'000, zipf, 40'000'000, 1});
    }
}
