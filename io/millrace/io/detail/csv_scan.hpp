// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Finds the separators and line ends of CSV, 64 bytes at a time, and knows which of them stand
// inside quotes.
//
// A quote opens a field only as its first byte, and closes it; right behind a closing quote another
// one reopens it (a doubled quote). Everywhere else a quote is a byte like any other. The idea of
// an index built from bit masks is that of Langdale and Lemire, «Parsing gigabytes of JSON per
// second» (2019).

#include <bit>
#include <cstddef>
#include <cstdint>
#include <immintrin.h>

namespace millrace::detail {

/// One block: a bit per byte.
struct csv_marks {
    std::uint64_t separators;
    std::uint64_t newlines;
    std::uint64_t quotes;
};

/// Between two blocks: are we inside quotes, and would a quote as the next byte open a field?
struct csv_quoting {
    bool inside = false;
    bool may_open = true;
};

/// Where the index is written: ends of fields as offsets from `base`, and which of them end a row.
struct csv_index {
    std::uint32_t* ends;      ///< room for every byte, and 64 more
    std::uint32_t* row_ends;  ///< ordinals in `ends`
    std::size_t end_count;
    std::size_t row_count;
    bool embedded;  ///< a line end stood inside quotes
    csv_quoting quoting;
};

/// The bytes inside quotes, from the opening quote up to the closing one, where quotes also stand
/// in the middle of fields: quote by quote.
inline std::uint64_t csv_inside_slow(csv_marks const& m, csv_quoting const& before,
                                     std::uint64_t& closings) {
    std::uint64_t const structural = m.separators | m.newlines;
    std::uint64_t inside = 0;
    bool in = before.inside;
    unsigned begin = 0;
    for (std::uint64_t quotes = m.quotes; quotes != 0; quotes &= quotes - 1) {
        auto const at = static_cast<unsigned>(std::countr_zero(quotes));
        if (in) {
            inside |= ((std::uint64_t{1} << at) - 1) & ~((std::uint64_t{1} << begin) - 1);
            closings |= std::uint64_t{1} << at;
            in = false;
        } else if (at == 0 ? before.may_open : (((structural | closings) >> (at - 1)) & 1) != 0) {
            in = true;
            begin = at;
        }
    }
    if (in) inside |= ~((std::uint64_t{1} << begin) - 1);
    return inside;
}

/// Takes what stands inside quotes out of the marks.
inline void csv_unquote_marks(csv_marks& m, csv_index& out) {
    std::uint64_t inside =
        m.quotes;  // prefix xor: from each opening quote to before its closing one
    for (int shift = 1; shift < 64; shift *= 2) inside ^= inside << shift;
    if (out.quoting.inside) inside = ~inside;
    std::uint64_t closings = m.quotes & ~inside;
    std::uint64_t const outside = (m.separators | m.newlines) & ~inside;
    std::uint64_t const may_open = ((outside | closings) << 1) | (out.quoting.may_open ? 1 : 0);
    if ((m.quotes & inside & ~may_open) != 0) [[unlikely]] {
        closings = 0;
        inside = csv_inside_slow(m, out.quoting, closings);
    }
    out.embedded |= (m.newlines & inside) != 0;
    m.separators &= ~inside;
    m.newlines &= ~inside;
    out.quoting.inside = (inside >> 63) != 0;
    out.quoting.may_open = ((m.separators | m.newlines | closings) >> 63) != 0;
}

/// The ordinal of the lowest of `bits` among the ends.
[[gnu::always_inline]] inline std::uint32_t csv_ordinal(csv_index const& out, std::uint64_t all,
                                                        std::uint64_t bits) {
    return static_cast<std::uint32_t>(out.end_count)
           + static_cast<std::uint32_t>(std::popcount(all & ((bits & (0 - bits)) - 1)));
}

/// Writes the positions of the lowest eight bits, and rubbish where there are fewer; returns the
/// bits above.
[[gnu::always_inline]] inline std::uint64_t csv_write_8(std::uint32_t* ends, std::uint32_t offset,
                                                        std::uint64_t bits) {
    for (int i = 0; i < 8; ++i) {
        ends[i] = offset + static_cast<std::uint32_t>(std::countr_zero(bits));
        bits &= bits - 1;
    }
    return bits;
}

/// Writes the marks of the block at `offset` into the index.
[[gnu::always_inline]] inline void csv_index_block(csv_marks m, std::uint32_t offset,
                                                   csv_index& out) {
    if (m.quotes != 0 || out.quoting.inside) [[unlikely]]
        csv_unquote_marks(m, out);
    else
        out.quoting.may_open = ((m.separators | m.newlines) >> 63) != 0;

    // The first line end of a block without a branch: whether there is one is hard to predict, a
    // second one is rare.
    std::uint64_t const all = m.separators | m.newlines;
    std::uint64_t newlines = m.newlines;
    out.row_ends[out.row_count] = csv_ordinal(out, all, newlines);
    out.row_count += newlines != 0;
    for (newlines &= newlines - 1; newlines != 0; newlines &= newlines - 1)
        out.row_ends[out.row_count++] = csv_ordinal(out, all, newlines);

    std::uint32_t* const ends = out.ends + out.end_count;
    auto const count = static_cast<std::size_t>(std::popcount(all));
    out.end_count += count;
    std::uint64_t rest = csv_write_8(ends, offset, all);
    if (count > 8) rest = csv_write_8(ends + 8, offset, rest);
    if (count > 16) [[unlikely]]
        for (std::size_t i = 16; i < count; i += 8) rest = csv_write_8(ends + i, offset, rest);
}

/// Whole blocks with the instructions every x86-64 has.
inline void csv_index_sse2(char const* p, std::size_t blocks, char separator, std::uint32_t offset,
                           csv_index& result) {
    csv_index out = result;
    __m128i const s = _mm_set1_epi8(separator), n = _mm_set1_epi8('\n'), q = _mm_set1_epi8('"');
    for (; blocks-- > 0; p += 64, offset += 64) {
        csv_marks m{0, 0, 0};
        for (int i = 0; i < 4; ++i) {
            __m128i const v = _mm_loadu_si128(reinterpret_cast<__m128i const*>(p + 16 * i));
            auto const mask = [&](__m128i what) {
                return std::uint64_t{
                           static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, what)))}
                       << (16 * i);
            };
            m.separators |= mask(s);
            m.newlines |= mask(n);
            m.quotes |= mask(q);
        }
        csv_index_block(m, offset, out);
    }
    result = out;
}

/// The same with AVX2, chosen when the processor has it. No lambdas: they don't inherit the target.
[[gnu::target("avx2,bmi,popcnt")]] inline void csv_index_avx2(char const* p, std::size_t blocks,
                                                              char separator, std::uint32_t offset,
                                                              csv_index& result) {
    csv_index out = result;
    __m256i const s = _mm256_set1_epi8(separator), n = _mm256_set1_epi8('\n'),
                  q = _mm256_set1_epi8('"');
    for (; blocks-- > 0; p += 64, offset += 64) {
        csv_marks m{0, 0, 0};
        for (int i = 0; i < 2; ++i) {
            __m256i const v = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(p + 32 * i));
            auto const sv =
                static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, s)));
            auto const nv =
                static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, n)));
            auto const qv =
                static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, q)));
            m.separators |= std::uint64_t{sv} << (32 * i);
            m.newlines |= std::uint64_t{nv} << (32 * i);
            m.quotes |= std::uint64_t{qv} << (32 * i);
        }
        csv_index_block(m, offset, out);
    }
    result = out;
}

/// Whole blocks of 64 bytes from `p`, which stands `offset` bytes behind the index' base.
inline void csv_index_blocks(char const* p, std::size_t blocks, char separator,
                             std::uint32_t offset, csv_index& out) {
    static bool const has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
    if (has_avx2)
        csv_index_avx2(p, blocks, separator, offset, out);
    else
        csv_index_sse2(p, blocks, separator, offset, out);
}

/// The same rules byte by byte: for the end of a row that is cut between two buffers.
struct csv_cursor {
    enum class place : std::uint8_t { field_start, unquoted, quoted, closed };
    place at = place::field_start;
    std::uint64_t newlines = 0;

    /// Goes on in [p, end); returns the line end of the row, or `end`.
    char const* find_row_end(char const* p, char const* end, char separator) {
        for (; p != end; ++p) {
            char const c = *p;
            newlines += c == '\n';
            if (at == place::quoted) {
                if (c == '"') at = place::closed;
            } else if (c == '\n') {
                at = place::field_start;
                return p;
            } else if (c == separator) {
                at = place::field_start;
            } else if (c == '"' && at != place::unquoted) {
                at = place::quoted;
            } else {
                at = place::unquoted;
            }
        }
        return end;
    }
};

}  // namespace millrace::detail
