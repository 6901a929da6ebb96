#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Millrace authors
# SPDX-License-Identifier: BSL-1.0

# Runs the benchmarks on g++ 12 and clang 19, each -O3 with and without -march=native, and prints a table of ratios.
#   scripts/bench.sh [--quick] [--gate] [--json FILE] [FILTER]
#     --quick   shorter runs, g++ without -march=native only    --json FILE  also the JSON, one object a line
#     --gate    exit code 1 if a ratio misses what it must      FILTER       a regular expression over bench_<question>_<name>
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

quick=() gate=() json='' filter=.
while (($#)); do
    case $1 in
    --quick) quick=(--quick) ;;
    --gate) gate=(--gate) ;;
    --json)
        json=${2:?--json needs a file}
        shift
        ;;
    -*)
        echo "usage: scripts/bench.sh [--quick] [--gate] [--json FILE] [FILTER]" >&2
        exit 64
        ;;
    *) filter=$1 ;;
    esac
    shift
done

scripts/install.sh all
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT

configurations=("g++|" "g++|-march=native" "clang++-19|" "clang++-19|-march=native")
[[ ${#quick[@]} -eq 0 ]] || configurations=("g++|")

for configuration in "${configurations[@]}"; do
    compiler=${configuration%%|*} native=${configuration#*|}
    build=build/bench-$compiler${native:+-native}
    quietly "configure $build" cmake --preset release -B "$build" -DCMAKE_CXX_COMPILER="$compiler" \
        -DCMAKE_CXX_FLAGS="$native" -DMILLRACE_BUILD_TESTS=OFF -DMILLRACE_BUILD_EXAMPLES=OFF -DMILLRACE_BUILD_DOCS=OFF
    mapfile -t targets < <(cmake --build "$build" --target help | sed -nE 's/^(bench_[^:/]+): phony$/\1/p' |
        grep -E "$filter" | sort -u || true)
    if ((${#targets[@]} == 0)); then
        echo "bench.sh: no benchmark matches $filter" >&2
        exit 64
    fi
    echo "== $compiler -O3 $native: building ${#targets[@]} programs" >&2
    quietly "build $build" cmake --build "$build" --parallel "$jobs" --target "${targets[@]}"
    for target in "${targets[@]}"; do
        echo "   $target" >&2
        MILLRACE_BENCH_COMPILER="$compiler -O3${native:+ $native}" "$build/bin/$target" "${quick[@]}" </dev/null |
            python3 scripts/bench-lines.py "$compiler -O3${native:+ $native}" >>"$lines"
    done
done

[[ -z $json ]] || cp "$lines" "$json"
python3 scripts/bench-table.py "${gate[@]}" "$lines"
