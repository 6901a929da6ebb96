// SPDX-FileCopyrightText: 2026 The Millrace authors
// SPDX-License-Identifier: BSL-1.0

#include "service.hpp"

int main(int argc, char** argv) { return millrace::run(argc, argv, fraud::service); }
