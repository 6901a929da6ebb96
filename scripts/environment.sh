# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0
# shellcheck shell=bash

# Sourced by the other scripts: goes to the top of the repository, sets `jobs`, uses ccache if it is there.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs=${MILLRACE_JOBS:-$(nproc)}

if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache
    # Precompiled headers are cached only under these; their contents are hashed all the same.
    export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
fi

# quietly <what> <command>…: shows the output only if the command fails.
quietly() {
    local what=$1 log
    shift
    log=$(mktemp)
    if "$@" >"$log" 2>&1 </dev/null; then
        rm -f "$log"
    else
        local status=$?
        cat "$log" >&2
        rm -f "$log"
        echo "$what failed (exit code $status)" >&2
        return "$status"
    fi
}
