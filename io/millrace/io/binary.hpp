// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `file(…) | binary<tick>()` reads records of a fixed layout, `… | binary() | to(file(…))` writes
// them.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/io/detail/bad_row.hpp>
#include <millrace/io/detail/binary_layout.hpp>
#include <millrace/io/detail/format_memory.hpp>
#include <millrace/io/detail/schema.hpp>
#include <millrace/model/bytes.hpp>
#include <millrace/model/describe.hpp>
#include <millrace/model/fixed_string.hpp>
#include <millrace/model/stage.hpp>

namespace millrace {
namespace detail {

/// The first field of a described record that has no fixed layout, as an `unsupported_field<…>`;
/// else void.
template <class T>
using binary_unsupported = typename decltype(find_unsupported<T, binary_carries>())::type;
template <class Unsupported>
inline constexpr bool binary_holds = std::is_void_v<Unsupported>;

/// The operator of `binary<T>()`.
template <class T>
class binary_reader {
    static constexpr std::size_t record_bytes = binary_size<T>();
    static_assert(record_bytes > 0,
                  "millrace: binary: the record has no fields. Describe at least one.");

public:
    /// Hands over the next piece; its bytes stay valid until the next `feed`.
    void feed(chunk const& c) {
        if (last_) position_ = 0;
        next_ = c.data.data();
        end_ = next_ + c.data.size();
        last_ = c.last;
        if (carry().empty()) return;
        std::size_t const count = std::min(record_bytes - carry().size(), c.data.size());
        carry().append({next_, count});
        next_ += count;
    }

    /// Emits at most `n` records and bad rows and returns their number; fewer than `n`: feed the
    /// next chunk.
    template <class Emit>
    std::size_t parse(std::size_t n, Emit&& emit) {
        std::size_t taken = 0;
        while (taken < n) {
            char const* record = next_;
            if (carry().size() == record_bytes) {
                record = carry().data();
                carry_in_use_ ^= 1;  // the next cut record goes elsewhere: this one is looked at
                                     // until the next chunk
                carry().clear();
            } else if (carry().empty() && static_cast<std::size_t>(end_ - next_) >= record_bytes) {
                next_ += record_bytes;
            } else {
                carry().append({next_, static_cast<std::size_t>(end_ - next_)});
                next_ = end_;
                if (!last_ || carry().empty()) break;
                ++taken;
                refuse_rest(emit);
                continue;
            }
            ++taken;
            read(record, emit);
        }
        return taken;
    }

    /// Records taken, good and bad.
    [[nodiscard]] std::uint64_t rows() const { return rows_; }
    [[nodiscard]] std::uint64_t bad() const { return bad_; }

private:
    format_buffer& carry() { return carry_[carry_in_use_]; }

    template <class Emit>
    [[gnu::always_inline]] void read(char const* bytes, Emit&& emit) {
        ++rows_;
        std::uint64_t const position = ++position_;
        std::string_view const original{bytes, record_bytes};
        T record{};
        if constexpr (binary_is_memory<T>()) {
            std::memcpy(static_cast<void*>(&record), bytes, sizeof record);
            emit(std::move(record), original, position);
        } else {
            std::string_view reason;
            for_each_field<T>([&]<class F>() {
                if (!reason.empty()) return;
                if (char const* const wrong = binary_read(bytes, F::get(record)); wrong != nullptr)
                    reason = reason_.set({"field '", F::name.view(), "' ", wrong});
            });
            if (reason.empty()) [[likely]]
                return emit(std::move(record), original, position);
            ++bad_;
            emit.bad(reason, original, position);
        }
    }

    template <class Emit>
    void refuse_rest(Emit&& emit) {
        ++rows_;
        ++bad_;
        std::string_view const rest = carry().view();
        carry_in_use_ ^= 1;
        carry().clear();
        emit.bad("the file ends in the middle of a record", rest, ++position_);
    }

    char const* next_ = nullptr;
    char const* end_ = nullptr;
    bool last_ = false;
    format_buffer carry_[2];
    unsigned carry_in_use_ = 0;
    reason_text reason_;
    std::uint64_t position_ = 0;
    std::uint64_t rows_ = 0;
    std::uint64_t bad_ = 0;
};

/// The operator of `binary()`.
template <class R>
class binary_writer {
public:
    template <class Emit>
    void begin(Emit&) {}

    template <class Record, class Ctx, class Emit>
    void process(Record&& record, Ctx const& ctx, Emit& emit) {
        char out[binary_size<R>()];
        char* p = out;
        binary_write(p, static_cast<R const&>(record));
        emit(bytes{.data = {out, sizeof out}, .line = false}, ctx);
    }
};

}  // namespace detail

template <class T>
struct binary_parser_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::parser;
    static constexpr std::string_view word = "binary";
    static constexpr auto name = fixed_string{""};
    using record = T;

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        if constexpr (std::same_as<typename In::record, rows_chunk>) {
            static_assert(
                !Aloud,
                "millrace: binary: partitions{n} cuts a file at line ends, and this format has none. Read "
                "it as one input: file(…) | binary<T>().");
            return refused<binary_parser_stage, In>{};
        } else if constexpr (!std::same_as<typename In::record, chunk>) {
            static_assert(
                !Aloud,
                "millrace: binary: binary<T>() reads bytes, and here come records. Put it right behind a "
                "source of bytes such as file(…), or write binary() to write records.");
            return refused<binary_parser_stage, In>{};
        } else if constexpr (!described<T>) {
            static_assert(
                !Aloud,
                "millrace: binary: the record has no description. Write MILLRACE_RECORD(type, field, …) "
                "behind it.");
            return refused<binary_parser_stage, In>{};
        } else if constexpr (!detail::binary_holds<detail::binary_unsupported<T>>) {
            static_assert(
                !Aloud || detail::binary_holds<detail::binary_unsupported<T>>,
                "millrace: binary: a field has no fixed number of bytes. Take a number, bool, enum, char, "
                "text<N>, time_point, duration, a described record, or an optional of these.");
            return refused<binary_parser_stage, In>{};
        } else {
            return accepted<stream<T, no_key, In::traits>>{};
        }
    }

    template <class In, class Env>
    auto open(Env&) const {
        return detail::binary_reader<T>{};
    }
};

struct binary_writer_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::writer;
    static constexpr std::string_view word = "binary";
    static constexpr auto name = fixed_string{""};

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        if constexpr (!described<record>) {
            static_assert(
                !Aloud,
                "millrace: binary: the record has no description. Write MILLRACE_RECORD(type, field, …) "
                "behind it.");
            return refused<binary_writer_stage, In>{};
        } else if constexpr (!detail::binary_holds<detail::binary_unsupported<record>>) {
            static_assert(
                !Aloud || detail::binary_holds<detail::binary_unsupported<record>>,
                "millrace: binary: a field has no fixed number of bytes. Take a number, bool, enum, char, "
                "text<N>, time_point, duration, a described record, or an optional of these.");
            return refused<binary_writer_stage, In>{};
        } else {
            return accepted<stream<bytes, typename In::key, In::traits>>{};
        }
    }

    template <class In, class Env>
    auto open(Env&) const {
        return detail::binary_writer<typename In::record>{};
    }
};

/// Reads records of a fixed layout: the described fields packed in order, little endian
/// (detail/binary_layout.hpp has the layout). A record that lies in memory as in the file is read
/// by one copy.
template <class T>
constexpr binary_parser_stage<T> binary() {
    return {};
}

/// Writes records in that layout, without anything between them.
constexpr binary_writer_stage binary() { return {}; }

}  // namespace millrace
