// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

// Bytes in and out: files, standard streams, formats. JSON is an optional part:
// <millrace/json.hpp>.

#include <millrace/io/binary.hpp>
#include <millrace/io/csv.hpp>
#include <millrace/io/file.hpp>
#include <millrace/io/original.hpp>
#include <millrace/io/standard_io.hpp>
