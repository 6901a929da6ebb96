// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// A line by simdjson's on-demand reader: the general way, and the judge of what is refused and why.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <simdjson.h>

#include <millrace/io/detail/bad_row.hpp>
#include <millrace/io/detail/json_guess.hpp>
#include <millrace/io/detail/json_text.hpp>
#include <millrace/io/detail/json_value.hpp>
#include <millrace/io/detail/schema.hpp>
#include <millrace/model/describe.hpp>

namespace millrace::detail {

/// Reads lines in full; `reason` says what is wrong with the last one that was refused.
class json_ondemand {
public:
    /// `line` is followed by a line end and simdjson's padding.
    template <class T>
    bool read(std::string_view line, json_reading const& in, T& out) {
        namespace sj = simdjson;
        sj::ondemand::document document;
        std::size_t const padded = line.size() + sj::SIMDJSON_PADDING;
        if (auto const e = parser_.iterate(line.data(), line.size(), padded).get(document);
            e != sj::SUCCESS)
            return refuse_line(sj::error_message(e));
        char const* p = json_behind_blanks(line.data());
        if (*p != '{') return refuse_line("it is no object");
        json_met met;  // simdjson has checked the UTF-8
        p = json_skip(p, met);
        if (p == nullptr || json_behind_blanks(p) != line.data() + line.size())
            return refuse_line("its grammar is broken, or something stands behind the object");
        sj::ondemand::object object;
        if (auto const e = document.get_object().get(object); e != sj::SUCCESS)
            return refuse_line(sj::error_message(e));
        return read_object(object, in, out);
    }

    [[nodiscard]] std::string_view reason() const { return reason_view_; }

private:
    [[gnu::cold]] bool refuse_line(std::string_view why) {
        reason_view_ = reason_.set({"the line is not JSON: ", why});
        return false;
    }
    [[gnu::cold]] bool refuse_field(std::string_view name, std::string_view why) {
        reason_view_ = reason_.set({"field '", name, "' ", why});
        return false;
    }

    template <class T>
    bool read_object(simdjson::ondemand::object& object, json_reading const& in, T& out) {
        std::uint64_t seen = 0;
        for (auto item : object) {
            simdjson::ondemand::field member;
            if (auto const e = std::move(item).get(member); e != simdjson::SUCCESS)
                return refuse_line(simdjson::error_message(e));
            std::string_view key;
            if (auto const e = member.unescaped_key().get(key); e != simdjson::SUCCESS)
                return refuse_line(simdjson::error_message(e));
            std::size_t const index = field_index<T>(key);
            if (index == field_count<T>) continue;
            seen |= std::uint64_t{1} << index;
            bool read = true;
            std::size_t i = 0;
            for_each_field<T>([&]<class F>() {
                if (i++ == index) read = read_member<F>(member.value(), in, F::get(out));
            });
            if (!read) return false;
        }
        if (((seen | json_optional_fields<T>()) & json_all_fields<T>) == json_all_fields<T>)
            return true;
        std::uint64_t bit = 1;
        for_each_field<T>([&]<class F>() {
            if (((seen | json_optional_fields<T>()) & bit) == 0)
                refuse_field(F::name.view(), "is missing");
            bit <<= 1;
        });
        return false;
    }

    template <class F, class V>
    bool read_member(simdjson::ondemand::value& value, json_reading const& in, V& out) {
        char const* p = value.raw_json_token().data();
        if constexpr (is_optional<V>) {
            if (std::memcmp(p, "null", 4) == 0) {
                out.reset();
                return true;
            }
            return read_member<F>(value, in, out.emplace());
        } else if constexpr (nested_record<V>) {
            if (*p != '{')
                return refuse_field(F::name.view(),
                                    message(json_no_value(p, text_error::not_an_object).error));
            simdjson::ondemand::object object;
            if (auto const e = value.get_object().get(object); e != simdjson::SUCCESS)
                return refuse_line(simdjson::error_message(e));
            return read_object(object, in, out);
        } else {
            json_met met;
            auto const e = json_read_value(p, in, met, out).error;
            return e == text_error::none || refuse_field(F::name.view(), message(e));
        }
    }

    simdjson::ondemand::parser parser_;
    reason_text reason_;
    std::string_view reason_view_;
};

}  // namespace millrace::detail
