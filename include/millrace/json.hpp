// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// The optional JSON component; link `millrace::json`, which brings simdjson.

#include <millrace/io/json_reader.hpp>
#include <millrace/io/json_writer.hpp>
