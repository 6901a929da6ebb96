// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include <cstddef>
#include <cstdint>

#include "fuzz/csv_properties.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    return fuzz::demand(fuzz::check_csv({reinterpret_cast<char const*>(data), size}));
}
