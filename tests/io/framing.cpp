// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <concepts>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <millrace/io/framing.hpp>

namespace {

using namespace millrace;

/// What became of a stream: its frames, and whether it was refused behind them.
struct outcome {
    std::vector<std::string> frames;
    bool refused = false;
    std::string rest;  ///< begun and not ended
    friend bool operator==(outcome const&, outcome const&) = default;
};
std::ostream& operator<<(std::ostream& out, outcome const& o) {
    for (auto const& f : o.frames) out << '[' << f << ']';
    return out << (o.refused ? " refused" : " rest ") << o.rest;
}

/// Reads pieces, each in memory of its own; frames of a batch are looked at when it ends.
template <class Framing>
outcome read_pieces(Framing const& framing, std::vector<std::string> const& pieces,
                    std::size_t batch = 64) {
    outcome out;
    frame_carry carry;
    for (std::string const& piece : pieces) {
        std::vector<char> const memory(piece.begin(), piece.end());
        std::string_view input(memory.data(), memory.size());
        frame_status status = frame_status::full;
        do {
            carry.begin_batch();
            std::vector<std::string_view> views;
            std::size_t n = batch;
            std::size_t const before = input.size();
            status = read_frames(framing, carry, input, n,
                                 [&](std::string_view f) { views.push_back(f); });
            EXPECT_EQ(views.size(), batch - n);
            EXPECT_TRUE(status != frame_status::cut || input.empty());
            EXPECT_TRUE(status != frame_status::full || n == 0 || input.size() < before);
            for (std::string_view const view : views) out.frames.emplace_back(view);
        } while (status == frame_status::full);
        if (status == frame_status::refused) {
            out.refused = true;
            return out;
        }
    }
    out.rest = std::string(carry.view());
    return out;
}

// The textbook definitions, over the whole stream.
outcome reference(lines const& framing, std::string_view stream) {
    outcome out;
    for (;;) {
        std::size_t const end = stream.find('\n');
        if (end == std::string_view::npos) {
            out.refused = stream.size() > framing.max_frame + 1;
            if (!out.refused) out.rest = stream;
            return out;
        }
        std::string_view line = stream.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.size() > framing.max_frame) {
            out.refused = true;
            return out;
        }
        out.frames.emplace_back(line);
        stream.remove_prefix(end + 1);
    }
}
template <unsigned Bytes, byte_order Order>
outcome reference(length_prefix<Bytes, Order> const& framing, std::string_view stream) {
    outcome out;
    while (stream.size() >= Bytes) {
        std::uint64_t size = 0;
        for (unsigned i = 0; i < Bytes; ++i) {
            unsigned const at = Order == byte_order::big ? i : Bytes - 1 - i;
            size = size * 256 + static_cast<unsigned char>(stream[at]);
        }
        if (size > framing.max_frame) {
            out.refused = true;
            return out;
        }
        if (stream.size() - Bytes < size) break;
        out.frames.emplace_back(stream.substr(Bytes, size));
        stream.remove_prefix(Bytes + size);
    }
    out.rest = stream;
    return out;
}
outcome reference(fixed_size const& framing, std::string_view stream) {
    outcome out;
    for (; stream.size() >= framing.bytes; stream.remove_prefix(framing.bytes))
        out.frames.emplace_back(stream.substr(0, framing.bytes));
    out.rest = stream;
    return out;
}

template <class Framing>
std::string stream_of(Framing const& framing, std::vector<std::string> const& frames) {
    detail::byte_buffer out;
    for (std::string const& f : frames) EXPECT_TRUE(framing.put(out, f));
    return std::string(out.view());
}

template <class Framing>
class each_framing : public testing::Test {
public:
    static Framing make() {
        if constexpr (std::same_as<Framing, fixed_size>)
            return {.bytes = 5};
        else
            return {.max_frame = 16};
    }
    static std::vector<std::string> frames() {
        if constexpr (std::same_as<Framing, fixed_size>)
            return {"first", "12345", "last."};
        else
            return {"a", "", "sixteen bytes !!", "four", std::string(16, '\xff'), "end"};
    }
};
using all_framings = testing::Types<lines, length_prefix<1>, length_prefix<2>, length_prefix<4>,
                                    length_prefix<2, byte_order::little>,
                                    length_prefix<4, byte_order::little>, fixed_size>;
TYPED_TEST_SUITE(each_framing, all_framings);

TYPED_TEST(each_framing, reads_back_what_it_writes) {
    auto const framing = this->make();
    std::string const stream = stream_of(framing, this->frames());
    EXPECT_EQ(read_pieces(framing, {stream}), (outcome{this->frames(), false, ""}));
    EXPECT_EQ(reference(framing, stream), (outcome{this->frames(), false, ""}));
}

TYPED_TEST(each_framing, joins_frames_cut_at_any_two_bytes) {
    auto const framing = this->make();
    std::string const stream = stream_of(framing, this->frames());
    for (std::size_t a = 0; a <= stream.size(); ++a)
        for (std::size_t b = a; b <= stream.size(); ++b)
            for (std::size_t const batch : {std::size_t{1}, std::size_t{2}, std::size_t{64}})
                ASSERT_EQ(
                    read_pieces(framing,
                                {stream.substr(0, a), stream.substr(a, b - a), stream.substr(b)},
                                batch),
                    (outcome{this->frames(), false, ""}))
                    << a << ' ' << b << ' ' << batch;
}

TYPED_TEST(each_framing, joins_frames_that_come_byte_by_byte) {
    auto const framing = this->make();
    std::string const stream = stream_of(framing, this->frames());
    std::vector<std::string> pieces;
    for (char const c : stream) pieces.emplace_back(1, c);
    EXPECT_EQ(read_pieces(framing, pieces), (outcome{this->frames(), false, ""}));
}

TYPED_TEST(each_framing, agrees_with_the_textbook_on_mutated_streams) {
    auto const framing = this->make();
    char const* const seeded = std::getenv("MILLRACE_SEED");
    std::uint64_t const seed = seeded != nullptr ? std::strtoull(seeded, nullptr, 10) : 4711;
    std::mt19937_64 random(seed);
    std::string const good = stream_of(framing, this->frames());
    for (int round = 0; round < 10'000; ++round) {
        std::string stream = good;
        for (auto edits = random() % 4; edits > 0 && !stream.empty(); --edits) {
            std::size_t const at = random() % stream.size();
            switch (random() % 5) {
                case 0:
                    stream[at] = static_cast<char>(random());
                    break;
                case 1:
                    stream.erase(at, 1);
                    break;
                case 2:
                    stream.insert(at, 1, "\n\r\xff\0\x11"[random() % 5]);
                    break;
                case 3:
                    stream.insert(at, stream.substr(at, random() % 20));
                    break;
                default:
                    stream.resize(at);
            }
        }
        std::vector<std::string> pieces;
        for (std::size_t at = 0; at < stream.size();) {
            std::size_t const size = 1 + random() % (random() % 2 == 0 ? 4 : 40);
            pieces.push_back(stream.substr(at, size));
            at += size;
        }
        ASSERT_EQ(read_pieces(framing, pieces, 1 + random() % 8), reference(framing, stream))
            << "MILLRACE_SEED=" << seed << " round " << round;
    }
}

template <class Framing>
class each_prefix : public testing::Test {};
using all_prefixes =
    testing::Types<length_prefix<1>, length_prefix<2>, length_prefix<4>,
                   length_prefix<1, byte_order::little>, length_prefix<2, byte_order::little>,
                   length_prefix<4, byte_order::little>>;
TYPED_TEST_SUITE(each_prefix, all_prefixes);

TYPED_TEST(each_prefix, takes_the_longest_frame_and_refuses_one_byte_more) {
    TypeParam const framing{.max_frame = 200};
    TypeParam const looser{.max_frame = 201};
    std::string const longest(200, 'x');
    std::string const good = stream_of(framing, {"", longest, ""});
    EXPECT_EQ(read_pieces(framing, {good}).frames, (std::vector<std::string>{"", longest, ""}));
    detail::byte_buffer out;
    EXPECT_FALSE(framing.put(out, longest + "x"));
    EXPECT_TRUE(out.empty());
    std::string const bad = stream_of(looser, {longest + "x"});
    std::size_t const header = bad.size() - 201;
    EXPECT_TRUE(read_pieces(framing, {bad}).refused);
    // Its length alone is enough, also in pieces.
    EXPECT_TRUE(read_pieces(framing, {bad.substr(0, header)}).refused);
    std::vector<std::string> bytes;
    for (std::size_t i = 0; i < header; ++i) bytes.emplace_back(1, bad[i]);
    EXPECT_TRUE(read_pieces(framing, bytes).refused);
}

TYPED_TEST(each_prefix, refuses_a_length_with_all_bits_set) {
    TypeParam const framing{.max_frame = 254};
    EXPECT_TRUE(read_pieces(framing, {"\xff\xff\xff\xff"}).refused);
    EXPECT_TRUE(read_pieces(framing, {"\xff", "\xff", "\xff", "\xff"}).refused);
}

TEST(framing, says_in_which_order_a_length_is) {
    EXPECT_EQ(stream_of(length_prefix<2>{}, {"ab"}), std::string("\0\2ab", 4));
    EXPECT_EQ(stream_of(length_prefix<2, byte_order::little>{}, {"ab"}), std::string("\2\0ab", 4));
    EXPECT_EQ(stream_of(length_prefix<4>{}, {"ab"}), std::string("\0\0\0\2ab", 6));
    EXPECT_EQ(stream_of(length_prefix<1>{}, {"ab"}), "\2ab");
}

TEST(framing, gives_up_on_a_line_that_never_ends) {
    lines const framing{.max_frame = 100};
    std::vector<std::string> pieces(101, "x");
    EXPECT_FALSE(read_pieces(framing, pieces).refused);  // a carriage return may end it
    pieces.emplace_back("y");
    EXPECT_TRUE(read_pieces(framing, pieces).refused);
    EXPECT_TRUE(read_pieces(framing, {std::string(102, 'x')}).refused);
    EXPECT_TRUE(read_pieces(framing, {std::string(101, 'x') + "\n"}).refused);
    EXPECT_EQ(read_pieces(framing, {std::string(100, 'x') + "\r", "\n"}).frames.size(), 1U);
}

TEST(framing, reads_lines_of_any_length_where_none_is_too_long) {
    lines const any{.max_frame = ~std::size_t{0}};
    EXPECT_EQ(read_pieces(any, {"on", "e\ntw", "o\r\nrest"}),
              (outcome{.frames = {"one", "two"}, .rest = "rest"}));
}
TEST(framing, does_not_write_a_line_that_would_be_read_as_two) {
    detail::byte_buffer out;
    EXPECT_FALSE(lines{}.put(out, "a\nb"));
    EXPECT_FALSE(fixed_size{.bytes = 3}.put(out, "four"));
    EXPECT_TRUE(out.empty());
}

TEST(framing, views_frames_in_the_piece_that_holds_them) {
    std::string const piece = "one\ntwo\nthr";
    frame_carry carry;
    std::string_view input = piece;
    std::size_t n = 10;
    std::vector<char const*> at;
    EXPECT_EQ(
        read_frames(lines{}, carry, input, n, [&](std::string_view f) { at.push_back(f.data()); }),
        frame_status::cut);
    EXPECT_EQ(at, (std::vector<char const*>{piece.data(), piece.data() + 4}));
    EXPECT_EQ(carry.view(), "thr");
}

TEST(framing, keeps_what_it_handed_out_until_the_next_batch) {
    // Each line but the last is cut, so each goes through a carry area; there are two.
    std::vector<std::string> const pieces{"aa", "aa\nbb", "bb\ncc", "cc\ndd", "dd\n"};
    frame_carry carry;
    std::vector<std::string> frames;
    std::vector<std::string_view> views;
    unsigned batches = 1;
    auto const end_batch = [&] {
        for (std::string_view const view : views) frames.emplace_back(view);
        views.clear();
    };
    for (std::string const& piece : pieces) {
        std::string_view input = piece;
        std::size_t n = 100;
        while (
            read_frames(lines{}, carry, input, n, [&](std::string_view f) { views.push_back(f); })
            == frame_status::full) {
            end_batch();
            carry.begin_batch();
            ++batches;
        }
    }
    end_batch();
    EXPECT_EQ(frames, (std::vector<std::string>{"aaaa", "bbbb", "cccc", "dddd"}));
    EXPECT_EQ(batches, 4U);
}

TEST(framing, carries_no_more_than_the_longest_frame) {
    length_prefix<4> const framing{.max_frame = 1000};
    std::string const stream = stream_of(framing, {std::string(1000, 'x')});
    frame_carry carry;
    for (std::size_t i = 0; i + 1 < stream.size(); ++i) {
        std::string_view input = std::string_view(stream).substr(i, 1);
        std::size_t n = 1;
        read_frames(framing, carry, input, n, [](std::string_view) {});
    }
    EXPECT_LE(carry.capacity(), 2U * 1004U);
}

}  // namespace
