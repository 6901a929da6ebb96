// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The language: every word of a pipeline, the plan and the fused loop.

// In this order every header is first met here: clang names each file in between in its messages,
// which have 12 lines.
// clang-format off
#include <millrace/dsl/compose.hpp>

#include <millrace/dsl/count.hpp>
#include <millrace/dsl/event_time.hpp>
#include <millrace/dsl/filter.hpp>
#include <millrace/dsl/flat_map.hpp>
#include <millrace/dsl/from.hpp>
#include <millrace/dsl/inspect.hpp>
#include <millrace/dsl/into.hpp>
#include <millrace/dsl/key_by.hpp>
#include <millrace/dsl/map.hpp>
#include <millrace/dsl/to.hpp>

#include <millrace/dsl/aggregate.hpp>
#include <millrace/dsl/on_error.hpp>
#include <millrace/dsl/reduce.hpp>
#include <millrace/dsl/tee.hpp>

#include <millrace/dsl/merge.hpp>
#include <millrace/dsl/split.hpp>
#include <millrace/dsl/window.hpp>

#include <millrace/dsl/late_to.hpp>
#include <millrace/dsl/complete.hpp>
#include <millrace/dsl/plan.hpp>
#include <millrace/dsl/loop.hpp>
#include <millrace/dsl/pipeline.hpp>
#include <millrace/dsl/rebalance.hpp>

#include <millrace/model/describe.hpp>
#include <millrace/model/field.hpp>
#include <millrace/model/row.hpp>
#include <millrace/model/text.hpp>
#include <millrace/model/time.hpp>
// clang-format on
