// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include "flights.hpp"

static_assert(millrace::plan_of<decltype(flights::delays({}))>.exchanges == 1);

int main(int argc, char** argv) { return millrace::run(argc, argv, flights::delays); }
