// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `tcp::serve(…) | decode<ask>() | … | encode() | reply()`: a frame is one record of a fixed
// layout.

#include <concepts>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include <millrace/io/binary.hpp>
#include <millrace/io/detail/bad_row.hpp>
#include <millrace/io/detail/binary_layout.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/describe.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/live.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {

namespace detail {

/// The operator of `decode<T>()`.
template <class T>
class frame_decoder {
    static constexpr std::size_t record_bytes = binary_size<T>();

public:
    template <class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(frame const& in, Ctx const& ctx, Emit&& emit) {
        if (in.data.size() != record_bytes) [[unlikely]] {
            emit.fail_with(in, ctx, wrong_size(in.data.size()));
            return;
        }
        T record{};
        char const* p = in.data.data();
        if constexpr (binary_is_memory<T>()) {
            std::memcpy(static_cast<void*>(&record), p, sizeof record);
        } else {
            std::string_view reason;
            for_each_field<T>([&]<class F>() {
                if (!reason.empty()) return;
                if (char const* const wrong = binary_read(p, F::get(record)); wrong != nullptr)
                    reason = reason_.set({"field '", F::name.view(), "' ", wrong});
            });
            if (!reason.empty()) [[unlikely]] {
                emit.fail_with(in, ctx, reason);
                return;
            }
        }
        emit(std::move(record), ctx);
    }

private:
    [[gnu::cold, gnu::noinline]] std::string_view wrong_size(std::size_t size) {
        char digits[2][20];
        return reason_.set({"the frame has ", text_of(size, digits[0]), " bytes and the record ",
                            text_of(record_bytes, digits[1])});
    }
    static std::string_view text_of(std::size_t value, char (&digits)[20]) {
        std::size_t at = sizeof digits;
        do {
            digits[--at] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        return {digits + at, sizeof digits - at};
    }

    reason_text reason_;
};

}  // namespace detail

template <class T>
struct decode_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::one_to_one;
    static constexpr std::string_view word = "decode";
    static constexpr auto name = fixed_string{""};
    using record = T;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        if constexpr (!std::same_as<typename In::record, frame>) {
            static_assert(
                !Aloud,
                "millrace: decode: decode<T>() reads frames, and here come others. Put it "
                "behind a source of frames such as tcp::listen(…) or udp::listen(…).");
            return refused<decode_stage, In>{};
        } else if constexpr (!described<T>) {
            static_assert(!Aloud,
                          "millrace: decode: the record has no description. Write "
                          "MILLRACE_RECORD(type, field, …) behind it.");
            return refused<decode_stage, In>{};
        } else if constexpr (!detail::binary_holds<detail::binary_unsupported<T>>) {
            static_assert(
                !Aloud || detail::binary_holds<detail::binary_unsupported<T>>,
                "millrace: decode: a field has no fixed number of bytes. Take a number, bool, enum, "
                "char, text<N>, time_point, duration, a described record, or an optional of these.");
            return refused<decode_stage, In>{};
        } else {
            return accepted<stream<T, no_key, In::traits>>{};
        }
    }

    template <class In, class Env>
    auto open(Env&) const {
        return detail::frame_decoder<T>{};
    }
};

struct encode_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::writer;
    static constexpr std::string_view word = "encode";
    static constexpr auto name = fixed_string{""};

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!described<record>) {
            static_assert(!Aloud,
                          "millrace: encode: the record has no description. Write "
                          "MILLRACE_RECORD(type, field, …) behind it.");
            return refused<encode_stage, In>{};
        } else if constexpr (!detail::binary_holds<detail::binary_unsupported<record>>) {
            static_assert(
                !Aloud || detail::binary_holds<detail::binary_unsupported<record>>,
                "millrace: encode: a field has no fixed number of bytes. Take a number, bool, enum, "
                "char, text<N>, time_point, duration, a described record, or an optional of these.");
            return refused<encode_stage, In>{};
        } else {
            return accepted<stream<bytes, typename In::key, In::traits>>{};
        }
    }

    template <class In, class Env>
    auto open(Env&) const {
        return detail::binary_writer<typename In::record>{};
    }
};

/// Reads the one record that a frame holds: the described fields packed in order, little endian, as
/// `binary` has them. Shape 1-1. A frame of another size is a bad record. No allocation; a record
/// that lies in memory as in the frame is one copy.
template <class T>
[[nodiscard]] constexpr decode_stage<T> decode() {
    return {};
}

/// Writes each record in that layout, for `reply()` and for sinks that frame.
[[nodiscard]] constexpr encode_stage encode() { return {}; }

}  // namespace millrace
