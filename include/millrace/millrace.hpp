// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// All but the optional parts: the language, the plan, bytes in and out, and `run`.

#include <millrace/dsl.hpp>
#include <millrace/dsl/explain.hpp>
#include <millrace/io.hpp>
#include <millrace/scheduler/program.hpp>
#include <millrace/scheduler/run.hpp>
