// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstdint>
#include <string>
#include <vector>

#include <millrace/io/decode.hpp>
#include <millrace/io/reply.hpp>
#include <millrace/model/context.hpp>
#include <millrace/model/text.hpp>

namespace {

using namespace millrace;

struct plain {
    std::uint32_t id;
    float score;
};
MILLRACE_RECORD(plain, id, score);
struct mixed {
    std::uint8_t kind;
    text<6> name;
    bool good;
    std::uint64_t at;
};
MILLRACE_RECORD(mixed, kind, name, good, at);
struct empty_context {};

template <class T>
struct collected {
    std::vector<T> records;
    std::vector<std::string> reasons;
    void operator()(T&& record, empty_context const&) { records.push_back(record); }
    void fail_with(frame const&, empty_context const&, std::string_view reason) {
        reasons.emplace_back(reason);
    }
};
struct written {
    std::string data;
    void operator()(bytes const& b, empty_context const&) { data.append(b.data); }
};

template <class T>
std::string encoded(T const& record) {
    written out;
    detail::binary_writer<T>{}.process(record, empty_context{}, out);
    return out.data;
}

TEST(decode, reads_what_encode_writes) {
    collected<plain> out;
    detail::frame_decoder<plain> op;
    op.process(frame{encoded(plain{7, 0.5F})}, empty_context{}, out);
    ASSERT_EQ(out.records.size(), 1U);
    EXPECT_EQ(out.records[0].id, 7U);
    EXPECT_EQ(out.records[0].score, 0.5F);
}

TEST(decode, reads_records_that_lie_otherwise_in_memory) {
    collected<mixed> out;
    detail::frame_decoder<mixed> op;
    std::string const data = encoded(mixed{3, "name", true, 1'000'000'007});
    EXPECT_EQ(data.size(), 1U + 7U + 1U + 8U);
    op.process(frame{data}, empty_context{}, out);
    ASSERT_EQ(out.records.size(), 1U);
    EXPECT_EQ(out.records[0].kind, 3);
    EXPECT_EQ(out.records[0].name, "name");
    EXPECT_TRUE(out.records[0].good);
    EXPECT_EQ(out.records[0].at, 1'000'000'007U);
}

TEST(decode, refuses_a_frame_of_another_size) {
    collected<plain> out;
    detail::frame_decoder<plain> op;
    std::string const good = encoded(plain{1, 2});
    for (std::size_t size = 0; size <= 2 * good.size(); ++size)
        if (size != good.size()) op.process(frame{std::string(size, 'x')}, empty_context{}, out);
    EXPECT_TRUE(out.records.empty());
    ASSERT_EQ(out.reasons.size(), 2 * good.size());
    EXPECT_EQ(out.reasons[0], "the frame has 0 bytes and the record 8");
    EXPECT_EQ(out.reasons.back(), "the frame has 16 bytes and the record 8");
}

TEST(decode, refuses_a_field_that_can_not_be) {
    collected<mixed> out;
    detail::frame_decoder<mixed> op;
    std::string data = encoded(mixed{3, "name", true, 1});
    data[8] = 2;
    op.process(frame{data}, empty_context{}, out);
    EXPECT_EQ(out.reasons, (std::vector<std::string>{"field 'good' is neither 0 nor 1"}));
    data[1] = 7;
    op.process(frame{data}, empty_context{}, out);
    EXPECT_THAT(out.reasons.back(), testing::HasSubstr("field 'name' has a length"));
}

TEST(decode, takes_frames_and_gives_records) {
    using in = stream<frame>;
    static_assert(std::same_as<stream_after<decode_stage<plain>, in>::record, plain>);
    static_assert(is_rejected<stream_after<decode_stage<plain>, stream<int>>>);
    static_assert(std::same_as<stream_after<encode_stage, stream<plain>>::record, bytes>);
    static_assert(is_rejected<stream_after<encode_stage, stream<int>>>);
    static_assert(stream_after<reply_stage, stream<bytes>>::traits.ended);
    static_assert(is_rejected<stream_after<reply_stage, stream<plain>>>);
}

/// What `reply` reaches by its emit.
struct fake_endpoint {
    std::vector<std::string> replies;
    unsigned flushes = 0;
    bool all_sent = false;
    void reply(reply_token const& to, std::string_view data) {
        replies.push_back(std::to_string(to.sequence) + ":" + std::string(data));
    }
    void refuse(reply_token const& to) {
        replies.push_back(std::to_string(to.sequence) + " refused");
    }
    void flush() { ++flushes; }
    [[nodiscard]] bool drained() const { return all_sent; }
};
struct fake_emit {
    fake_endpoint* at;
    detail::reply_operator::hot* counted;
    [[nodiscard]] fake_endpoint& endpoint() const { return *at; }
    [[nodiscard]] detail::reply_operator::hot& hot() const { return *counted; }
    void tally(std::uint64_t& count) const { ++count; }
};

TEST(reply, hands_answers_to_the_endpoint_and_flushes_with_the_batch) {
    fake_endpoint endpoint;
    detail::reply_operator op;
    detail::reply_operator::hot counted;
    fake_emit emit{&endpoint, &counted};
    op.batch_end();
    EXPECT_TRUE(op.drained());
    context<untimed, answered<untraced>> ctx{};
    ctx.reply.sequence = 5;
    op.process(bytes{"yes"}, ctx, emit);
    op.process(bytes{"no"}, ctx, emit);
    ctx.reply.refused = true;
    op.process(bytes{}, ctx, emit);
    EXPECT_EQ(endpoint.flushes, 0U);
    op.batch_end();
    EXPECT_EQ(endpoint.flushes, 1U);
    EXPECT_EQ(endpoint.replies, (std::vector<std::string>{"5:yes", "5:no", "5 refused"}));
    EXPECT_FALSE(op.drained());
    stage_counts counts;
    op.count(counted, counts);
    EXPECT_EQ(counts.out, 3U);
}

}  // namespace
