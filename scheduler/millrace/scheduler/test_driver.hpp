// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `driver{pipeline}`: feeds and reads a pipeline in a unit test, on one thread, through the very
// same fused loop.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <millrace/dsl/complete.hpp>
#include <millrace/dsl/loop.hpp>
#include <millrace/scheduler/loop_report.hpp>
#include <millrace/scheduler/probe.hpp>
#include <millrace/scheduler/report.hpp>

namespace millrace {

struct driver_settings {
    std::size_t batch =
        1;  ///< records between two looks at the watermark; the results don't depend on it
};

/// Cuts behind the parsers and before the writers: `in<0>().push(record)`, `out<"late">()`.
/// Deterministic: what is pushed has gone through when `push` returns, but for what waits for its
/// watermark.
template <class P>
class driver {
    using nodes = detail::nodes_of<P, true>;
    using loop_type = detail::fused_loop<P, detail::probe_environment, nodes>;
    using graph = typename loop_type::graph;
    using checked = decltype(detail::fault_of<P>::template accept<P, true>());

    template <std::size_t K>
    static consteval std::size_t entry() {
        constexpr std::size_t source = graph::source_ids[K];
        return graph::template parses<source>() ? static_cast<std::size_t>(graph::next[source])
                                                : source;
    }
    template <std::size_t K>
    using input_record = typename graph::template node_at<entry<K>()>::stream_out::record;

    /// The node of the sink called `name`, or of the n-th sink in the order of the plan.
    template <fixed_string Name>
    static consteval std::size_t sink_called() {
        std::size_t found = graph::size;
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            ((graph::kinds[I] == stage_kind::sink
                      && loop_type::template stage_at<I>::name.view() == Name.view()
                  ? void(found = I)
                  : void()),
             ...);
        }(std::make_index_sequence<graph::size>{});
        return found;
    }
    static consteval std::size_t nth_sink(std::size_t n) {
        for (std::size_t i = 0; i < graph::size; ++i)
            if (graph::kinds[i] == stage_kind::sink && n-- == 0) return i;
        return graph::size;
    }

public:
    static constexpr std::size_t inputs = graph::sources;

    explicit driver(P pipeline, driver_settings settings = {})
        : batch_(settings.batch > 0 ? settings.batch : 1),
          loop_(std::make_unique<loop_type>(std::move(pipeline), environment_)) {
        loop_->begin();
    }

    /// An input, by the order in which the sources are written.
    template <std::size_t K>
    class input {
    public:
        explicit input(driver& d) : driver_(d) {}
        /// One record, as the parser (or the source, where there is none) would have emitted it.
        void push(input_record<K> record) {
            driver_.loop_->template push<K>(std::move(record));
            driver_.turn();
        }
        template <class Range>
        void push_all(Range const& records) {
            for (auto const& r : records) push(r);
        }
        void end() { driver_.template end_input<K>(); }

    private:
        driver& driver_;
    };
    template <std::size_t K = 0>
    [[nodiscard]] input<K> in() {
        static_assert(
            K < inputs,
            "millrace: driver: the pipeline has no such input. Count its sources from 0.");
        return input<K>{*this};
    }

    /// The bytes in front of a parser.
    template <std::size_t K>
    class byte_input {
    public:
        explicit byte_input(driver& d) : driver_(d) {}
        void push(std::string_view bytes) {
            source().kept.emplace_back(bytes);
            read();
        }
        /// The end of the input; a last line without its end is read too.
        void end() {
            source().ended = true;
            read();
            driver_.template end_input<K>();
        }

    private:
        auto& source() { return driver_.loop_->template op<graph::source_ids[K]>(); }
        void read() {
            while (driver_.loop_->template poll<K>(driver_.batch_) == source_state::more)
                driver_.loop_->settle(driver_.batch_);
            driver_.loop_->settle(driver_.batch_);
        }
        driver& driver_;
    };
    template <std::size_t K = 0>
    [[nodiscard]] byte_input<K> bytes_in() {
        static_assert(graph::template parses<graph::source_ids[K]>(),
                      "millrace: driver: no parser reads this input. Push records by in<…>().");
        return byte_input<K>{*this};
    }

    /// Sets the wall clock, which stands at the end of time until then: `max_ahead` is measured
    /// from it.
    void set_clock(time_point now) { environment_.clock = now; }
    /// Moves event time on: no record older than `t` is to come.
    void advance_watermark(time_point t) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (force<I>(t), ...);
        }(std::make_index_sequence<graph::size>{});
        settle();
    }
    /// Ends all inputs: everything fires, sinks close.
    void end() {
        [&]<std::size_t... K>(std::index_sequence<K...>) {
            (loop_->template end_source<K>(), ...);
        }(std::make_index_sequence<inputs>{});
        settle();
        loop_->close(true);
    }
    /// What is done at the end of a batch, now.
    void settle() {
        since_ = 0;
        loop_->settle(batch_);
    }

    /// What a sink has got so far, by its name: `to<"late">(…)`. Yours to clear.
    template <fixed_string Name>
    [[nodiscard]] auto& out() {
        constexpr std::size_t node = sink_called<Name>();
        static_assert(node < graph::size,
                      "millrace: driver: no sink has this name. Write to<\"name\">(…).");
        return loop_->template op<node>().records;
    }
    /// The n-th sink in the order of the plan.
    template <std::size_t N>
    [[nodiscard]] auto& out_at() {
        constexpr std::size_t node = nth_sink(N);
        static_assert(node < graph::size,
                      "millrace: driver: the pipeline has no such sink. Count its sinks from 0.");
        return loop_->template op<node>().records;
    }
    /// The last sink: the one at the end of the pipeline.
    [[nodiscard]] auto& out() {
        constexpr std::size_t node = [] {
            std::size_t last = graph::size;
            for (std::size_t i = 0; i < graph::size; ++i)
                if (graph::kinds[i] == stage_kind::sink) last = i;
            return last;
        }();
        return loop_->template op<node>().records;
    }

    /// The accounts so far; `adds_up(report())` holds at any time.
    [[nodiscard]] millrace::report report() {
        millrace::report out;
        detail::account<P>(*loop_, out);
        return out;
    }

private:
    void turn() {
        if (++since_ >= batch_) settle();
    }
    template <std::size_t K>
    void end_input() {
        loop_->template end_source<K>();
        settle();
    }
    template <std::size_t I>
    void force(time_point t) {
        if constexpr (graph::kinds[I] == stage_kind::time)
            for (auto& strategy : loop_->template hot<I>().input)
                if (strategy.forced < t) strategy.forced = t;
    }

    std::size_t batch_;
    std::size_t since_ = 0;
    detail::probe_environment environment_;
    std::unique_ptr<loop_type> loop_;
};

}  // namespace millrace
