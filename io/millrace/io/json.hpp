// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// JSON lines, both ways: `json<event>()` reads, `json()` writes.

#include <millrace/io/json_reader.hpp>
#include <millrace/io/json_writer.hpp>
