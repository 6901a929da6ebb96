// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// `flat_map<8>(f)`: from none to eight records out of each; the bound is part of the type.

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <millrace/dsl/compose.hpp>
#include <millrace/model/call.hpp>
#include <millrace/model/owning.hpp>

namespace millrace {

/// What a function of `flat_map` emits into. `emitter` never holds more than the bound: what is
/// beyond makes the whole record an error.
template <class T>
class emitter {
public:
    emitter(T* room, std::size_t max) : room_(room), max_(max) {}
    emitter(emitter const&) = delete;
    emitter& operator=(emitter const&) = delete;
    ~emitter() {
        for (std::size_t i = 0; i < size_; ++i) room_[i].~T();
    }

    /// Emits one record; its arguments are those of T's construction.
    template <class... A>
    void operator()(A&&... a) {
        if (size_ == max_) [[unlikely]] {
            exceeded_ = true;
            return;
        }
        if constexpr (requires { T(static_cast<A&&>(a)...); })
            ::new (static_cast<void*>(room_ + size_)) T(static_cast<A&&>(a)...);
        else
            ::new (static_cast<void*>(room_ + size_)) T{static_cast<A&&>(a)...};
        ++size_;
    }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool exceeded() const { return exceeded_; }
    [[nodiscard]] T& operator[](std::size_t i) { return room_[i]; }

private:
    T* room_;
    std::size_t max_;
    std::size_t size_ = 0;
    bool exceeded_ = false;
};

namespace detail {

template <class R>
concept emits_range = requires(R& r) {
    r.begin();
    r.end();
    *r.begin();
};

// The type that a typed lambda's emitter names: the second parameter of its call operator.
template <class T>
struct second_parameter {
    using type = void;
};
template <class R, class C, class A, class E>
struct second_parameter<R (C::*)(A, emitter<E>&) const> {
    using type = E;
};
template <class R, class C, class A, class E>
struct second_parameter<R (C::*)(A, emitter<E>&)> {
    using type = E;
};
template <class R, class C, class A, class E>
struct second_parameter<R (C::*)(A, emitter<E>&) const noexcept> {
    using type = E;
};
template <class F, class Out>
struct emitted {
    static consteval auto find() {
        if constexpr (!std::is_void_v<Out>)
            return std::type_identity<Out>{};
        else if constexpr (requires { &F::operator(); })
            return std::type_identity<typename second_parameter<decltype(&F::operator())>::type>{};
        else
            return std::type_identity<void>{};
    }
    using type = typename decltype(find())::type;
};

template <class F, class T, class E>
concept takes_emitter =
    !std::is_void_v<E> && requires(F& f, T const& t, emitter<E>& e) { f(t, e); };
template <class F, class T>
concept gives_range = takes_record<F, T> && emits_range<std::remove_reference_t<raw_result<F, T>>>;
template <class F, class T>
using range_value = std::remove_cvref_t<
    decltype(*std::declval<std::remove_reference_t<raw_result<F, T>>&>().begin())>;

template <std::size_t Max, class Out, bool Range, class F>
struct flat_map_operator {
    [[no_unique_address]] F function;
    struct hot {
        std::uint64_t out = 0;
    };

    template <class R, class Ctx, class Emit>
    [[gnu::always_inline]] inline void process(R&& record, Ctx const& ctx, Emit&& emit) {
        // Made in full before anything is handed on: so an exception half-way leaves the stages
        // behind untouched, and there is one call site of what follows.
        alignas(Out) unsigned char room[Max * sizeof(Out)];
        emitter<Out> made(reinterpret_cast<Out*>(room), Max);
        try {
            if constexpr (Range) {
                auto&& range = call_for<Emit>(function, static_cast<R&&>(record));
                for (auto&& item : range) {
                    if constexpr (owns_elements<decltype(range)>)
                        made(std::move(item));
                    else
                        made(std::forward<decltype(item)>(item));
                }
            } else {
                function(static_cast<std::remove_cvref_t<R> const&>(record), made);
            }
        } catch (...) {
            emit.fail(record, ctx);
            return;
        }
        if (made.exceeded()) [[unlikely]] {
            emit.fail_with(record, ctx, "flat_map emitted more records than its bound");
            return;
        }
        for (std::size_t i = 0; i < made.size(); ++i) {
            emit.tally(emit.hot().out);
            emit(std::move(made[i]), ctx);
        }
    }
    static void count(hot const& h, stage_counts& counts) { counts.out += h.out; }
};
}  // namespace detail

template <std::size_t Max, fixed_string Name, class Out, class F>
struct flat_map_stage : stage_base {
    static constexpr stage_kind kind = stage_kind::flat_map;
    static constexpr std::string_view word = "flat_map";
    static constexpr auto name = Name;
    static constexpr std::size_t max = Max;
    F function;

    constexpr explicit flat_map_stage(F f) : function(std::move(f)) {}

    template <class In, bool Aloud = false>
    static consteval auto accept() {
        using record = typename In::record;
        using out = typename detail::emitted<F, Out>::type;
        if constexpr (Max == 0) {
            static_assert(
                !Aloud,
                "millrace: flat_map: it has no bound. Write flat_map<8>(…) with the most records that one "
                "record can become.");
            return refused<flat_map_stage, In>{};
        } else if constexpr (detail::takes_emitter<F, record, out>) {
            return accepted<stream<out, no_key, In::traits>>{};
        } else if constexpr (detail::gives_range<F, record>) {
            return accepted<stream<detail::range_value<F, record>, no_key, In::traits>>{};
        } else if constexpr (detail::takes_record<F, record>) {
            static_assert(
                !Aloud,
                "millrace: flat_map: the function neither returns a range of records nor takes an "
                "emitter. Write [](record const& r, emitter<out>& emit) { emit(…); }.");
            return refused<flat_map_stage, In>{};
        } else {
            static_assert(
                !Aloud,
                "millrace: flat_map: the function can't be called with the record of this stream. Let it "
                "take what the stage before emits, and return a range or take an emitter<out>& too.");
            return refused<flat_map_stage, In>{};
        }
    }

    template <class In, class Env>
    constexpr auto open(Env&) {
        using record = typename In::record;
        using out = typename detail::emitted<F, Out>::type;
        if constexpr (!std::is_void_v<out>)
            return detail::flat_map_operator<Max, out, false, F>{std::move(function)};
        else
            return detail::flat_map_operator<Max, detail::range_value<F, record>, true, F>{
                std::move(function)};
    }
};

/// Emits what `f` makes of each record: `f(record)` returns a range, or `f(record, emitter<Out>&)`
/// emits. At most `Max`: more is an error of that record, by `on_error`, and none of its records is
/// handed on. Shape 0-Max; keeps order and time, drops the key; holds nothing. With a generic
/// emitter name the type: `flat_map<8, "words", word>(…)`.
template <std::size_t Max = 0, fixed_string Name = "", class Out = void, class F>
[[nodiscard]] constexpr auto flat_map(F f) {
    return flat_map_stage<Max, Name, Out, detail::function_of<F>>{
        detail::as_function(std::move(f))};
}

}  // namespace millrace
