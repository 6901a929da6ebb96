// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the properties of all decoders share: a verdict, an input with its settings in front, random
// pieces, and bytes that are equal where records are.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <millrace/model/describe.hpp>

namespace fuzz {

/// What became of one input. `wrong` says which property doesn't hold; empty: all do.
struct verdict {
    std::string wrong = {};
    std::size_t good = 0;  ///< frames or records
    std::size_t bad = 0;   ///< refused frames or bad rows
};

/// The first byte of an input holds settings, the second chooses how the rest is cut to pieces.
struct input {
    unsigned settings = 0;
    std::uint64_t cuts = 0;
    std::string_view text;

    explicit input(std::string_view all) {
        if (all.size() < 2) return;
        settings = static_cast<unsigned char>(all[0]);
        cuts = static_cast<unsigned char>(all[1]);
        text = all.substr(2);
    }
};

/// Pieces of 0 to 3 bytes, or of up to 80, or both in turn; at least one.
inline std::vector<std::string_view> pieces_of(std::string_view text, std::uint64_t cuts) {
    std::mt19937_64 random{cuts};
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < text.size();) {
        bool const small = cuts % 3 == 0 || (cuts % 3 == 1 && random() % 2 != 0U);
        std::string_view const piece = text.substr(at, small ? random() % 4 : random() % 81);
        pieces.push_back(piece);
        at += piece.size();
    }
    if (pieces.empty() || cuts % 5 == 0) pieces.emplace_back();
    return pieces;
}

/// Appends bytes that are equal where the values are, and where both are NaN.
template <class V>
void append_value(std::string& out, V const& value) {
    if constexpr (requires { value.has_value(); }) {
        out += value ? '+' : '-';
        if (value) append_value(out, *value);
    } else if constexpr (std::convertible_to<V const&, std::string_view>) {
        std::string_view const text = value;
        append_value(out, text.size());
        out += text;
    } else if constexpr (millrace::described<V>) {
        millrace::for_each_field<V>([&]<class F>() { append_value(out, F::get(value)); });
    } else if constexpr (std::floating_point<V>) {
        char bytes[sizeof value] = {};  // of a zero or a number; NaN has none
        if (value == value) std::memcpy(bytes, &value, sizeof value);
        out += value == value ? 'f' : 'n';
        out.append(bytes, sizeof bytes);
    } else {
        static_assert(std::has_unique_object_representations_v<V>);
        char bytes[sizeof value];
        std::memcpy(bytes, &value, sizeof value);
        out.append(bytes, sizeof bytes);
    }
}

/// Never empty.
template <class R>
std::string show(R const& record) {
    std::string out = "record ";
    append_value(out, record);
    return out;
}

/// For a fuzzer's entry point: a property that doesn't hold is a crash.
inline int demand(verdict const& v) {
    if (v.wrong.empty()) return 0;
    std::fprintf(stderr, "property: %s\n", v.wrong.c_str());
    std::abort();
}

}  // namespace fuzz
