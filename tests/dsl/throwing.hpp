// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Functions of the user that throw at the first, the last or every record, for batches of several
// sizes; and what has to hold after each: every stage adds up.

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <millrace/dsl.hpp>
#include <millrace/scheduler/run.hpp>

namespace millrace_test {
using namespace millrace;

struct item {
    int id = 0;
    int key = 0;
};
MILLRACE_RECORD(item, id, key);

inline std::vector<item> items(int size) {
    std::vector<item> out;
    for (int i = 0; i < size; ++i) out.push_back({i, i * 7 % 5});
    return out;
}
inline void expect_sound(report const& r) {
    for (auto const& sentence : lost_records(r)) ADD_FAILURE() << sentence << "\n" << to_text(r);
}

enum class at { first, last, every };
struct thrower {
    at when;
    int size;
    bool operator()(item const& i) const {
        return when == at::every || i.id == (when == at::first ? 0 : size - 1);
    }
};
inline item maybe_throw(thrower const& t, item const& i) {
    if (t(i)) throw std::runtime_error("no " + std::to_string(i.id));
    return i;
}
constexpr int size_of_case = 50;

class throwing : public testing::TestWithParam<std::tuple<at, std::size_t>> {
protected:
    thrower fails{std::get<0>(GetParam()), size_of_case};
    std::size_t batch = std::get<1>(GetParam());
    std::uint64_t failures = std::get<0>(GetParam()) == at::every ? size_of_case : 1;
    std::vector<item> in = items(size_of_case);
    std::vector<item> out;

    void expect_dropped(report const& r) {
        expect_sound(r);
        EXPECT_TRUE(r.ok()) << r.message;
        std::uint64_t dropped = 0;
        for (auto const& d : r.dropped) dropped += d.count;
        EXPECT_EQ(dropped, failures);
        EXPECT_EQ(r.records_in, in.size());
    }
    void expect_stopped(report const& r) {
        expect_sound(r);
        EXPECT_EQ(r.code, exit_code::data);
        std::string const id =
            std::to_string(std::get<0>(GetParam()) == at::last ? size_of_case - 1 : 0);
        EXPECT_NE(r.message.find("no " + id + ". The run stops here"), std::string::npos)
            << r.message;
        EXPECT_EQ(r.dead, 1U);
        EXPECT_NE(to_text(r).find(r.message), std::string::npos);
    }
};

}  // namespace millrace_test
