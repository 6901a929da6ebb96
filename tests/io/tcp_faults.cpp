// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <algorithm>
#include <cstdlib>

#include <millrace/io/fault.hpp>
#include <millrace/io/tcp.hpp>

#include "tcp_harness.hpp"

namespace {

using namespace millrace;
using namespace tcp_test;
using faulty_engine = basic_core_engine<fault_plan>;

std::uint64_t first_seed() {
    char const* const given = std::getenv("MILLRACE_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

class tcp_faults : public on_every_tier {};
MILLRACE_ON_EVERY_TIER(tcp_faults);

/// Requests of many sizes over several connections, each echoed: what each peer gets back is what
/// it sent, whatever the engine does.
void echo_under(io_tier tier, fault_plan plan, std::string const& label) {
    env<faulty_engine> world(tier, std::move(plan));
    auto source = tcp::serve({.host = "127.0.0.1", .slots = 8}, length_prefix<2>{.max_frame = 900})
                      .open_source(world);
    driver drive(world.engine, source);
    drive.echo = true;
    std::vector<client> peers;
    std::vector<std::string> streams(3);
    std::vector<std::size_t> sent(3);
    for (std::size_t p = 0; p < 3; ++p) {
        peers.emplace_back(source.port());
        detail::byte_buffer out;
        for (std::size_t i = 0; i < 60; ++i)
            length_prefix<2>{}.put(
                out, std::string((i * 37 + p * 11) % 901, static_cast<char>('a' + (i + p) % 26)));
        streams[p] = std::string(out.view());
    }
    std::size_t step = 0;
    bool const all_back = wait_for(
        [&] {
            for (std::size_t p = 0; p < 3; ++p) {
                std::size_t const few = 1 + (++step * 7919) % 97;
                sent[p] += peers[p].send(std::string_view(streams[p]).substr(sent[p], few));
                peers[p].read();
            }
            drive.step();
        },
        [&] {
            for (std::size_t p = 0; p < 3; ++p)
                if (peers[p].got.size() < streams[p].size()) return false;
            return true;
        });
    ASSERT_TRUE(all_back) << label;
    for (std::size_t p = 0; p < 3; ++p)
        EXPECT_TRUE(peers[p].got == streams[p]) << label << ' ' << p;
    EXPECT_GT(world.engine.faults().struck(), 0U) << label;
    EXPECT_EQ(source.counts().frames, 180U) << label;
    EXPECT_EQ(source.counts().replies, 180U) << label;
    EXPECT_EQ(source.counts().replies_dropped, 0U) << label;
}

TEST_P(tcp_faults, lose_nothing_at_random) {
    for (std::uint64_t seed = first_seed(); seed < first_seed() + 40; ++seed) {
        fault_plan plan;
        plan.at_random({.seed = seed, .refuse = 10, .shorten = 30, .stop = 10, .hold = 20})
            .with_pools_of({.buffers = 8, .bytes = 64});
        echo_under(GetParam(), std::move(plan), "MILLRACE_SEED=" + std::to_string(seed));
        if (HasFailure()) return;
    }
}

TEST_P(tcp_faults, lose_nothing_with_small_queues) {
    fault_plan plan;
    plan.at_random({.seed = first_seed(), .shorten = 20}).with_small_queues();
    echo_under(GetParam(), std::move(plan), "small queues");
}

TEST_P(tcp_faults, send_the_rest_of_a_short_send) {
    for (std::int32_t const bytes : {1, 2, 3, 5, 13, 64}) {
        fault_plan plan;
        plan.add({.what = fault::kind::shorten, .verb = op_verb::send, .value = bytes, .every = 1});
        echo_under(GetParam(), std::move(plan), std::to_string(bytes) + " bytes a send");
        if (HasFailure()) return;
    }
}

TEST_P(tcp_faults, receive_again_behind_every_end_of_a_receive) {
    for (std::int32_t const error : {ENOBUFS, ECANCELED, EAGAIN, EINTR}) {
        fault_plan plan;
        plan.add(
            {.what = fault::kind::refuse, .verb = op_verb::receive, .value = error, .every = 2});
        echo_under(GetParam(), std::move(plan), std::to_string(error));
        if (HasFailure()) return;
    }
}

TEST_P(tcp_faults, send_again_what_was_refused_for_now) {
    for (std::int32_t const error : {EAGAIN, EINTR, ENOBUFS, ECANCELED}) {
        fault_plan plan;
        plan.add({.what = fault::kind::refuse, .verb = op_verb::send, .value = error, .every = 2});
        echo_under(GetParam(), std::move(plan), std::to_string(error));
        if (HasFailure()) return;
    }
}

TEST_P(tcp_faults, accept_again_behind_every_end_of_an_accept) {
    for (std::int32_t const error : {ECONNABORTED, EINTR, EAGAIN, EMFILE}) {
        fault_plan plan;
        plan.add({.what = fault::kind::refuse, .verb = op_verb::accept, .value = error, .from = 0});
        echo_under(GetParam(), std::move(plan), std::to_string(error));
        if (HasFailure()) return;
    }
}

TEST_P(tcp_faults, receive_into_buffers_of_any_size) {
    for (std::uint32_t const bytes : {1U, 2U, 3U, 5U, 7U, 64U, 901U, 902U, 903U}) {
        fault_plan plan;
        plan.at_random({.seed = bytes, .hold = 1}).with_pools_of({.buffers = 16, .bytes = bytes});
        echo_under(GetParam(), std::move(plan), std::to_string(bytes) + " bytes a buffer");
        if (HasFailure()) return;
    }
}

/// Each request is answered, or counted as unanswered with its connection; each reply to a dead
/// connection is counted, too.
TEST_P(tcp_faults, account_for_each_request_of_a_peer_that_resets_at_any_byte) {
    using reason = tcp::close_reason;
    std::string const stream = "one\ntwo\nthree\n";
    env<> world(GetParam());
    auto source = tcp::serve({.host = "127.0.0.1"}).open_source(world);
    driver drive(world.engine, source);
    tcp::counts const& counts = source.counts();
    std::uint64_t resets = 0;
    std::uint64_t unanswered = 0;
    std::uint64_t cut_frames = 0;
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        auto const requests = static_cast<std::size_t>(
            std::count(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(cut), '\n'));
        for (std::size_t answered = 0; answered <= requests; ++answered) {
            client peer(source.port());
            std::size_t const before = drive.frames.size();
            std::uint64_t const bytes_before = counts.bytes_in;
            peer.send(stream.substr(0, cut));
            ASSERT_TRUE(drive.until([&] {
                return drive.frames.size() == before + requests
                       && counts.bytes_in == bytes_before + cut;
            }));
            for (std::size_t i = 0; i < answered; ++i)
                source.reply(drive.tokens[before + i], "done");
            source.flush();
            ASSERT_TRUE(wait_for([&] { drive.step(); },
                                 [&] { return peer.read() && peer.got.size() == 5 * answered; }));
            peer.reset();
            ASSERT_TRUE(drive.until([&] { return counts.closed_by(reason::reset) == resets + 1; }));
            ++resets;
            unanswered += requests - answered;
            cut_frames += cut != 0 && stream[cut - 1] != '\n' ? 1 : 0;
            for (std::size_t i = answered; i < requests; ++i)
                source.reply(drive.tokens[before + i], "too late");
            source.flush();
            drive.settle(4);
            EXPECT_EQ(counts.requests_unanswered, unanswered);
            EXPECT_EQ(counts.replies_dropped, unanswered);
            EXPECT_EQ(counts.frames, counts.replies + unanswered) << cut;
            EXPECT_EQ(counts.cut_frames, cut_frames) << cut;
        }
    }
    EXPECT_EQ(source.connections(), 0U);
    EXPECT_EQ(source.pool().free(), source.pool().capacity());
    EXPECT_EQ(source.buffered(), 0U);
}

}  // namespace
