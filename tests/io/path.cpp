// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <millrace/io/io_failure.hpp>
#include <millrace/io/path.hpp>

#include "scratch.hpp"

namespace {

using namespace millrace;
using namespace millrace::detail;

TEST(path, splits_behind_the_last_slash) {
    EXPECT_EQ(split("a").directory, "");
    EXPECT_EQ(split("a").name, "a");
    EXPECT_EQ(split("/a").directory, "/");
    EXPECT_EQ(split("x/y/a").directory, "x/y/");
    EXPECT_EQ(split("x/").name, "");
}

TEST(path, names_temporaries_beside_the_file) {
    EXPECT_EQ(temporary_name(split("x/out.csv"), 4711, 2), "x/.out.csv.4711-2.part");
    EXPECT_EQ(temporary_name(split(std::string(255, 'n')), 4711, 0).size(), 255U);
}

TEST(path, knows_descriptors_by_name) {
    EXPECT_TRUE(names_descriptor("/dev/fd/3"));
    EXPECT_TRUE(names_descriptor("/dev/stdout"));
    EXPECT_FALSE(names_descriptor("/dev/null"));
}

TEST(io_failure, shows_names_so_that_a_terminal_survives_them) {
    EXPECT_EQ(shown("a b"), "\"a b\"");
    EXPECT_EQ(shown("a\n\x1b[1m"), "\"a??[1m\"");
    EXPECT_EQ(shown("/dev/stdout"), "standard output");
    EXPECT_EQ(shown(std::string(1000, 'x')).size(), 405U);
}

TEST(io_failure, gives_every_errno_a_sentence_and_a_code) {
    for (int error = 1; error < 134; ++error) {
        for (auto const& failing :
             {+[](int e) { fail_reading("x", e); }, +[](int e) { fail_writing("x", e); }}) {
            auto const got = millrace_test::failure_of([&] { failing(error); });
            EXPECT_NE(got.code(), exit_code::ok);
            EXPECT_TRUE(got.message().ends_with('.')) << got.message();
        }
    }
}

}  // namespace
