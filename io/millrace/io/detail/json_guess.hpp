// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The reader compiled from the schema. It expects each line to have the members of the line before,
// in that order and in that spelling, and checks it: one comparison of 32 bytes a member finds key,
// colon and comma at their place. Whatever else comes is read in full and becomes the next guess;
// what it does not understand at once, it leaves to simdjson.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <emmintrin.h>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <millrace/io/detail/json_text.hpp>
#include <millrace/io/detail/json_value.hpp>
#include <millrace/io/detail/schema.hpp>
#include <millrace/model/describe.hpp>

namespace millrace::detail {

/// A member of the last line: `,"key":` as it was spelt between two values, and how long its value
/// was.
struct json_member_guess {
    static constexpr std::size_t size_max = 32;
    static constexpr unsigned sure = 4;

    alignas(16) char text[size_max]{};
    std::uint32_t mask = 1;  ///< a bit per byte of the text; at first one that no line matches
    std::uint32_t size = 0;
    std::uint32_t field = 0;  ///< of the record, or their number: skipped
    std::uint32_t value_size = 0;
    unsigned steady = 0;  ///< how many lines in a row had a string of that size

    [[nodiscard]] [[gnu::always_inline]] bool matches(char const* p) const {
        if ((~equal(p, 0) & mask & 0xFFFF) != 0) return false;
        return mask <= 0xFFFF || (~equal(p, 16) & (mask >> 16)) == 0;
    }
    [[nodiscard]] [[gnu::always_inline]] std::uint32_t equal(char const* p, std::size_t at) const {
        __m128i const ours = _mm_load_si128(reinterpret_cast<__m128i const*>(text + at));
        return static_cast<std::uint32_t>(_mm_movemask_epi8(
            _mm_cmpeq_epi8(ours, _mm_loadu_si128(reinterpret_cast<__m128i const*>(p + at)))));
    }
    /// False if it is too long to be guessed.
    bool learn(char const* from, char const* to, std::size_t as) {
        auto const length = static_cast<std::size_t>(to - from);
        *this = {};
        if (length > size_max) return false;
        std::memcpy(text, from, length);
        size = static_cast<std::uint32_t>(length);
        mask = 0xFFFFFFFF >> (32 - length);
        field = static_cast<std::uint32_t>(as);
        return true;
    }
    /// Behind the string at `p`, which stands on its opening quote, and its text. Strings of one
    /// size, line by line, are only checked to have it: then the next member can be compared before
    /// the end of this one is found.
    [[nodiscard]] [[gnu::always_inline]] char const* read_string(char const* p, json_met& met,
                                                                 std::string_view& out) {
        if (steady >= sure && json_string_has(p + 1, value_size, met)) [[likely]] {
            out = {p + 1, value_size};
            return p + 2 + value_size;
        }
        char const* const end =
            value_size < 16 ? json_string(p + 1, met) : json_long_string(p + 1, met);
        if (end == nullptr) [[unlikely]]
            return nullptr;
        out = {p + 1, static_cast<std::size_t>(end - p - 2)};
        steady = out.size() == value_size ? steady + 1 : 0;
        value_size = static_cast<std::uint32_t>(out.size());
        return end;
    }
};

template <class T>
struct json_guess;

/// Nested records have a guess of their own.
template <class T>
struct json_nested_guess {
    using type = std::tuple<>;
};
template <nested_record T>
struct json_nested_guess<T> {
    using type = json_guess<T>;
};
template <nested_record T>
struct json_nested_guess<std::optional<T>> {
    using type = json_guess<T>;
};

template <class T, class D = description_of<T>>
struct json_nested_guesses;
template <class T, fixed_string Name, class... Fields>
struct json_nested_guesses<T, description<Name, Fields...>> {
    using type = std::tuple<typename json_nested_guess<typename Fields::type>::type...>;
};

/// Fields of `T` that may be missing.
template <class T>
constexpr std::uint64_t json_optional_fields() {
    std::uint64_t out = 0, bit = 1;
    for_each_field<T>([&]<class F>() {
        if (is_optional<typename F::type>) out |= bit;
        bit <<= 1;
    });
    return out;
}
template <class T>
inline constexpr std::uint64_t json_all_fields = field_count<T> == 0
                                                     ? 0
                                                     : ~std::uint64_t{0} >> (64 - field_count<T>);

template <class T>
struct json_guess {
    static constexpr std::size_t member_max = 64;
    static constexpr std::size_t look_ahead = 3;  ///< members that may have been left out

    json_member_guess members[member_max];
    std::size_t count = 0;
    typename json_nested_guesses<T>::type nested;

    /// Reads the object at `p` into `out` and returns where it ended. Null: not understood, and
    /// `out` half written.
    [[nodiscard]] char const* read(char const* p, json_reading const& in, json_met& all_met,
                                   T& out) {
        std::uint64_t seen = 0;
        json_met met;
        json_member_guess* member = members;
        for (json_member_guess* end = members + count; member != members + member_max; ++member) {
            if (member == end || !member->matches(p)) [[unlikely]] {
                bool const first = member == members;
                if (first ? empty(p) : ends(p)) {
                    all_met.merge(met);
                    return complete(p, first, seen);
                }
                member = expect(member, p, all_met);
                if (member == nullptr) return nullptr;
                end = members + count;
            }
            p += member->size;
            if (member->field == field_count<T>) {
                p = skip(p, met, *member);
            } else {
                seen |= std::uint64_t{1} << member->field;
                p = read_field(p, in, met, *member, out,
                               std::make_index_sequence<field_count<T>>{});
            }
            if (p == nullptr) [[unlikely]]
                return nullptr;
        }
        return nullptr;
    }

private:
    [[gnu::always_inline]] static char const* skip(char const* p, json_met& met,
                                                   json_member_guess& member) {
        if (*p == '"') {
            std::string_view text;
            return member.read_string(p, met, text);
        }
        if (json_digit(*p)) {  // an integer of up to seven digits, the commonest number
            unsigned const bits = json_digit_bits(load_8(p));
            char const behind = p[bits / 8];
            if (bits < 64 && (behind == ',' || behind == '}') && (*p != '0' || bits == 8))
                return p + bits / 8;
        }
        json_met here;
        p = json_skip(p, here);
        met.merge(here);
        return p;
    }

    static bool ends(char const* p) { return *json_behind_blanks(p) == '}'; }
    static bool empty(char const* p) {
        p = json_behind_blanks(p);
        return *p == '{' && *json_behind_blanks(p + 1) == '}';
    }
    static char const* complete(char const* p, bool is_empty, std::uint64_t seen) {
        p = json_behind_blanks(p);
        if (is_empty) p = json_behind_blanks(p + 1);
        bool const all =
            ((seen | json_optional_fields<T>()) & json_all_fields<T>) == json_all_fields<T>;
        return all ? p + 1 : nullptr;
    }

    /// What comes instead of the expected member: one of the next, where some were left out, or one
    /// that is new here.
    [[nodiscard]] [[gnu::noinline]] json_member_guess* expect(json_member_guess* member,
                                                              char const* p, json_met& met) {
        auto const i = static_cast<std::size_t>(member - members);
        for (std::size_t j = i + 1; j < count && j <= i + look_ahead; ++j)
            if (members[j].matches(p)) return &members[j];
        return learn(i, p, met) ? member : nullptr;
    }

    /// Reads `,"key":` in full; the next line is expected to have it here.
    bool learn(std::size_t i, char const* begin, json_met& met) {
        char const* p = json_behind_blanks(begin);
        if (*p != (i == 0 ? '{' : ',')) return false;
        p = json_behind_blanks(p + 1);
        if (*p != '"') return false;
        char const* const key = p + 1;
        json_met here;
        p = json_string(key, here);
        if (p == nullptr || here.escaped) return false;
        met.merge(here);
        auto const size = static_cast<std::size_t>(p - 1 - key);
        // Where it is met again it is only compared.
        if (!is_utf8({key, size})) return false;
        p = json_behind_blanks(p);
        if (*p != ':') return false;
        p = json_behind_blanks(p + 1);
        count = std::max(count, i + 1);
        return members[i].learn(begin, p, field_index<T>({key, size}));
    }

    template <std::size_t... I>
    [[gnu::always_inline]] char const* read_field(char const* p, json_reading const& in,
                                                  json_met& met, json_member_guess& member, T& out,
                                                  std::index_sequence<I...>) {
        char const* end = nullptr;
        (void)((member.field == I
                && (end = read_one<I>(p, in, met, member, field_at<T, I>::get(out)), true))
               || ...);
        return end;
    }

    template <std::size_t I, class V>
    [[gnu::always_inline]] char const* read_one(char const* p, json_reading const& in,
                                                json_met& met, json_member_guess& member,
                                                V& value) {
        if constexpr (is_optional<V>) {
            if (*p == 'n' && std::memcmp(p, "null", 4) == 0) {
                value.reset();
                return p + 4;
            }
            return read_one<I>(p, in, met, member, value.emplace());
        } else if constexpr (nested_record<V>) {
            json_met here;
            p = std::get<I>(nested).read(p, in, here, value);
            met.merge(here);
            return p;
        } else if (json_is_string<V>(in.options)) {
            std::string_view text;
            json_met here;
            if (*p != '"' || (p = member.read_string(p, here, text)) == nullptr) return nullptr;
            met.merge(here);
            if (here.escaped) [[unlikely]]
                if (json_unescaped(text.data(), text.data() + text.size(), in, text)
                    != text_error::none)
                    return nullptr;
            return json_from_string(text, value) == text_error::none ? p : nullptr;
        } else {
            auto const result = json_read_value(p, in, met, value);
            return result.error == text_error::none ? result.end : nullptr;
        }
    }
};

}  // namespace millrace::detail
