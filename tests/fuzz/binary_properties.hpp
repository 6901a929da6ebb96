// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The properties of `binary`, and that `decode` of each record as a frame agrees with it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/io/binary.hpp>
#include <millrace/io/decode.hpp>

#include "fuzz/format_properties.hpp"

namespace fuzz {

/// One of each kind of field with a fixed layout.
struct packed {
    std::uint8_t small = 0;
    bool flag = false;
    double ratio = 0;
    char letter = 'x';
    shade tone = shade::dark;
    millrace::text<5> code;
    millrace::text<300> note;
    millrace::time_point at;
    std::optional<std::int64_t> count;
    std::optional<millrace::text<3>> unit;
    place where;
    std::optional<place> whither;
};
MILLRACE_RECORD(packed, small, flag, ratio, letter, tone, code, note, at, count, unit, where,
                whither);

/// Lies in memory as in a file, so that it is read by one copy.
struct plain {
    std::int64_t at = 0;
    std::int32_t price = 0;
    std::uint32_t size = 0;
};
MILLRACE_RECORD(plain, at, price, size);

/// Takes what `decode` makes of one frame.
template <class T>
struct decoded {
    std::string record;
    std::string reason;

    template <class Ctx>
    void operator()(T&& r, Ctx const&) {
        record = show(r);
    }
    template <class Ctx>
    void fail_with(millrace::frame const&, Ctx const&, std::string_view why) {
        reason = why;
    }
};

template <class T>
verdict check_binary_of(input const& in) {
    reading whole;
    verdict out = check_format<T>(millrace::binary<T>(), millrace::binary<T>(), millrace::binary(),
                                  in, in.text, whole);
    if (!out.wrong.empty()) return out;
    constexpr std::size_t size = millrace::detail::binary_size<T>();
    auto const& rows = whole.rows.rows;
    if (!whole.failed.empty() || rows.size() != (in.text.size() + size - 1) / size) {
        out.wrong = "the rows are not the whole records and the rest";
        return out;
    }
    int env = 0;
    auto decoder = millrace::decode<T>().template open<millrace::stream<millrace::frame>>(env);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::string_view const bytes = in.text.substr(i * size, size);
        decoded<T> got;
        decoder.process(millrace::frame{.data = bytes}, env, got);
        bool const cut = bytes.size() != size;
        if (rows[i].original != bytes || rows[i].position != i + 1)
            out.wrong = "a row is not its bytes";
        else if (got.record != rows[i].record || (!cut && got.reason != rows[i].reason))
            out.wrong = "a frame decodes otherwise than its bytes in a file";
        else if (cut && (got.reason.empty() || rows[i].reason.empty()))
            out.wrong = "a part of a record is a record";
    }
    return out;
}

inline verdict check_binary(std::string_view all) {
    input const in{all};
    return (in.settings & 1) != 0 ? check_binary_of<plain>(in) : check_binary_of<packed>(in);
}

}  // namespace fuzz
