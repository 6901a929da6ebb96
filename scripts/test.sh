#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# Installs what is missing, builds, runs every test. Arguments go to ctest: scripts/test.sh -R dsl
# MILLRACE_PRESET chooses another preset than debug; MILLRACE_JOBS another number of jobs than cores.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
preset=${MILLRACE_PRESET:-debug}

scripts/install.sh all
quietly "configure" cmake --preset "$preset"
cmake --build --preset "$preset" --parallel "$jobs" --target unit_tests examples
ctest --preset "$preset" --parallel "$jobs" "$@"
