// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `core_engine`: the way of one core to the kernel. Sockets, files, deadlines and wakes of the core
// all end in its `turn` and its `sleep`.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <millrace/io/buffer_pool.hpp>
#include <millrace/io/core_service.hpp>
#include <millrace/io/detail/operation_list.hpp>
#include <millrace/io/detail/tier_choice.hpp>
#include <millrace/io/detail/wake_gate.hpp>
#include <millrace/io/engine_options.hpp>
#include <millrace/io/epoll_tier.hpp>
#include <millrace/io/operation.hpp>
#include <millrace/io/ring_tier.hpp>
#include <millrace/model/held.hpp>

namespace millrace {

/// What production code has.
struct no_faults {
    static constexpr bool active = false;
};

/// The tier is chosen at the construction, by trying; what is forced and refused throws a `failure`
/// with the cause and its cure (exit code 78). All but `wake` is for the thread that made it. An
/// idle turn is three loads; a busy one enters the kernel once.
template <class Faults = no_faults>
class basic_core_engine final : public core_service {
public:
    explicit basic_core_engine(service_options const& options) : basic_core_engine(options, {}) {}
    basic_core_engine(service_options const& options, engine_options made_of, Faults faults = {})
        : faults_(std::move(faults)) {
        if constexpr (Faults::active) faults_.change(made_of);
        choice_ = detail::choose_tier(options.tier, made_of, counts_, ring_, epoll_);
    }
    ~basic_core_engine() override = default;

    /// The one in use: deferred, cooperative or epoll.
    [[nodiscard]] io_tier tier() const { return choice_.tier; }

    /// The core's pool, 64 × 64 KiB, made when it is first asked for; lives as long as the engine.
    [[nodiscard]] buffer_pool& pool() {
        if (shared_ == nullptr) shared_ = &make_pool({});
        return *shared_;
    }
    /// One more pool, for a class of connections of its own; lives as long as the engine.
    [[nodiscard]] buffer_pool& make_pool(pool_options options) {
        if constexpr (Faults::active) faults_.change(options);
        pools_.push_back(std::make_unique<buffer_pool>(options));
        if (ring_) ring_->attach(*pools_.back());
        return *pools_.back();
    }
    /// Pins `data` for `read` and `write` (`operation::fixed`) as long as the engine lives: its
    /// number, or -1 where there is no ring or the kernel refuses, which `describe` tells.
    [[nodiscard]] std::int32_t register_buffer(char* data, std::size_t bytes) {
        if (!ring_) return -1;
        std::int32_t const done = ring_->register_buffer(data, bytes);
        if (done < 0) unpinned_ = -done;
        return done < 0 ? -1 : done;
    }

    /// Queues it; the kernel sees it at the next `turn` or `sleep`. It must not be pending.
    void submit(operation& asked) {
        asked.pending = true;
        ++pending_;
        show(asked);
    }
    /// For what ended with -ENOBUFS: submits it once a quarter of its pool is free. It is pending
    /// meanwhile, and may be cancelled.
    void park(operation& asked) {
        asked.pending = true;
        ++pending_;
        asked.engine.where = place::parked;
        parked_.push(asked);
    }
    /// Its handler still gets a last completion in a later turn: -ECANCELED, or what it became.
    /// Nothing if it isn't pending.
    void cancel(operation& asked) {
        if (!asked.pending) return;
        bool const out = asked.engine.where == place::parked ? parked_.remove(asked)
                         : ring_                             ? ring_->cancel(asked)
                                                             : detail::held(epoll_).cancel(asked);
        if (out) end(asked, -ECANCELED);
    }
    /// Operations that still owe a last completion.
    [[nodiscard]] std::size_t pending() const { return pending_; }

    bool turn() override {
        bool did = false;
        if (!parked_.empty()) did = unpark();
        if (!ended_.empty()) did = tell_ended();
        auto const deliver = [this](operation& asked, completion const& got) { take(asked, got); };
        did |= ring_ ? ring_->turn(deliver) : detail::held(epoll_).turn(deliver);
        if constexpr (Faults::active)
            did |= faults_.release(
                [this](operation& asked, completion const& got) { tell(asked, got); });
        return did;
    }

    void sleep(std::int64_t until) override {
        if (!parked_.empty()) unpark();
        bool busy = !ended_.empty();
        if constexpr (Faults::active) busy |= faults_.holds();
        if (busy) return;
        if (gate_.may_sleep()) ring_ ? ring_->sleep(until) : detail::held(epoll_).sleep(until);
        counts_.wakes += gate_.awake();
    }

    void wake() noexcept override {
        if (!gate_.must_wake()) return;
        ring_ ? ring_->wake() : detail::held(epoll_).wake();
    }

    /// In lines; one that begins with «warning: » is for the user, from one engine a process.
    [[nodiscard]] std::string describe() const override {
        std::string text = choice_.text;
        if (unpinned_ != 0)
            text += "io: registered buffers: refused: " + detail::refusal_of(unpinned_).cause + ". "
                    + detail::refusal_of(unpinned_).cure + ". Files do without.\n";
        return text;
    }
    [[nodiscard]] engine_counts const& counts() const { return counts_; }
    [[nodiscard]] Faults& faults() { return faults_; }

private:
    using place = detail::operation_state::place;

    void show(operation& asked) {
        asked.engine.bytes = asked.bytes;
        asked.engine.message = asked.message;
        if constexpr (Faults::active)
            if (std::int32_t const refused = faults_.at_submission(asked); refused < 0)
                return end(asked, refused);
        ring_ ? ring_->submit(asked) : detail::held(epoll_).submit(asked);
    }
    void end(operation& asked, std::int32_t result) {
        asked.engine.result = result;
        asked.engine.where = place::ended;
        ended_.push(asked);
    }
    bool tell_ended() {
        for (detail::operation_list all = ended_.taken(); !all.empty();) {
            operation& asked = all.pop();
            take(asked, {.result = asked.engine.result});
        }
        return true;
    }
    /// In the order in which they were parked; the others wait on for their pools.
    bool unpark() {
        bool did = false;
        for (detail::operation_list all = parked_.taken(); !all.empty();) {
            operation& asked = all.pop();
            if (asked.pool->refilled()) {
                show(asked);
                did = true;
            } else {
                parked_.push(asked);
            }
        }
        return did;
    }
    void tell(operation& asked, completion const& got) {
        ++counts_.completions;
        if (!got.more) {
            counts_.starved += got.result == -ENOBUFS;
            --pending_;
            asked.pending = false;
            asked.engine.where = place::nowhere;
        }
        asked.done(asked, got);
    }
    /// Where faults are injected.
    void take(operation& asked, completion got) {
        if constexpr (Faults::active) {
            auto const told = faults_.at_completion(asked, got);
            if (told == Faults::verdict::hold) return;
            if (told == Faults::verdict::stop) cancel(asked);
        }
        tell(asked, got);
    }

    engine_counts counts_;
    std::vector<std::unique_ptr<buffer_pool>> pools_;
    std::optional<detail::ring_tier> ring_;    // goes before the pools that it writes into
    std::optional<detail::epoll_tier> epoll_;  // held where there is no ring
    detail::operation_list parked_;
    detail::operation_list ended_;
    std::size_t pending_ = 0;
    detail::wake_gate gate_;
    detail::tier_choice choice_;
    buffer_pool* shared_ = nullptr;
    int unpinned_ = 0;
    [[no_unique_address]] Faults faults_;
};

using core_engine = basic_core_engine<>;

}  // namespace millrace
