// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The test driver: `millrace::driver` feeds a pipeline and reads what it emits, in any test
// framework.

#include <millrace/dsl.hpp>
#include <millrace/scheduler/test_driver.hpp>
