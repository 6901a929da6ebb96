#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# Formats the C++ files of the repository in place; with --check only says which would change.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
mode=(-i)
[[ ${1:-} == --check ]] && mode=(--dry-run -Werror)
find include dsl io scheduler tests bench examples docs \( -name '*.hpp' -o -name '*.cpp' \) -print0 |
    xargs -0 -r -n 16 -P "$jobs" clang-format-19 "${mode[@]}"
