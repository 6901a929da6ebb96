#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# Fuzzes each decoder of tests/fuzz; fails on a crash and says how to replay it.
#   scripts/fuzz.sh [SECONDS] [NAME…]     20 seconds each and all of them unless told; MILLRACE_SEED: another seed than 1
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
seconds=${1:-20}
shift || true
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: scripts/fuzz.sh [SECONDS] [NAME…]" >&2
    exit 64
fi
build=$PWD/build/ci-fuzz seed=${MILLRACE_SEED:-1}

scripts/install.sh all
quietly "configure the fuzzers" cmake -S tests/fuzz --preset fuzz -B "$build"
quietly "build the fuzzers" cmake --build "$build" --parallel "$jobs" --target fuzzers

names=("$@")
if ((${#names[@]} == 0)); then
    for source in tests/fuzz/*.cpp; do names+=("$(basename "$source" .cpp)"); done
fi
mkdir -p "$build/crashes"
failed=0
for name in "${names[@]}"; do
    program=$build/bin/fuzz_$name
    if [[ ! -x $program ]]; then
        echo "fuzz.sh: there is no fuzzer $name (is a library missing? scripts/install.sh)" >&2
        failed=1
        continue
    fi
    # New inputs go to a corpus that begins empty, so that a run depends on the seed alone.
    corpus=$build/corpus/$name log=$build/$name.log
    rm -rf "$corpus"
    mkdir -p "$corpus"
    if UBSAN_OPTIONS=print_stacktrace=1 "$program" -seed="$seed" -max_total_time="$seconds" -max_len=2048 \
        -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$build/crashes/$name-" \
        "$corpus" "tests/fuzz/seeds/$name" >"$log" 2>&1 </dev/null; then
        printf 'fuzz %-14s %9d inputs in %d s, %d kept\n' "$name" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds" "$(find "$corpus" -type f | wc -l)"
    else
        failed=1
        tail -n 40 "$log" >&2
        input=$(sed -n 's/^.*Test unit written to //p' "$log" | tail -n 1)
        echo "fuzz $name FAILED (seed $seed); replay: $program ${input:-(no input was kept: $log)}" >&2
    fi
done
exit "$failed"
